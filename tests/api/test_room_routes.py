# SPDX-License-Identifier: GPL-3.0-or-later
"""What a backend does with rooms that it has: list, change, look in, put somebody out."""

import asyncio
import datetime

import pytest

from harness.otter_client import OtterError, Participant
from harness.wait import wait_until


def all_pages(home, **query):
    """Every room of a list, page by page; fails if a page is longer than its limit."""
    found, after = [], None
    while True:
        page = home.rest("GET", "/v1/rooms", params={**query, **({"after": after} if after else {})})
        assert page.status_code == 200, page.text
        rooms, after = page.json()["rooms"], page.json()["next"]
        assert len(rooms) <= query.get("limit", 100)
        found += rooms
        if after is None:
            return found


@pytest.mark.parametrize("limit", [1, 2, 100])
def test_a_list_has_every_room_once_oldest_first_and_no_link(home, limit):
    made = [home.create_room()["id"] for _ in range(5)]
    rooms = all_pages(home, limit=limit)
    ids = [room["id"] for room in rooms]
    assert [each for each in ids if each in made] == made
    assert len(set(ids)) == len(ids)
    assert not [room for room in rooms if "url" in room or "host_url" in room]


def test_a_list_can_be_narrowed_to_a_status(home):
    open_, closed = home.create_room()["id"], home.create_room()["id"]
    home.rest("DELETE", f"/v1/rooms/{closed}")
    by_status = {status: [room["id"] for room in all_pages(home, status=status)] for status in ("open", "occupied", "full", "closed")}
    assert open_ in by_status["open"] and closed in by_status["closed"]
    assert not [status for status in by_status if status != "open" and open_ in by_status[status]]
    assert not [status for status in by_status if status != "closed" and closed in by_status[status]]


@pytest.mark.parametrize("query, field", [({"limit": 0}, "limit"), ({"limit": 101}, "limit"), ({"limit": "many"}, "limit"),
                                          ({"status": "busy"}, "status"), ({"after": "yesterday"}, "after"), ({"after": "1.%00"}, "after")])
def test_a_wrong_query_is_refused_by_its_name(home, query, field):
    answer = home.rest("GET", "/v1/rooms", params=query)
    assert (answer.status_code, answer.json()["code"], answer.json()["details"]["field"]) == (400, "invalid_request", field)


def test_settings_are_changed_one_by_one_and_the_rest_stays(home):
    room = home.create_room(metadata={"case": 7}, empty_timeout=60)
    path = f"/v1/rooms/{room['id']}"
    before = home.rest("GET", path).json()
    after = home.rest("PATCH", path, json={"max_participants": 6}).json()
    assert after["max_participants"] == 6 and after["updated_at"] > before["updated_at"]
    assert {**after, "max_participants": 4, "updated_at": before["updated_at"]} == before
    later = home.rest("PATCH", path, json={"expires_at": "2099-01-01T00:00:00Z", "metadata": {"case": 8}, "empty_timeout": 0}).json()
    assert (later["expires_at"], later["metadata"], later["empty_timeout"]) == ("2099-01-01T00:00:00.000Z", {"case": 8}, 0)
    cleared = home.rest("PATCH", path, json={"expires_at": None, "metadata": None}).json()
    assert (cleared["expires_at"], cleared["metadata"], cleared["max_participants"]) == (None, {}, 6)
    assert home.rest("GET", path).json() == cleared


@pytest.mark.parametrize("body, field", [({"max_participants": 9}, "max_participants"), ({"unique_name": "x"}, "unique_name"),
                                         ({"expires_at": "2001-01-01T00:00:00Z"}, "expires_at"), ({"metadata": []}, "metadata"),
                                         ({"metadata": {"a": "x" * 5000}}, "metadata"), ({"privacy": "relay"}, "privacy")])
def test_a_wrong_change_changes_nothing(home, body, field):
    room = home.create_room()
    before = home.rest("GET", f"/v1/rooms/{room['id']}").json()
    answer = home.rest("PATCH", f"/v1/rooms/{room['id']}", json=body)
    assert (answer.status_code, answer.json()["details"]["field"]) == (400, field)
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json() == before


def test_a_closed_room_takes_no_change(home):
    room = home.create_room()
    home.rest("DELETE", f"/v1/rooms/{room['id']}")
    assert home.rest("PATCH", f"/v1/rooms/{room['id']}", json={"max_participants": 3}).json()["code"] == "room_closed"


async def inside(home, room, **fields):
    person = Participant(home.api, room["token"], room["id"])
    await person.connect()
    await person.join(**fields)
    return person


def test_those_inside_hear_of_a_change_and_a_new_limit_holds(home):
    async def story():
        room = home.create_room(max_participants=2)
        ann, bob = await inside(home, room), await inside(home, room)
        home.rest("PATCH", f"/v1/rooms/{room['id']}", json={"max_participants": 3})
        assert (await ann.event("room-updated"))["room"]["max_participants"] == 3
        carol = await inside(home, room)
        home.rest("PATCH", f"/v1/rooms/{room['id']}", json={"max_participants": 2})
        assert len(await ann.list()) == 3, "nobody is put out by a smaller limit"
        assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "full"
        with pytest.raises(OtterError) as late:
            await inside(home, room)
        assert late.value.code == "room_full"
        for person in (ann, bob, carol):
            await person.close()
    asyncio.run(story())


def test_who_is_inside_can_be_seen_and_put_out(home):
    async def story():
        room = home.create_room()
        path = f"/v1/rooms/{room['id']}/participants"
        ann, bob = await inside(home, room, display="Ann"), await inside(home, room, display="Bob")
        seen = home.rest("GET", path).json()
        assert seen == {"participants": [ann.me, bob.me], "next": None}
        assert home.rest("DELETE", f"{path}/{bob.me['participant']}").status_code == 204
        assert (await bob.event("ejected"))["reason"] == "ejected"
        left = await ann.event("participant-left")
        assert (left["participant"], left["reason"]) == (bob.me["participant"], "ejected")
        again = home.rest("DELETE", f"{path}/{bob.me['participant']}")
        assert (again.status_code, again.json()["code"]) == (404, "participant_not_found")
        assert [each["participant"] for each in home.rest("GET", path).json()["participants"]] == [ann.me["participant"]]
        refused = home.rest("DELETE", f"{path}/{ann.me['participant']}?revoke=perhaps")
        assert (refused.status_code, refused.json()["details"]["field"]) == (400, "revoke")
        for person in (ann, bob):
            await person.close()
    asyncio.run(story())


@pytest.mark.parametrize("method, path", [("GET", "/v1/rooms"), ("PATCH", "/v1/rooms/{}"), ("GET", "/v1/rooms/{}/participants"),
                                          ("DELETE", "/v1/rooms/{}/participants/pt_x")])
def test_none_of_it_is_for_who_has_no_key(home, method, path):
    room = home.create_room()
    answer = home.rest(method, path.format(room["id"]), key=None)
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized")


def test_a_room_closes_when_its_changed_time_is_over(home):
    room = home.create_room()
    path = f"/v1/rooms/{room['id']}"
    soon = home.rest("PATCH", path, json={"expires_at": in_seconds(2)})
    assert soon.status_code == 200, soon.text
    wait_until(lambda: home.rest("GET", path).json()["status"] == "closed", 10, "it is closed")


def in_seconds(seconds):
    now = datetime.datetime.now(datetime.timezone.utc)
    return (now + datetime.timedelta(seconds=seconds)).isoformat()
