# SPDX-License-Identifier: GPL-3.0-or-later
"""PROTOCOL.md, section 4: set, and the event state."""

import asyncio

import pytest
from harness.otter_client import OtterError, new_instance
from signaling.conftest import People
from signaling.shapes import STATE_EVENT, check


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value


async def states_of(person, count):
    """The next `count` of them, as (key, value)."""
    events = [await person.event("state") for _ in range(count)]
    for event in events:
        check(event, STATE_EVENT)
    return [(event["key"], event["value"]) for event in events]


async def no_more_to(person):
    await person.ping()
    assert person.events_so_far("state") == []


@pytest.mark.parametrize("value", ["Ann", 5, 0.5, True, False, [], {"deep": [{"er": None}]}, "ä €😀", ""])
async def test_every_value_reaches_the_others_as_it_is_with_who_set_it(home, people, value):
    ann, bob = await people.pair(home.create_room())
    assert await ann.request("set", key="topic of the day", value=value) == {}
    event = await bob.event("state")
    check(event, STATE_EVENT)
    assert event == {"otter": "event", "event": "state", "key": "topic of the day", "value": value,
                     "by": ann.me["participant"]}
    await no_more_to(ann)


async def test_who_comes_later_and_who_resumes_hear_what_there_is_in_the_order_of_setting(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    for key, value in [("a", 1), ("b", 2), ("c", 3), ("a", 4), ("b", None)]:
        await ann.request("set", key=key, value=value)
    carol = await people.inside(room)
    assert await states_of(carol, 2) == [("c", 3), ("a", 4)]
    await states_of(bob, 5)
    await bob.kill()
    await ann.updated(bob.me["participant"], connected=False)
    await ann.request("set", key="c", value=None)
    await bob.connect()
    await bob.resume(instance=new_instance())
    assert await states_of(bob, 1) == [("a", 4)]
    await no_more_to(bob)


async def test_who_is_admitted_hears_it_too_and_who_waits_may_not_set(home, people):
    room = home.create_room(lobby=True)
    host = await people.inside(room, room["host_url"].partition("#token=")[2])
    await host.request("set", key="a", value=1)
    guest = await people.at_the_door(room)
    waiting = await guest.request("join", room=room["id"], token=room["token"], instance=guest.instance)
    assert (await refused(guest.request("set", key="b", value=2))).code == "conflict"
    await host.request("admit", participant=waiting["participant"])
    await guest.event("admitted")
    assert await states_of(guest, 1) == [("a", 1)]


async def test_a_ttl_ends_a_key_for_everybody(home, people):
    ann, bob = await people.pair(home.create_room())
    await ann.request("set", key="hint", value="soon gone", ttl=1)
    assert await states_of(bob, 2) == [("hint", "soon gone"), ("hint", None)]
    assert await states_of(ann, 1) == [("hint", None)]


async def test_a_room_has_64_keys_and_says_so(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    await asyncio.gather(*[(ann if n % 2 else bob).request("set", key=f"key {n}", value=n) for n in range(64)])
    assert (await refused(ann.request("set", key="another", value=1))).code == "too_large"
    carol = await people.inside(room)
    assert sorted(value for _, value in await states_of(carol, 64)) == list(range(64))
    assert ann.joined["limits"]["state_keys"] == 64


@pytest.mark.parametrize("field, wrong", [
    ("key", {"key": ""}), ("key", {"key": "k" * 65}), ("key", {"key": "a\u202eb"}), ("key", {"key": "a\nb"}), ("key", {"key": 7}),
    ("key", {"key": None}), ("ttl", {"ttl": 0}), ("ttl", {"ttl": 86401}), ("ttl", {"ttl": "5"}),
    ("value", {"value": [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]}),
], ids=lambda value: value if isinstance(value, str) else "")
async def test_a_wrong_field_of_set_is_named_and_nobody_hears_of_it(home, people, field, wrong):
    ann, bob = await people.pair(home.create_room())
    error = await refused(ann.request("set", **{"key": "k", "value": 1, **wrong}))
    assert (error.code, error.details["field"]) == ("invalid_request", field)
    await no_more_to(bob)


async def test_a_set_without_a_value_is_no_null(home, people):
    ann, bob = await people.pair(home.create_room())
    await ann.request("set", key="k", value=1)
    error = await refused(ann.request("set", key="k"))
    assert (error.code, error.details["field"]) == ("invalid_request", "value")
    assert await states_of(bob, 1) == [("k", 1)]
    await no_more_to(bob)


async def test_a_value_has_4096_bytes_at_most(home, people):
    ann, bob = await people.pair(home.create_room())
    fits = "é" * 2047  # with its quotes 4096 bytes
    await ann.request("set", key="k", value=fits)
    assert (await refused(ann.request("set", key="k", value=fits + "x"))).code == "too_large"
    assert await states_of(bob, 1) == [("k", fits)]
    await no_more_to(bob)


async def test_without_a_seat_set_is_a_conflict(home, people):
    stranger = await people.at_the_door(home.create_room())
    assert (await refused(stranger.request("set", key="k", value=1))).code == "conflict"


async def test_it_is_forgotten_when_the_last_one_has_left(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    await ann.request("set", key="k", value=1)
    await ann.leave()
    await bob.leave()
    carol = await people.inside(room)
    await no_more_to(carol)


async def test_it_outlives_a_kill_of_the_server(fresh_home):
    people = People(fresh_home)
    room = fresh_home.create_room()
    ann, bob = await people.pair(room)
    await ann.request("set", key="presenter", value={"who": ann.me["participant"]})
    await bob.request("set", key="topic", value="täglich")
    await ann.request("set", key="hand", value=True)
    await ann.request("set", key="hand", value=None)
    fresh_home.rest("POST", "/v1/rooms", json={})  # one more answer of the store, behind them: they are on disk
    fresh_home.kill_janus()
    await asyncio.gather(ann.connection.until_lost(), bob.connection.until_lost())
    fresh_home.up()
    await ann.connect()
    await ann.resume()
    for event in ann.events_so_far("state"):
        check(event, STATE_EVENT)
    assert await states_of(ann, 3) == [("topic", "täglich"), ("presenter", {"who": ann.me["participant"]}), ("topic", "täglich")]
    carol = await people.inside(room)
    assert await states_of(carol, 2) == [("presenter", {"who": ann.me["participant"]}), ("topic", "täglich")]
    await people.go_home()
