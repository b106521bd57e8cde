# SPDX-License-Identifier: GPL-3.0-or-later
"""PROTOCOL.md, section 4: resume, and what happens when the socket goes."""

import asyncio

import pytest
from harness.otter_client import OtterError, new_instance
from harness.wait import until
from signaling.shapes import EJECTED_EVENT, JOIN_REPLY, LEFT_EVENT, UPDATED_EVENT, check

PING_SILENCE_S = 15


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value


async def again(people, person, room, instance):
    """The same person on a second connection, while the first one stays open."""
    twin = await people.at_the_door(room)
    twin.seat = person.seat
    await twin.resume(instance=instance)
    return twin


async def test_the_others_hear_that_a_lost_socket_makes_its_seat_away(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.kill()
    event = await ann.event("participant-updated")
    check(event, UPDATED_EVENT)
    assert event["participant"] == {**bob.me, "connected": False}
    assert (await ann.list())[1]["connected"] is False


async def test_a_socket_that_is_closed_in_order_makes_its_seat_away_too(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.connection.close()
    await ann.updated(bob.me["participant"], connected=False)


@pytest.mark.parametrize("how", ["detach", "destroy"])
async def test_a_handle_that_is_detached_or_destroyed_holds_no_connected_seat(home, people, how):
    ann, bob = await people.pair(home.create_room())
    await (bob.connection.detach(bob.handle) if how == "detach" else bob.connection.destroy())
    await ann.updated(bob.me["participant"], connected=False)


async def test_resume_by_the_same_instance_keeps_participant_order_and_attach(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    before = ann.me
    await ann.kill()
    await bob.updated(before["participant"], connected=False)
    await ann.connect()
    reply = await ann.resume()
    check(reply, JOIN_REPLY)
    assert reply["me"] == before
    assert reply["participants"] == [bob.me]
    assert await bob.updated(before["participant"], connected=True) == before


async def test_resume_by_a_new_instance_keeps_the_order_and_gets_the_next_attach(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    before = ann.me
    await ann.kill()
    await ann.connect()
    instance = new_instance()
    await ann.resume(instance=instance)
    assert ann.me == {**before, "attach": 3, "instance": instance}
    assert await bob.updated(before["participant"], connected=True, instance=instance) == ann.me
    carol = await people.inside(room)
    assert (carol.me["order"], carol.me["attach"]) == (3, 4)


async def test_the_state_of_a_participant_survives_a_reload(home, people, mint):
    room = home.create_room()
    token = mint(room, identity="ann@example.org", role="host")
    ann = await people.inside(room, token, display="Ann", media={"audio": True})
    await ann.update(hand=True)
    await ann.kill()
    await ann.connect()
    await ann.resume(instance=new_instance())
    assert (ann.me["identity"], ann.me["role"], ann.me["display"]) == ("ann@example.org", "host", "Ann")


async def test_the_latest_resume_wins_and_the_older_connection_is_ejected_as_replaced(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    twin = await again(people, ann, room, new_instance())
    event = await ann.event("ejected")
    check(event, EJECTED_EVENT)
    assert event["reason"] == "replaced"
    assert twin.me["participant"] == ann.me["participant"]
    one = await bob.updated(ann.me["participant"], instance=twin.instance)
    assert (one["attach"], one["connected"]) == (3, True)
    assert (await refused(ann.list())).code == "conflict", "the older connection has no seat"
    await ann.kill()
    await bob.ping()
    assert [each["connected"] for each in await bob.list()] == [True, True]


async def test_the_same_instance_may_resume_while_its_dead_socket_still_looks_alive(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    twin = await again(people, ann, room, ann.instance)
    assert (await ann.event("ejected"))["reason"] == "replaced"
    assert twin.me["attach"] == 1
    assert await bob.signal(twin.me["participant"], ack=1) == {}
    assert (await twin.event("signal"))["from"] == bob.me["participant"]
    assert ann.events_so_far("signal") == []


async def test_a_page_that_gets_its_seat_back_from_another_one_is_a_new_connection_to_the_others(home, people):
    """Its instance is the old one and its attach is new: the others have heard of the page in between, and count from 1."""
    room = home.create_room()
    ann, bob = await people.pair(room)

    async def talk(text):
        for one, other in ((ann, bob), (bob, ann)):
            one.send(other.me["participant"], description={"type": "offer", "sdp": text})
            assert (await other.receive(one.me["participant"]))["description"]["sdp"] == text
    await talk("before")
    await bob.kill()
    twin = await again(people, bob, room, new_instance())
    await twin.kill()
    await bob.connect()
    await bob.resume()
    assert bob.me["attach"] == 4
    await ann.updated(bob.me["participant"], connected=True, instance=bob.instance)
    await talk("after")


async def test_of_many_resumes_at_once_one_connection_keeps_the_seat(home, people, participants_of):
    room = home.create_room()
    ann, bob = await people.pair(room)
    twins = [await people.at_the_door(room) for _ in range(8)]
    for twin in twins:
        twin.seat = ann.seat
    await asyncio.gather(*[twin.resume(instance=new_instance()) for twin in twins])
    winner = (await bob.list())[0]["instance"]
    for twin in [ann, *twins]:
        if twin.instance != winner:
            assert (await twin.event("ejected"))["reason"] == "replaced"
    assert [twin.ended for twin in twins if twin.instance == winner] == [None]
    assert participants_of(room) == 2


async def test_a_seat_that_was_left_is_seat_gone(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    await ann.leave()
    assert (await refused(ann.resume())).code == "seat_gone"
    await ann.join(instance=new_instance())


async def test_a_token_that_expires_inside_changes_nothing_for_who_has_a_seat(home, people, mint):
    room = home.create_room()
    token = mint(room, ttl=2)
    ann, bob = await people.inside(room, token), await people.inside(room)
    late = await people.at_the_door(room)

    async def expired():
        try:
            await late.join(token=token)
        except OtterError as error:
            return error.code == "token_expired"
        await late.leave()
        return False
    await until(expired, 5, "the token has expired")
    await ann.signal(bob.me["participant"], ack=0)
    await ann.credentials()
    await ann.kill()
    await ann.connect()
    assert (await ann.resume())["me"]["order"] == 1


async def test_a_resume_on_a_handle_that_has_a_seat_is_a_conflict(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    assert (await refused(ann.resume(seat=bob.seat))).code == "conflict"
    await bob.ping()
    assert bob.ended is None


def flipped(token):
    middle = len(token) // 2
    return token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:]


FORGERIES = {
    "changed in the middle": flipped,
    "last character gone": lambda seat: seat[:-1],
    "a word": lambda seat: "tea",
    "more than 4 KiB": lambda seat: seat + "A" * 4096,
}


@pytest.mark.parametrize("forgery", FORGERIES)
async def test_a_forged_seat_token_is_token_invalid_and_the_seat_stays(home, people, forgery):
    room = home.create_room()
    ann = await people.inside(room)
    thief = await people.at_the_door(room)
    assert (await refused(thief.resume(seat=FORGERIES[forgery](ann.seat)))).code == "token_invalid"
    assert await ann.list() == [ann.me]


async def test_a_join_token_is_no_seat_token_and_a_seat_token_no_join_token(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    other = await people.at_the_door(room)
    assert (await refused(other.resume(seat=room["token"]))).code == "token_invalid"
    assert (await refused(other.join(token=ann.seat))).code == "token_invalid"


@pytest.mark.parametrize("seat", [None, ""])
async def test_a_resume_without_a_seat_token_is_unauthorized(home, people, seat):
    ann = await people.at_the_door(home.create_room())
    assert (await refused(ann.resume(seat=seat))).code == "unauthorized"


@pytest.mark.parametrize("field, value", [("seat", 5), ("instance", 5), ("instance", "short"), ("instance", None)])
async def test_a_wrong_field_of_resume_is_an_invalid_request_that_names_it(home, people, field, value):
    room = home.create_room()
    ann = await people.inside(room)
    await ann.kill()
    await ann.connect()
    error = await refused(ann.resume(**{field: value}))
    assert (error.code, error.details.get("field")) == ("invalid_request", field)
    await ann.resume(instance=new_instance())


async def test_nobody_gets_the_place_of_one_who_is_away(home, people, participants_of):
    room = home.create_room(max_participants=2)
    ann, bob = await people.pair(room)
    await bob.kill()
    await ann.updated(bob.me["participant"], connected=False)
    carol = await people.at_the_door(room)
    for _ in range(20):
        assert (await refused(carol.join())).code == "room_full"
    assert participants_of(room) == 2
    await bob.connect()
    others = [await people.at_the_door(room) for _ in range(5)]
    crowd = await asyncio.gather(bob.resume(), *[one.join() for one in others], return_exceptions=True)
    assert crowd[0]["me"]["order"] == 2
    assert {answer.code for answer in crowd[1:]} == {"room_full"}, crowd


async def test_a_hundred_losses_and_resumes_leave_one_seat(home, people, participants_of):
    room = home.create_room(max_participants=2)
    ann, bob = await people.pair(room)
    for n in range(100):
        await bob.kill()
        await bob.connect()
        await bob.resume(instance=new_instance() if n % 2 else bob.instance)
        assert (bob.me["order"], bob.me["connected"]) == (2, True)
    assert bob.me["attach"] == 2 + 50
    assert participants_of(room) == 2


async def test_of_joins_at_once_on_one_handle_one_gets_a_seat(home, people, participants_of):
    room = home.create_room()
    ann = await people.at_the_door(room)
    answers = await asyncio.gather(*[ann.join() for _ in range(5)], return_exceptions=True)
    assert [answer.code for answer in answers if isinstance(answer, OtterError)] == ["conflict"] * 4
    assert participants_of(room) == 1


@pytest.mark.deep
async def test_a_seat_that_nobody_resumes_ends_with_the_reason_timeout(home, people, participants_of):
    room = home.create_room(max_participants=2)
    ann, bob = await people.pair(room)
    patience = ann.joined["resume_timeout_ms"] / 1000
    await bob.kill()
    await ann.updated(bob.me["participant"], connected=False)
    event = await ann.event("participant-left", patience + 5)
    check(event, LEFT_EVENT)
    assert (event["participant"], event["reason"]) == (bob.me["participant"], "timeout")
    assert participants_of(room) == 1
    await bob.connect(room["token"])
    assert (await refused(bob.resume())).code == "seat_gone"
    await people.inside(room)


@pytest.mark.deep
async def test_one_who_pinged_once_and_falls_silent_is_away_and_detached_after_fifteen_seconds(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.ping()
    since = asyncio.get_running_loop().time()
    detached = await bob.connection.frame(lambda frame: frame["janus"] == "detached", PING_SILENCE_S + 5)
    assert asyncio.get_running_loop().time() - since > PING_SILENCE_S - 1, "it was given less than its time"
    assert detached["sender"] == bob.handle
    await ann.updated(bob.me["participant"], connected=False)
    bob.handle = await bob.connection.attach()  # the session goes on
    await bob.resume()
    assert bob.me["attach"] == 2


@pytest.mark.deep
async def test_one_who_never_pings_is_judged_by_the_socket_alone(home, people):
    ann, bob = await people.pair(home.create_room())
    with pytest.raises(AssertionError, match="no event participant-updated"):
        await ann.updated(bob.me["participant"], PING_SILENCE_S + 5, connected=False)
    assert (await bob.list())[1]["connected"] is True
