# SPDX-License-Identifier: GPL-3.0-or-later
"""Defects of the Otter that this one follows; each must never come back.

The numbers are those of the list that the project keeps of them.
"""

import asyncio
import hashlib
import sqlite3
import time
from pathlib import Path

import jwt
import pytest
from api.conftest import assert_error, rooms_of
from harness import tokens
from harness.otter_client import OtterError, Participant


@pytest.fixture
def people(home):
    """people(coroutine function): run it with a function that makes participants, who all go home."""
    def run(story):
        async def told():
            everybody = []

            async def inside(room, token=None, **fields):
                person = Participant(home.api, token or room["token"], room["id"])
                everybody.append(person)
                await person.connect()
                await person.join(**fields)
                return person
            try:
                return await story(inside)
            finally:
                for person in everybody:
                    await person.close()
        return asyncio.run(told())
    return run


def participants(home, room):
    return home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"]


def code_of(caught):
    return caught.value.code


def test_defect_1_a_token_for_room_a_does_not_open_room_b(home, people):
    """The room came from a query parameter; now it is the token's."""
    a, b = home.create_room(), home.create_room()
    for query in (f"?room={b['id']}", f"?roomId={b['id']}", f"?id={b['id']}"):
        answer = home.rest("POST", f"/v1/connect{query}", token=a["token"], json={"room": b["id"]})
        assert answer.json()["room"] == a["id"]

    async def story(inside):
        with pytest.raises(OtterError) as refused:
            await inside(b, a["token"])
        return refused
    assert code_of(people(story)) == "wrong_room"
    assert participants(home, a) == participants(home, b) == 0


def test_defect_3_the_third_does_not_slip_into_a_room_of_two(home, people):
    """"Full" was not enforced, and the third broke the pair."""
    room = home.create_room(max_participants=2)

    async def story(inside):
        ann, bob = await inside(room), await inside(room)
        answers = await asyncio.gather(*[inside(room) for _ in range(6)], return_exceptions=True)
        assert {answer.code for answer in answers} == {"room_full"}
        assert [one["participant"] for one in await ann.list()] == [one.me["participant"] for one in (ann, bob)]
        assert await ann.signal(bob.me["participant"], to_instance=bob.instance, ack=1) == {}
        state = home.rest("GET", f"/v1/rooms/{room['id']}").json()
        assert (state["status"], state["participants"]) == ("full", 2)
    people(story)


def test_defect_4_a_room_does_not_close_because_somebody_left_and_a_closed_name_can_open_again(home, people):
    name = f"defect-4-{time.time_ns()}"
    room = home.create_room(unique_name=name)

    async def story(inside):
        for _ in range(3):
            ann, bob = await inside(room), await inside(room)
            await ann.leave()
            await bob.leave()
            state = home.rest("GET", f"/v1/rooms/{room['id']}").json()
            assert (state["status"], state["participants"]) == ("open", 0)
        assert home.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204
        heir = home.create_room(unique_name=name)
        assert heir["id"] != room["id"]
        await inside(heir)
    people(story)


def test_defect_5_a_named_room_never_answers_an_old_token(home):
    """It stored its URL, and so the token in it, which had perhaps expired."""
    name = f"defect-5-{time.time_ns()}"
    urls = [home.rest("POST", "/v1/rooms", json={"unique_name": name}).json()["url"]]
    first = time.time()
    while time.time() < first + 1.1:  # the next second, so that exp must move
        urls.append(home.rest("POST", "/v1/rooms", json={"unique_name": name}).json()["url"])
    assert len(set(urls)) == len(urls)
    claims = [jwt.decode(url.partition("#token=")[2], options={"verify_signature": False})
              for url in (urls[0], urls[-1])]
    assert claims[1]["exp"] > claims[0]["exp"]
    assert claims[1]["exp"] > time.time() + 48 * 3600 - 5


def test_defect_6_the_api_key_is_not_the_signing_key_and_is_not_kept_in_clear(home, room):
    for key in (home.key, home.key.split("_")[2], hashlib.sha256(home.key.encode()).hexdigest()):
        answer = home.rest("POST", "/v1/connect", token=tokens.mint(home, room, key=key.encode()))
        assert_error(answer, 401, "token_invalid")
    store = sqlite3.connect(f"file:{home.home}/data/otter.db?mode=ro", uri=True)
    rows = store.execute("SELECT id, name, hash, scopes FROM api_key JOIN api_key_secret ON key_id = id").fetchall()
    store.close()
    assert hashlib.sha256(home.key.encode()).digest() in [row[2] for row in rows]
    for file in Path(home.home, "data").glob("otter.db*"):
        assert home.key.encode() not in file.read_bytes()


NEEDS_A_CREDENTIAL = [("POST", "/v1/rooms"), ("GET", "/v1/rooms/{id}"), ("DELETE", "/v1/rooms/{id}"),
                      ("POST", "/v1/connect"), ("GET", "/v1/credentials")]


@pytest.mark.parametrize("method, path", NEEDS_A_CREDENTIAL)
def test_defect_8_a_request_without_a_credential_is_refused(home, room, method, path):
    """The authorizer let requests pass that had none at all."""
    before = rooms_of(home)
    assert_error(home.rest(method, path.format(id=room["id"]), key=None), 401, "unauthorized")
    assert rooms_of(home) == before
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "open"


@pytest.mark.parametrize("token", ["", None])
def test_defect_8_a_join_without_a_token_is_refused(home, room, token):
    async def story():
        person = Participant(home.api, room["token"], room["id"])
        await person.connect()
        try:
            with pytest.raises(OtterError) as refused:
                await person.join(token=token)
            return refused
        finally:
            await person.close()
    assert code_of(asyncio.run(story())) == "unauthorized"
    assert participants(home, room) == 0
