# SPDX-License-Identifier: GPL-3.0-or-later
"""Rooms are right in a Janus whose owner set it up otherwise than `./otter up` does: its thread pool, its event loops, and
sessions that outlive their WebSocket (reclaim_session_timeout)."""

import asyncio
import time
from pathlib import Path

import pytest
from harness.otter_client import new_instance
from harness.otter_home import OtterHome
from harness.wait import wait_until

RECLAIM_S = 4
SETTINGS = {
    "as an existing Janus has it": {"task_pool_size": -1, "event_loops": 0},  # a pool without limit, a thread for each handle
    "one thread for messages": {"task_pool_size": 1, "reclaim_session_timeout": 0},
    "sessions may be reclaimed": {"reclaim_session_timeout": RECLAIM_S},
}
MESSAGES, AT_ONCE, PER_SECOND = 100, 50, 16  # of the 60 at once and 20 a second that a pair may


@pytest.fixture(scope="module", params=SETTINGS)
def home(request):
    """An Otter with such a Janus."""
    settings = SETTINGS[request.param]
    with OtterHome(settings={"janus": {"general": settings}}) as running:
        written = Path(running.home, "conf", "janus", "janus.jcfg").read_text(encoding="utf-8")
        assert all(f"{key} = {value}\n" in written for key, value in settings.items()), written
        running.reclaim_s = settings.get("reclaim_session_timeout", 0)
        yield running
        wait_until(lambda: not running.handles(), running.reclaim_s + 10, "no handle is left")


async def talk(person, peer):
    """MESSAGES numbers to a peer: first many at once, then as fast as one may for long."""
    for number in range(MESSAGES):
        if number >= AT_ONCE:
            await asyncio.sleep(1 / PER_SECOND)
        person.send(peer, description={"type": "offer", "sdp": str(number)})


async def numbers_from(person, peer):
    return [int((await person.receive(peer))["description"]["sdp"]) for _ in range(MESSAGES)]


async def test_a_hundred_signals_each_way_arrive_in_order(people):
    ann, bob = await people.pair(people.home.create_room())
    ann_id, bob_id = ann.me["participant"], bob.me["participant"]
    _, _, by_bob, by_ann = await asyncio.gather(talk(ann, bob_id), talk(bob, ann_id),
                                                numbers_from(bob, ann_id), numbers_from(ann, bob_id))
    assert by_bob == by_ann == list(range(MESSAGES))
    assert ann.failures == bob.failures == []


@pytest.mark.parametrize("reload", [False, True], ids=["by the same instance", "by a new instance"])
async def test_a_seat_is_resumed_after_its_socket_was_lost(people, reload):
    ann, bob = await people.pair(people.home.create_room())
    before, instance = bob.me, new_instance() if reload else bob.instance
    await bob.kill()
    await bob.connect()
    reply = await bob.resume(instance=instance)
    assert reply["me"] == {**before, "instance": instance, "attach": 3 if reload else 2}
    assert await ann.updated(before["participant"], connected=True, instance=instance) == reply["me"]
    bob.send(ann.me["participant"], description={"type": "offer", "sdp": "again"})
    assert (await ann.receive(before["participant"]))["description"]["sdp"] == "again"
    assert [one["connected"] for one in await ann.list()] == [True, True]


async def test_a_takeover_tells_the_older_connection_and_leaves_one_seat(people, participants_of):
    room = people.home.create_room()
    ann, bob = await people.pair(room)
    twin = await people.at_the_door(room)
    twin.seat = bob.seat
    await twin.resume(instance=new_instance())
    assert (await bob.event("ejected"))["reason"] == "replaced"
    await bob.kill()  # which is no news of the seat
    assert [one["instance"] for one in await twin.list()] == [ann.instance, twin.instance]
    await twin.leave()
    assert (await ann.event("participant-left"))["reason"] == "left"
    assert participants_of(room) == 1


async def test_a_seat_whose_socket_is_lost_is_away_when_janus_gives_its_session_up(people, participants_of):
    room = people.home.create_room()
    ann, bob = await people.pair(room)
    await bob.kill()
    since = time.monotonic()
    await ann.updated(bob.me["participant"], people.home.reclaim_s + 5, connected=False)
    assert time.monotonic() - since > people.home.reclaim_s - 1, "the session should have looked alive for longer"
    assert participants_of(room) == 2
