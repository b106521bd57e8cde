# SPDX-License-Identifier: GPL-3.0-or-later
"""What survives when Janus is killed in the middle of its work, and is brought up again."""

import asyncio
import contextlib
import threading
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import requests
from harness.otter_client import OtterError, Participant
from harness.wait import wait_until


async def enter(home, room, token, **fields):
    person = Participant(home.api, token, room["id"])
    await person.connect()
    await person.join(**fields)
    return person


def hammer(home, stop):
    """Requests one after the other over a connection that is kept alive, until the server or the test ends it."""
    with requests.Session() as session, contextlib.suppress(requests.RequestException):
        while not stop.is_set():
            session.post(f"{home.info['api']}/rooms", json={}, headers={"Authorization": f"Bearer {home.key}"}, timeout=10)


def test_a_stop_under_load_is_a_clean_one(fresh_home):
    """Whoever keeps a connection alive must not keep the server from stopping, nor make it fall."""
    stop = threading.Event()
    busy = [threading.Thread(target=hammer, args=(fresh_home, stop)) for _ in range(40)]
    for each in busy:
        each.start()
    wait_until(lambda: len(fresh_home.rest("GET", "/v1/rooms").json()["rooms"]) == 100, 20, "there is load")
    fresh_home.down()
    stop.set()
    for each in busy:
        each.join()
    log = (Path(fresh_home.info["home"]) / "log" / "janus.log").read_text(encoding="utf-8", errors="replace")
    assert "Bye!" in log and "Fatal error" not in log, log[-2000:]
    fresh_home.up()  # which its end takes down again
    assert fresh_home.rest("GET", "/healthz", key=None).status_code == 200


def test_rooms_the_key_and_an_old_link_survive_a_kill(fresh_home):
    home = fresh_home
    named = home.create_room(unique_name="tea", max_participants=3, metadata={"topic": "tea"}, privacy="relay",
                             expires_at="2099-01-01T00:00:00Z")
    plain, closed = home.create_room(), home.create_room(unique_name="over")
    assert home.rest("DELETE", f"/v1/rooms/{closed['id']}").status_code == 204
    before = {room["id"]: home.rest("GET", f"/v1/rooms/{room['id']}").json() for room in (named, plain, closed)}
    key, ports, old, urls = home.key, home.info["ports"], home.info["pids"], (home.info["api"], home.info["web"])

    home.kill_janus()
    home.up()

    assert (home.key, home.info["ports"], (home.info["api"], home.info["web"])) == (key, ports, urls)
    assert home.info["pids"]["janus"] != old["janus"] and home.info["pids"]["turn"] == old["turn"]
    for id_, room in before.items():
        assert home.rest("GET", f"/v1/rooms/{id_}", key=key).json() == room
    assert home.rest("GET", "/v1/rooms/tea").json()["id"] == named["id"]
    for room in (named, plain):
        assert home.rest("POST", "/v1/connect", token=room["token"]).status_code == 200
    assert home.rest("POST", "/v1/connect", token=closed["token"]).json()["code"] == "room_closed"
    again = home.rest("POST", "/v1/rooms", json={"unique_name": "tea"})
    assert (again.status_code, again.json()["id"]) == (200, named["id"])
    assert home.rest("POST", "/v1/rooms", json={"unique_name": "over"}).status_code == 201

    async def enter_by_the_old_link():
        person = await enter(home, named, named["token"], display="Ann")
        assert (person.me["order"], person.joined["room"]["metadata"]) == (1, {"topic": "tea"})
        await person.close()
    asyncio.run(enter_by_the_old_link())


def test_a_room_that_was_answered_just_before_a_kill_is_there_afterwards(fresh_home):
    for _ in range(3):
        room = fresh_home.create_room()
        fresh_home.kill_janus()
        fresh_home.up()
        assert fresh_home.rest("GET", f"/v1/rooms/{room['id']}").status_code == 200
        assert fresh_home.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204
        fresh_home.kill_janus()
        fresh_home.up()
        assert fresh_home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "closed"


def test_a_room_expires_also_while_nothing_runs(fresh_home):
    end = datetime.now(timezone.utc) + timedelta(seconds=1)
    room = fresh_home.create_room(unique_name="short", expires_at=end.isoformat(timespec="milliseconds"))
    fresh_home.kill_janus()
    wait_until(lambda: datetime.now(timezone.utc) > end, 5, "the room's time has passed")
    fresh_home.up()
    assert fresh_home.rest("POST", "/v1/connect", token=room["token"]).json()["code"] == "room_closed"
    assert fresh_home.rest("POST", "/v1/rooms", json={"unique_name": "short"}).status_code == 201


def test_who_was_inside_when_it_was_killed_has_the_seat_afterwards_and_nobody_takes_it(fresh_home):
    room = fresh_home.create_room(max_participants=2)

    async def enter_and_lose():
        people = [await enter(fresh_home, room, room["token"], display=name) for name in ("Ann", "Bob")]
        await people[0].update(hand=True)
        fresh_home.create_room()  # which is answered when it is on disk, and so is what stands before it
        fresh_home.kill_janus()
        for person in people:
            await person.connection.until_lost()
            await person.close()
        return people
    people = asyncio.run(enter_and_lose())
    fresh_home.up()
    assert fresh_home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "full"

    async def come_back():
        stranger = Participant(fresh_home.api, room["token"], room["id"])
        await stranger.connect()
        with pytest.raises(OtterError) as refused:
            await stranger.join()
        assert refused.value.code == "room_full"
        for person in people:
            before = person.me
            await person.connect()
            reply = await person.resume()
            assert reply["me"] == {**before, "hand": person is people[0]}
        assert [each["connected"] for each in await people[0].list()] == [True, True]
        for person in (*people, stranger):
            await person.close()
    asyncio.run(come_back())


def test_who_was_put_out_just_before_a_kill_stays_out(fresh_home):
    room = fresh_home.create_room()

    async def enter_and_be_put_out():
        person = await enter(fresh_home, room, room["token"])
        path = f"/v1/rooms/{room['id']}/participants/{person.me['participant']}"
        assert fresh_home.rest("DELETE", path).status_code == 204
        fresh_home.kill_janus()
        await person.close()
        return person
    person = asyncio.run(enter_and_be_put_out())
    fresh_home.up()

    async def come_back():
        await person.connect(bearer=room["token"])
        with pytest.raises(OtterError) as refused:
            await person.resume()
        assert refused.value.code == "seat_gone"
        await person.close()
    asyncio.run(come_back())
