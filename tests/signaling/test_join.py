# SPDX-License-Identifier: GPL-3.0-or-later
"""PROTOCOL.md, sections 3 and 4: the envelope, join, leave, list, update, credentials."""

import asyncio

import pytest
from harness import tokens
from harness.otter_client import ConnectionLost, JanusError, OtterError, new_instance, our_data
from signaling.shapes import (CLOSED_EVENT, CREDENTIALS_REPLY, ERROR_REPLY, JOIN_REPLY, JOINED_EVENT, LEFT_EVENT,
                              TIME, UPDATED_EVENT, check)

ALL_FALSE = {"audio": False, "video": False, "screen": False}


async def refused(request):
    """The error that a request ends with."""
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value


# Entering

async def test_the_first_participant_finds_an_empty_room_and_gets_order_and_attach_one(home, people):
    room = home.create_room(max_participants=2, metadata={"topic": "tea"})
    ann = await people.inside(room, display="Ann")
    check(ann.joined, JOIN_REPLY)
    assert ann.joined["participants"] == []
    me = ann.me
    assert (me["order"], me["attach"], me["connected"], me["hand"]) == (1, 1, True, False)
    assert (me["identity"], me["display"], me["role"]) == (None, "Ann", "guest")
    assert (me["instance"], me["media"]) == (ann.instance, ALL_FALSE)
    inside = ann.joined["room"]
    assert (inside["id"], inside["participants"], inside["max_participants"]) == (room["id"], 1, 2)
    assert inside["metadata"] == {"topic": "tea"}


async def test_the_second_participant_sees_the_first_and_gets_order_and_attach_two(home, people):
    room = home.create_room(max_participants=2)
    ann = await people.inside(room, display="Ann", media={"audio": True})
    bob = await people.inside(room, display="Bob", media={"video": True, "screen": True})
    check(bob.joined, JOIN_REPLY)
    assert (bob.me["order"], bob.me["attach"]) == (2, 2)
    assert bob.me["media"] == {"audio": False, "video": True, "screen": True}
    assert bob.joined["participants"] == [ann.me]
    assert bob.joined["room"]["participants"] == 2
    assert bob.me["participant"] != ann.me["participant"]
    assert bob.seat != ann.seat


