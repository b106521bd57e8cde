# SPDX-License-Identifier: GPL-3.0-or-later
"""Sessions that outlive their WebSocket, and are claimed on another (Janus' reclaim_session_timeout): what a client of Janus
can do, and ours does not. PROTOCOL.md, section 4, "When the socket goes"."""

import asyncio
import time

import pytest
from harness.otter_client import Connection, OtterError, new_instance, our_data
from harness.otter_home import OtterHome
from signaling.conftest import People

RECLAIM_S = 4
RECLAIM_LONG_S = 60
PING_SILENCE_S = 15


def reclaiming(seconds):
    return OtterHome(settings={"janus": {"general": {"reclaim_session_timeout": seconds}}})


@pytest.fixture(scope="module")
def home():
    with reclaiming(RECLAIM_S) as running:
        yield running


async def claim(home, room, lost):
    """The session of a connection that was lost, on a new socket."""
    access = home.rest("POST", "/v1/connect", token=room["token"]).json()
    again = await Connection.open(access["signaling"][0]["url"], access["janus_token"])
    again.session = lost.session
    await again.janus("claim", session_id=lost.session)
    return again


def ours(connection, name):
    """A frame with an event of ours."""
    return connection.frame(lambda frame: (our_data(frame) or {}).get("event") == name)


async def test_a_session_that_is_claimed_again_has_its_seat_and_has_missed_what_was_said_meanwhile(people):
    room = people.home.create_room()
    ann, bob = await people.pair(room)
    await bob.kill()
    assert (await ann.list())[1]["connected"] is True, "nobody can know yet"
    await ann.signal(bob.me["participant"], ack=1)  # which is lost, as a client without a number must expect
    again = await claim(people.home, room, bob.connection)
    assert [one["connected"] for one in (await again.request(bob.handle, "list"))["participants"]] == [True, True]
    await ann.signal(bob.me["participant"], ack=2)
    await again.frame(lambda frame: (our_data(frame) or {}).get("ack") == 2)
    assert [data["ack"] for data in map(our_data, again.frames) if data and data.get("event") == "signal"] == [2]
    await again.request(bob.handle, "leave")
    await again.close()


async def test_a_seat_that_was_resumed_is_not_that_of_the_old_session_when_it_is_claimed(people):
    room = people.home.create_room()
    ann, bob = await people.pair(room)
    lost, old_handle = bob.connection, bob.handle
    await bob.kill()
    await bob.connect()
    await bob.resume()
    again = await claim(people.home, room, lost)
    with pytest.raises(OtterError) as refused:
        await again.request(old_handle, "list")
    assert refused.value.code == "conflict"
    await again.destroy()
    await again.close()
    assert [one["connected"] for one in await ann.list()] == [True, True]


async def test_a_claimed_session_hears_that_its_seat_was_resumed_elsewhere(people):
    room = people.home.create_room()
    ann, bob = await people.pair(room)
    lost = bob.connection
    await bob.kill()
    again = await claim(people.home, room, lost)
    await bob.connect()
    await bob.resume(instance=new_instance())
    assert our_data(await ours(again, "ejected"))["reason"] == "replaced"
    await again.close()


@pytest.mark.deep
async def test_who_pinged_is_away_by_silence_long_before_the_session_is_given_up():
    with reclaiming(RECLAIM_LONG_S) as home:
        people = People(home)
        ann, bob = await people.pair(home.create_room())
        await bob.ping()
        await bob.kill()
        since = time.monotonic()
        await ann.updated(bob.me["participant"], PING_SILENCE_S + 5, connected=False)
        assert time.monotonic() - since > PING_SILENCE_S - 2, "somebody else has told"
        await people.go_home()
