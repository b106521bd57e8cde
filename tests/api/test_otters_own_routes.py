# SPDX-License-Identifier: GPL-3.0-or-later
"""The routes of Otter as it was deployed on AWS: an application that calls them goes on working."""

from harness.otter_home import token_of

OTTERS_ROOM = {"roomId", "unique_name", "status", "created_at", "updated_at"}


def create(home, authorization, **more):
    return home.rest("POST", "/v1/createRoom", key=None, headers={"Authorization": authorization}, **more)


def test_createRoom_takes_the_key_with_and_without_bearer(home):
    for authorization in (home.key, f"Bearer {home.key}"):
        answer = create(home, authorization)
        assert answer.status_code == 200, answer.text
        assert answer.json().keys() == OTTERS_ROOM | {"url"}
        assert answer.json()["url"].startswith(f"{home.web}/room/{answer.json()['roomId']}#token=")


def test_createRoom_without_a_key_makes_nothing(home):
    assert home.rest("POST", "/v1/createRoom", key=None).status_code == 401
    assert create(home, "otk_none").json()["code"] == "unauthorized"


def test_createRoom_by_name_answers_200_both_times(home):
    answers = [create(home, home.key, json={"uniqueName": "otters-own"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json()["roomId"] == answers[1].json()["roomId"]
    assert answers[0].json()["unique_name"] == "otters-own"
    wrong = create(home, home.key, json={"uniqueName": 5})
    assert (wrong.status_code, wrong.json()["details"]["field"]) == (400, "uniqueName")


def test_room_is_told_to_who_has_its_token_and_to_nobody_else(home):
    room, other = (create(home, home.key).json() for _ in range(2))
    token = token_of(room["url"])
    told = home.rest("GET", f"/v1/room/{room['roomId']}?token={token}", key=None)
    assert told.status_code == 200 and told.json().keys() == OTTERS_ROOM
    assert home.rest("GET", f"/v1/room/{other['roomId']}?token={token}", key=None).json()["code"] == "wrong_room"
    assert home.rest("GET", f"/v1/room/{room['roomId']}", key=None).json()["code"] == "unauthorized"
    assert home.rest("GET", f"/v1/room/{room['roomId']}?token=no", key=None).json()["code"] == "token_invalid"


def test_credentials_have_username_and_credential_at_the_top(home):
    room = create(home, home.key).json()
    answer = home.rest("GET", f"/v1/credentials?token={token_of(room['url'])}", key=None).json()
    turn = [each for each in answer["ice_servers"] if "username" in each][0]
    assert (answer["username"], answer["credential"]) == (turn["username"], turn["credential"])


def test_the_old_page_moves_to_the_new_one_with_the_token_in_the_fragment(home):
    room = create(home, home.key).json()
    token = token_of(room["url"])
    moved = home.rest("GET", f"/otter-meet/{room['roomId']}?token={token}", key=None, allow_redirects=False)
    assert (moved.status_code, moved.headers["Location"]) == (302, f"/room/{room['roomId']}#token={token}")
    assert moved.headers["Cache-Control"] == "no-store" and moved.headers["Referrer-Policy"] == "no-referrer"
    hostile = home.rest("GET", f"/otter-meet/{room['roomId']}?token=x%0d%0aSet-Cookie:a=b", key=None, allow_redirects=False)
    assert hostile.headers["Location"] == f"/room/{room['roomId']}"