async def test_the_others_get_participant_joined_with_what_the_newcomer_was_told_of_itself(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    bob = await people.inside(room, display="Bob")
    event = await ann.event("participant-joined")
    check(event, JOINED_EVENT)
    assert event["participant"] == bob.me
    assert bob.events_so_far("participant-joined") == []


async def test_the_participants_of_a_reply_are_the_others_in_their_order(home, people):
    room = home.create_room(max_participants=4)
    first = [await people.inside(room) for _ in range(3)]
    fourth = await people.inside(room)
    assert [one["participant"] for one in fourth.joined["participants"]] == [one.me["participant"] for one in first]
    assert [one["order"] for one in await fourth.list()] == [1, 2, 3, 4]


async def test_an_order_is_never_given_twice(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    await bob.leave()
    carol = await people.inside(room)
    assert (carol.me["order"], carol.me["attach"]) == (3, 3)
    await ann.leave()
    await carol.leave()
    dave = await people.inside(room)
    assert (dave.me["order"], dave.me["attach"]) == (4, 4)


async def test_the_reply_to_join_comes_before_any_event_of_the_room(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    for _ in range(10):
        bob = await people.at_the_door(room)
        await asyncio.gather(bob.join(), *[ann.update(hand=n % 2 == 0) for n in range(10)])
        await bob.ping()
        ours = [data for data in map(our_data, bob.connection.frames) if data]
        assert ours[0]["otter"] == "reply" and "me" in ours[0], ours[0]
        await bob.leave()


async def test_a_room_is_found_by_its_unique_name_too(home, people):
    name = f"tea-{new_instance()}"
    room = home.create_room(unique_name=name)
    ann = await people.at_the_door(room)
    reply = await ann.join(room=name)
    assert (reply["room"]["id"], reply["room"]["unique_name"]) == (room["id"], name)


async def test_null_for_an_optional_field_means_the_same_as_leaving_it_out(home, people):
    ann = await people.inside(home.create_room(), display=None, media=None)
    assert ann.me["media"] == ALL_FALSE
    bob = await people.inside(home.create_room(), media={"audio": True, "video": None})
    assert bob.me["media"] == {**ALL_FALSE, "audio": True}


async def test_fields_that_join_does_not_know_are_ignored(home, people):
    ann = await people.inside(home.create_room(), colour="green", order=7, role="host")
    assert (ann.me["order"], ann.me["role"]) == (1, "guest")


async def test_two_rooms_do_not_hear_of_each_other(home, people):
    ann = await people.inside(home.create_room())
    bob = await people.inside(home.create_room())
    await bob.update(hand=True)
    await ann.ping()
    assert ann.events_so_far() == []
    assert [one["participant"] for one in await ann.list()] == [ann.me["participant"]]


# Full

async def test_the_third_in_a_room_of_two_gets_room_full_and_nothing_changes(home, people, participants_of):
    room = home.create_room(max_participants=2)
    ann, bob = await people.pair(room)
    carol = await people.at_the_door(room)
    assert (await refused(carol.join())).code == "room_full"
    assert [one["participant"] for one in await ann.list()] == [one.me["participant"] for one in (ann, bob)]
    assert participants_of(room) == 2
    assert ann.events_so_far() == [] and bob.events_so_far() == []


async def test_of_many_who_come_at_once_exactly_as_many_get_in_as_fit(home, people, participants_of):
    room = home.create_room(max_participants=3)
    crowd = [await people.at_the_door(room) for _ in range(10)]
    answers = await asyncio.gather(*[one.join() for one in crowd], return_exceptions=True)
    inside = [answer for answer in answers if isinstance(answer, dict)]
    assert sorted(answer["me"]["order"] for answer in inside) == [1, 2, 3]
    assert {answer.code for answer in answers if isinstance(answer, OtterError)} == {"room_full"}
    assert participants_of(room) == 3


async def test_leaving_frees_the_place_and_tells_the_others(home, people, participants_of):
    room = home.create_room(max_participants=2)
    ann, bob = await people.pair(room)
    assert await bob.leave() == {}
    event = await ann.event("participant-left")
    check(event, LEFT_EVENT)
    assert (event["participant"], event["reason"]) == (bob.me["participant"], "left")
    assert participants_of(room) == 1
    carol = await people.inside(room)
    assert carol.me["order"] == 3


async def test_after_leaving_the_handle_is_free_for_another_join(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    first = ann.me["participant"]
    await ann.leave()
    await ann.join(instance=new_instance())
    assert ann.me["participant"] != first
    assert ann.me["order"] == 2


async def test_a_second_join_on_a_handle_is_a_conflict_and_the_seat_stays(home, people, participants_of):
    room = home.create_room()
    ann = await people.inside(room)
    before = ann.me
    assert (await refused(ann.join(instance=new_instance()))).code == "conflict"
    assert await ann.list() == [before]
    assert participants_of(room) == 1


@pytest.mark.parametrize("request_", ["leave", "list", "update", "credentials", "signal"])
async def test_what_needs_a_seat_is_a_conflict_without_one(home, people, request_):
    ann = await people.at_the_door(home.create_room())
    fields = {"signal": {"to": "pt_nobody", "from_instance": ann.instance, "to_instance": new_instance()}}
    assert (await refused(ann.request(request_, **fields.get(request_, {})))).code == "conflict"


@pytest.mark.parametrize("request_, fields", [
    ("signal", {}), ("signal", {"to": 5, "description": "v=0"}), ("signal", {"to": "pt_nobody", "candidates": []}),
    ("update", {"hand": "up", "media": 5})])
async def test_without_a_seat_it_is_a_conflict_whatever_else_is_wrong(home, people, request_, fields):
    ann = await people.at_the_door(home.create_room())
    assert (await refused(ann.request(request_, **fields))).code == "conflict"


async def test_a_closed_room_tells_those_inside_and_lets_nobody_in(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    bob = await people.at_the_door(room)
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}").status_code == 204
    event = await ann.event("closed")
    check(event, CLOSED_EVENT)
    assert event["reason"] == "request"
    assert (await refused(bob.join())).code == "room_closed"
    assert (await refused(bob.resume(seat=ann.seat))).code == "room_closed"


# Tokens

async def test_a_token_of_another_room_is_wrong_room(home, people, participants_of):
    room, other = home.create_room(), home.create_room()
    ann = await people.at_the_door(room)
    assert (await refused(ann.join(room=other["id"]))).code == "wrong_room"
    assert participants_of(room) == participants_of(other) == 0


async def test_an_unknown_room_with_a_token_of_another_is_wrong_room(home, people):
    ann = await people.at_the_door(home.create_room())
    assert (await refused(ann.join(room="rm_doesnotexist"))).code == "wrong_room"


async def test_a_genuine_token_of_a_room_that_never_was_is_room_not_found(home, people, mint):
    ann = await people.at_the_door(home.create_room())
    token = mint("rm_doesnotexist")
    assert (await refused(ann.join(room="rm_doesnotexist", token=token))).code == "room_not_found"


async def test_no_token_is_unauthorized(home, people):
    ann = await people.at_the_door(home.create_room())
    body = {"request": "join", "room": ann.room, "instance": ann.instance}
    reply = await ann.connection.message(ann.handle, body)
    assert reply["error"]["code"] == "unauthorized"


@pytest.mark.parametrize("token", ["", None])
async def test_an_empty_token_is_none(home, people, token):
    ann = await people.at_the_door(home.create_room())
    assert (await refused(ann.join(token=token))).code == "unauthorized"


@pytest.mark.parametrize("forgery", tokens.FORGERIES)
async def test_a_forged_token_is_token_invalid_and_nothing_changes(home, people, participants_of, forgery):
    room = home.create_room()
    ann = await people.at_the_door(room)
    assert (await refused(ann.join(token=tokens.FORGERIES[forgery](home, room)))).code == "token_invalid"
    assert participants_of(room) == 0
    await ann.join()  # and the genuine one still works


async def test_every_algorithm_with_every_kid_and_every_claim_has_its_own_code(home, people, participants_of):
    room = home.create_room()
    wrong, n = [], 0
    for what, token, code in tokens.combinations(home, room):
        if n % 50 == 0:  # a connection may not ask without end
            ann = await people.at_the_door(room)
        n += 1
        try:
            await ann.join(token=token)
            await ann.leave()
            got = None
        except OtterError as error:
            got = error.code
        if got != code:
            wrong.append(f"{what}: {got}, not {code}")
    assert (wrong, n) == ([], len(tokens.ALGORITHMS) * len(tokens.KIDS) * len(tokens.CLAIMS))
    assert participants_of(room) == 0
    home.assert_alive()


async def test_a_token_whose_time_has_passed_is_token_expired(home, people, participants_of, mint):
    room = home.create_room()
    ann = await people.at_the_door(room)
    late = mint(room, ttl=-1)
    assert (await refused(ann.join(token=late))).code == "token_expired"
    forged = tokens.bit_flipped(late)
    assert (await refused(ann.join(token=forged))).code == "token_invalid", "who cannot sign learns nothing"
    assert participants_of(room) == 0


async def test_a_token_is_expired_in_the_second_of_its_exp(home, people, mint):
    """RFC 7519, 4.1.4: "on or after"; and no leeway for who is late."""
    room = home.create_room()
    ann = await people.at_the_door(room)
    assert (await refused(ann.join(token=mint(room, ttl=0)))).code == "token_expired"
    await ann.join(token=mint(room, ttl=5))


async def test_a_token_whose_time_has_not_come_is_not_yet_valid(home, people, participants_of, mint):
    room = home.create_room()
    ann = await people.at_the_door(room)
    assert (await refused(ann.join(token=mint(room, not_before=60)))).code == "not_yet_valid"
    assert participants_of(room) == 0
    await ann.join(token=mint(room, not_before=0))


async def test_twelve_megabytes_of_token_are_refused_and_the_server_lives(home, people):
    room = home.create_room()
    ann = await people.inside(room)
    attacker = await people.at_the_door(room)
    header, payload, signature = room["token"].split(".")
    try:
        await attacker.join(token=f"{header}.{payload}{'A' * 12_000_000}.{signature}")
        pytest.fail("the join was granted")
    except OtterError as error:
        assert error.code == "token_invalid"
    except (JanusError, ConnectionLost):
        pass  # refused at the door already
    assert (await ann.ping()).keys() == {"time"}
    home.assert_alive()  # the same process


# An identity

async def test_a_join_with_an_identity_that_is_inside_takes_its_seat_over(home, people, mint):
    room = home.create_room(max_participants=2)
    token = mint(room, identity="ann@example.org", name="Ann")
    first = await people.inside(room, token)
    bob = await people.inside(room)
    again = await people.inside(room, token)
    assert again.me["identity"] == "ann@example.org"
    assert (again.me["participant"], again.me["order"]) == (first.me["participant"], first.me["order"])
    assert again.me["attach"] == 3
    assert (await first.event("ejected"))["reason"] == "replaced"
    await bob.updated(first.me["participant"], instance=again.instance, attach=3, connected=True)
    assert len(await bob.list()) == 2


async def test_the_name_of_a_token_is_what_others_see_unless_the_person_gives_another(home, people, mint):
    room = home.create_room()
    named = await people.inside(room, mint(room, name="Ann"))
    assert (named.me["display"], named.me["identity"]) == ("Ann", None)
    other = await people.inside(room, mint(room, name="Ann", identity="ann@example.org"), display="Bob")
    assert (other.me["display"], other.me["identity"]) == ("Bob", "ann@example.org")
    nobody = await people.inside(room, mint(room, name="Ann"), display="")
    assert nobody.me["display"] == ""


@pytest.mark.parametrize("role, expected", [(None, "guest"), ("guest", "guest"), ("host", "host")])
async def test_the_role_is_the_tokens(home, people, mint, role, expected):
    room = home.create_room()
    ann = await people.inside(room, mint(room, role=role))
    assert ann.me["role"] == expected


# The envelope

@pytest.mark.parametrize("id_", ["missing", "7", 1.5, None, True, [], {}])
async def test_without_an_integer_id_the_error_has_the_id_null(home, people, id_):
    ann = await people.at_the_door(home.create_room())
    body = {"request": "ping", **({} if id_ == "missing" else {"id": id_})}
    frame = await ann.connection.raw(ann.connection.envelope(ann.handle, body),
                                     lambda frame: (our_data(frame) or {}).get("otter") == "reply")
    reply = our_data(frame)
    check(reply, ERROR_REPLY)
    assert (reply["id"], reply["error"]["code"]) == (None, "invalid_request")


@pytest.mark.parametrize("id_", [0, 1, 2**53 - 1])
async def test_an_id_is_echoed(home, people, id_):
    ann = await people.at_the_door(home.create_room())
    reply = await ann.connection.message(ann.handle, {"request": "ping", "id": id_})
    assert reply.keys() == {"otter", "id", "ok", "time"}
    assert reply["id"] == id_
    check(reply["time"], TIME)


@pytest.mark.parametrize("body", [{"request": "dance"}, {"request": "SET", "key": "a", "value": 1}, {"request": ""},
                                  {"request": 7}, {"request": None}, {}])
async def test_a_request_that_is_not_served_is_an_invalid_request(home, people, body):
    ann = await people.inside(home.create_room())
    reply = await ann.connection.message(ann.handle, body)
    check(reply, ERROR_REPLY)
    assert reply["error"]["code"] == "invalid_request"


WRONG_JOINS = [
    ("room", 5), ("room", {}), ("token", 5), ("token", []), ("display", 5), ("instance", 5), ("media", []),
    ("media", "audio"), ("instance", "short"), ("instance", "x" * 65), ("instance", "with space"),
    ("instance", "umläut-1"), ("display", "x" * 65), ("display", "bell\a"), ("display", "\u202egnitanimod"),
    ("display", "\u2066isolate"), ("display", "line\nbreak"),
]


@pytest.mark.parametrize("field, value", WRONG_JOINS)
async def test_a_wrong_field_of_join_is_an_invalid_request_that_names_it(home, people, participants_of, field, value):
    room = home.create_room()
    ann = await people.at_the_door(room)
    error = await refused(ann.join(**{field: value}))
    assert (error.code, error.details.get("field")) == ("invalid_request", field)
    assert participants_of(room) == 0


async def test_a_wrong_field_inside_media_is_an_invalid_request_that_names_it(home, people):
    ann = await people.at_the_door(home.create_room())
    error = await refused(ann.join(media={"audio": "yes"}))
    assert (error.code, error.details.get("field")) == ("invalid_request", "media.audio")


@pytest.mark.parametrize("field", ["room", "instance"])
async def test_a_missing_field_of_join_is_an_invalid_request_that_names_it(home, people, field):
    ann = await people.at_the_door(home.create_room())
    error = await refused(ann.join(**{field: None}))
    assert (error.code, error.details.get("field")) == ("invalid_request", field)


@pytest.mark.parametrize("name", ["x" * 64, "", "Ünï 🦦", "🦦" * 64])
async def test_a_display_of_up_to_sixty_four_characters_is_kept_as_it_is(home, people, name):
    ann = await people.inside(home.create_room(), display=name)
    assert ann.me["display"] == name


JSEP = {"type": "offer", "sdp": "\r\n".join([
    "v=0", "o=- 1 1 IN IP4 127.0.0.1", "s=-", "t=0 0", "a=group:BUNDLE 0",
    "m=audio 9 UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", "a=mid:0", "a=sendrecv", "a=rtcp-mux",
    "a=ice-ufrag:abcd", "a=ice-pwd:abcdefghijklmnopqrstuvwx", "a=fingerprint:sha-256 " + ":".join(["AB"] * 32),
    "a=setup:actpass", "a=rtpmap:111 opus/48000/2", ""])}


async def test_a_jsep_beside_the_body_is_refused_and_the_server_ends_the_handle(home, people, participants_of):
    """Janus has begun to make a PeerConnection before the plugin is asked; only the handle's end undoes that."""
    room = home.create_room()
    ann = await people.at_the_door(room)
    body = {"request": "join", "room": room["id"], "token": room["token"], "instance": ann.instance}
    reply = await ann.connection.message(ann.handle, body, jsep=JSEP)
    check(reply, ERROR_REPLY)
    assert reply["error"]["code"] == "invalid_request"
    assert reply["error"]["details"] == {"field": "jsep"}
    detached = await ann.connection.frame(lambda frame: frame["janus"] == "detached")
    assert detached["sender"] == ann.handle
    with pytest.raises(JanusError) as gone:
        await ann.ping()
    assert gone.value.code == 459
    assert participants_of(room) == 0
    ann.handle = await ann.connection.attach()  # the session goes on
    await ann.join()


async def test_a_jsep_beside_a_body_makes_the_seat_of_its_handle_away(home, people):
    ann, bob = await people.pair(home.create_room())
    reply = await bob.connection.message(bob.handle, {"request": "leave"}, jsep=JSEP)
    assert reply["error"]["details"] == {"field": "jsep"}
    await ann.updated(bob.me["participant"], connected=False)
    assert ann.events_so_far("participant-left") == [], "nothing of the body is done"


async def test_a_broken_jsep_is_refused_by_janus_itself_and_nothing_is_done(home, people, participants_of):
    room = home.create_room()
    ann = await people.at_the_door(room)
    body = {"request": "join", "room": room["id"], "token": room["token"], "instance": ann.instance}
    with pytest.raises(JanusError) as caught:
        await ann.connection.message(ann.handle, body, jsep={"type": "offer", "sdp": "v=0\r\n"})
    assert caught.value.code == 465  # JANUS_ERROR_JSEP_INVALID_SDP
    assert participants_of(room) == 0
    await ann.join()


async def test_an_unknown_handle_is_refused_by_janus(home, people):
    ann = await people.at_the_door(home.create_room())
    with pytest.raises(JanusError) as caught:
        await ann.connection.message(ann.handle + 1, {"request": "ping"})
    assert caught.value.code == 459


@pytest.mark.parametrize("token", [{}, {"token": ""}, {"token": "tea"}], ids=["none", "empty", "a word"])
async def test_without_a_genuine_janus_token_no_session_is_made(home, people, token):
    ann = await people.at_the_door(home.create_room())
    answer = await ann.connection.raw({"janus": "create", "transaction": "mine", **token})
    assert (answer["janus"], answer["error"]["code"]) == ("error", 403)


async def test_a_keepalive_is_acknowledged(home, people):
    ann = await people.at_the_door(home.create_room())
    assert (await ann.connection.keepalive())["janus"] == "ack"


# Inside

async def test_an_update_keeps_what_is_absent_and_tells_the_others_only(home, people):
    ann, bob = await people.pair(home.create_room())
    assert await bob.update(hand=True) == {}
    event = await ann.event("participant-updated")
    check(event, UPDATED_EVENT)
    assert event["participant"] == {**bob.me, "hand": True}
    await bob.update(display="Robert", media={"audio": True, "video": True, "screen": False})
    one = await ann.updated(bob.me["participant"], display="Robert")
    assert one == {**bob.me, "hand": True, "display": "Robert",
                   "media": {"audio": True, "video": True, "screen": False}}
    assert (await bob.list())[1] == one
    assert bob.events_so_far("participant-updated") == []


@pytest.mark.parametrize("fields, named", [
    ({"display": 5}, "display"), ({"media": 5}, "media"), ({"hand": "up"}, "hand"), ({"display": "x" * 65}, "display"),
    ({"display": "bell\a"}, "display"), ({"display": "\u202egnitanimod"}, "display"), ({"display": "is\u2069olate"}, "display"),
    ({"media": {"screen": 1}}, "media.screen")])
async def test_a_wrong_field_of_update_changes_nothing(home, people, fields, named):
    ann = await people.inside(home.create_room(), display="Ann")
    error = await refused(ann.update(**fields))
    assert (error.code, error.details.get("field")) == ("invalid_request", named)
    assert await ann.list() == [ann.me]


async def test_a_wrong_field_spoils_the_whole_update(home, people):
    ann = await people.inside(home.create_room(), display="Ann")
    await refused(ann.update(display="Anne", hand="up"))
    assert await ann.list() == [ann.me]


async def test_credentials_are_fresh_ones_for_this_seat(home, people):
    ann, bob = await people.pair(home.create_room())
    for person in (ann, bob):
        reply = await person.credentials()
        check(reply, CREDENTIALS_REPLY)
    names = {server["username"] for one in (ann, bob) for server in (await one.credentials())["ice_servers"]
             if "username" in server}
    assert len(names) in (0, 2), "each seat has a user name of its own"


async def test_rest_gives_credentials_to_a_seat_and_connects_it(home, people):
    ann = await people.inside(home.create_room())
    answer = home.rest("GET", "/v1/credentials", token=ann.seat)
    assert answer.status_code == 200, answer.text
    check(answer.json(), CREDENTIALS_REPLY)
    assert home.rest("POST", "/v1/connect", token=ann.seat).status_code == 200


async def test_ping_needs_no_seat_and_tells_the_time(home, people):
    ann = await people.at_the_door(home.create_room())
    reply = await ann.ping()
    check(reply, {"time": TIME})
