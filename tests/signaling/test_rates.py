# SPDX-License-Identifier: GPL-3.0-or-later
"""PROTOCOL.md, section 9: how much one may ask. First an error, then out."""

import asyncio
import time

import pytest
from harness.otter_client import OtterError, patiently

OFFER = {"type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n"}
CANDIDATE = "candidate:{} 1 udp 2122260223 192.0.2.7 {} typ host generation 0 ufrag abcd"
BATCH = 5  # candidates, as come within 20 ms
PAIR_BURST = 60
STATE_KEYS = 64
HAMMERED = 2000  # far above four bursts of refusals


def batches_of_40():
    all_of_them = [{"candidate": CANDIDATE.format(n, 50000 + n), "sdpMid": "0"} for n in range(40)]
    return [all_of_them[n:n + BATCH] for n in range(0, 40, BATCH)]


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value


async def hammer(person, body, times):
    """Send without waiting for anything, and to the end even if the server ends the handle. Returns nothing."""
    for n in range(times):
        await person.connection.send(person.connection.envelope(person.handle, {"id": 1_000_000 + n, **body}))


def detached(person):
    return lambda frame: frame.get("janus") == "detached" and frame.get("sender") == person.handle


async def all_in(people, room, count):
    crowd = [await people.inside(room) for _ in range(count)]
    ids = {one.me["participant"] for one in crowd}
    for one in crowd:
        while one.roster.keys() != ids - {one.me["participant"]}:
            await one.event("participant-joined")
    return crowd


async def test_a_join_into_a_full_room_of_eight_with_40_candidates_a_leg_meets_no_limit(home, people):
    room = home.create_room(max_participants=8)
    crowd = await all_in(people, room, 8)
    newcomer, others = crowd[-1], crowd[:-1]

    async def leg(one, other):
        await one.signal(other.me["participant"], description=OFFER)
        for batch in batches_of_40():
            await one.signal(other.me["participant"], candidates=batch)
    await asyncio.gather(*[leg(newcomer, other) for other in others], *[leg(other, newcomer) for other in others])
    for other in others:
        got = other.events_so_far("signal")
        assert sum(len(event.get("candidates", [])) for event in got) == 40 and len(got) == 9
    assert len(newcomer.events_so_far("signal")) == 7 * 9


async def test_what_is_over_the_burst_of_a_pair_is_refused_and_told_when_it_may_again(home, people):
    room = home.create_room()
    ann, bob, carol = await all_in(people, room, 3)
    answers = await asyncio.gather(*[ann.signal(bob.me["participant"], ack=n) for n in range(PAIR_BURST + 40)],
                                   return_exceptions=True)
    limited = [answer for answer in answers if isinstance(answer, OtterError)]
    assert 20 < len(limited) <= 40 and {error.code for error in limited} == {"rate_limited"}
    wait_ms = max(error.details["retry_after_ms"] for error in limited)
    assert 0 < wait_ms <= 50
    assert len(bob.events_so_far("signal")) == len(answers) - len(limited), "what is refused is not delivered"
    await ann.signal(carol.me["participant"], ack=1)
    await bob.signal(ann.me["participant"], ack=1)


async def test_a_connection_that_never_joins_has_a_limit_too(home, people):
    stranger = await people.at_the_door(home.create_room())
    answers = await asyncio.gather(*[stranger.ping() for _ in range(200)], return_exceptions=True)
    codes = [getattr(answer, "code", None) for answer in answers]
    assert set(codes) == {None, "rate_limited"} and codes.count(None) >= 120
    await stranger.connection.keepalive()


@pytest.mark.parametrize("what", ["signals", "nonsense", "pings"])
async def test_who_hammers_is_out_others_go_on_and_he_may_resume(home, people, what):
    room = home.create_room()
    ann, bob, carol = await all_in(people, room, 3)
    body = {"signals": {"request": "signal", "to": bob.me["participant"], "from_instance": ann.instance,
                        "to_instance": bob.instance, "ack": 1},
            "nonsense": {"request": ["dance"]},
            "pings": {"request": "ping"}}[what]
    out = asyncio.ensure_future(ann.connection.frame(detached(ann)))
    hammering = asyncio.ensure_future(hammer(ann, body, HAMMERED))
    for n in range(20):
        await carol.signal(bob.me["participant"], ack=n)
        await bob.signal(carol.me["participant"], ack=n)
    await hammering
    await out
    await bob.updated(ann.me["participant"], connected=False)
    assert [one["connected"] for one in await bob.list()] == [False, True, True], "the seat is away, not gone"
    got = bob.events_so_far("signal")
    assert [event["ack"] for event in got if event["from"] == carol.me["participant"]] == list(range(20))
    assert len(got) - 20 <= PAIR_BURST * 2, "what was refused did not reach anybody"
    await ann.connect()
    await patiently(ann.resume)
    await bob.updated(ann.me["participant"], connected=True)
    await patiently(ann.list)
    home.assert_alive()


async def test_another_handle_does_not_renew_what_a_participant_may_say(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    to_bob = bob.me["participant"]
    await asyncio.gather(*[ann.signal(to_bob, ack=n) for n in range(PAIR_BURST)])
    await ann.connect()
    await ann.resume()
    answers = await asyncio.gather(*[ann.signal(to_bob, ack=n) for n in range(PAIR_BURST)], return_exceptions=True)
    assert sum(isinstance(answer, OtterError) for answer in answers) > 20


async def test_who_resumes_on_and_on_where_much_is_shared_keeps_no_stranger_waiting(home, people):
    room = home.create_room(max_participants=8)
    ann, *_ = await all_in(people, room, 8)  # the more there are, the more each may ask
    for n in range(STATE_KEYS):
        await patiently(lambda n=n: ann.connection.request(ann.handle, "set", key=f"key-{n}", value=[0] * 2000))
    twin = await people.at_the_door(room)
    handles = [await twin.connection.attach() for _ in range(600)]
    stranger = await people.at_the_door(home.create_room())
    for n, handle in enumerate(handles):
        body = {"request": "resume", "id": n, "seat": ann.seat, "instance": twin.instance}
        await twin.connection.send(twin.connection.envelope(handle, body))
    began = time.monotonic()
    await stranger.join()
    assert time.monotonic() - began < 1, "600 were asked for, and some 30 done"
    home.assert_alive()
