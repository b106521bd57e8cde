# SPDX-License-Identifier: GPL-3.0-or-later
"""PROTOCOL.md, section 6: signal, and the reliability between two clients that it carries."""

import asyncio

import pytest
from harness.otter_client import OtterError, new_instance
from signaling.shapes import SIGNAL_EVENT, check

OFFER = {"type": "offer", "sdp": "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\n"}
ANSWER = {"type": "answer", "sdp": "v=0\r\no=- 2 1 IN IP4 0.0.0.0\r\ns=-\r\n"}
HOST = "candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0 ufrag abcd"
RELAYED = "candidate:2 1 udp 41885439 203.0.113.5 50001 typ relay raddr 0.0.0.0 rport 0 generation 0 ufrag abcd"
RELAYED_WITH_ADDRESS = RELAYED.replace("raddr 0.0.0.0", "raddr 192.0.2.7")


def candidate(text=HOST):
    return {"candidate": text, "sdpMid": "0", "sdpMLineIndex": 0, "usernameFragment": "abcd"}


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value


async def nothing_came_to(person):
    """A ping comes back behind whatever was on its way."""
    await person.ping()
    assert person.events_so_far("signal") == []


# Plain relay

async def test_a_description_and_candidates_reach_the_other_side_with_the_senders_id(home, people):
    ann, bob = await people.pair(home.create_room())
    tracks = {"0": "mic", "1": "camera"}
    assert await bob.signal(ann.me["participant"], description=OFFER, tracks=tracks) == {}
    event = await ann.event("signal")
    check(event, SIGNAL_EVENT)
    assert event == {"otter": "event", "event": "signal", "from": bob.me["participant"],
                     "from_instance": bob.instance, "to_instance": ann.instance,
                     "description": OFFER, "tracks": tracks}
    assert await ann.signal(bob.me["participant"], candidates=[candidate()], seq=1, ack=1) == {}
    event = await bob.event("signal")
    check(event, SIGNAL_EVENT)
    assert event == {"otter": "event", "event": "signal", "from": ann.me["participant"],
                     "from_instance": ann.instance, "to_instance": bob.instance,
                     "candidates": [candidate()], "seq": 1, "ack": 1}


@pytest.mark.parametrize("description", [OFFER, ANSWER, {**OFFER, "type": "pranswer"}, {"type": "rollback"},
                                         {"type": "rollback", "sdp": ""}])
async def test_every_type_of_description_is_relayed(home, people, description):
    ann, bob = await people.pair(home.create_room())
    await bob.signal(ann.me["participant"], description=description)
    assert (await ann.event("signal"))["description"] == description


async def test_the_end_of_candidates_and_a_full_batch_are_relayed_in_order(home, people):
    ann, bob = await people.pair(home.create_room())
    batch = [{"candidate": HOST.replace("50000", str(50000 + n)), "sdpMid": "0"} for n in range(63)]
    batch.append({"candidate": ""})
    await bob.signal(ann.me["participant"], candidates=batch)
    assert (await ann.event("signal"))["candidates"] == batch


async def test_a_pure_ack_is_relayed_as_one(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.signal(ann.me["participant"], ack=2**53 - 1)
    event = await ann.event("signal")
    assert event["ack"] == 2**53 - 1
    assert not event.keys() & {"seq", "description", "candidates", "tracks"}


async def test_the_sender_is_who_the_server_says_and_a_forged_from_is_ignored(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    carol = await people.inside(room)
    await carol.signal(ann.me["participant"], description=OFFER, **{"from": bob.me["participant"]})
    assert (await ann.event("signal"))["from"] == carol.me["participant"]


async def test_a_field_that_signal_does_not_know_is_ignored_and_not_relayed(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.signal(ann.me["participant"], description=OFFER, event="closed", otter="reply", priority=5, participant="pt_x")
    event = await ann.event("signal")
    check(event, SIGNAL_EVENT)
    assert event["description"] == OFFER and ann.ended is None


async def test_only_the_addressee_gets_a_signal(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    carol = await people.inside(room)
    await carol.signal(ann.me["participant"], description=OFFER)
    await ann.event("signal")
    await nothing_came_to(bob)
    await nothing_came_to(carol)


async def test_an_offer_and_its_answer_carry_their_round(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.signal(ann.me["participant"], description=OFFER, round=1)
    event = await ann.event("signal")
    check(event, SIGNAL_EVENT)
    assert event["round"] == 1
    await ann.signal(bob.me["participant"], description=ANSWER, round=2**53 - 1)
    assert (await bob.event("signal"))["round"] == 2**53 - 1
    await ann.signal(bob.me["participant"], description=ANSWER)
    assert "round" not in await bob.event("signal")


# What is refused

async def test_a_signal_to_oneself_is_refused(home, people):
    ann = await people.inside(home.create_room())
    error = await refused(ann.signal(ann.me["participant"], to_instance=ann.instance, description=OFFER))
    assert (error.code, error.details.get("field")) == ("invalid_request", "to")
    await nothing_came_to(ann)


async def test_a_signal_to_nobody_is_participant_not_found(home, people):
    ann = await people.inside(home.create_room())
    error = await refused(ann.signal("pt_nobody", to_instance=new_instance(), description=OFFER))
    assert error.code == "participant_not_found"


async def test_a_signal_does_not_leave_the_room(home, people):
    ann = await people.inside(home.create_room())
    stranger = await people.inside(home.create_room())
    error = await refused(ann.signal(stranger.me["participant"], to_instance=stranger.instance, description=OFFER))
    assert error.code == "participant_not_found"
    await nothing_came_to(stranger)


async def test_a_signal_to_one_who_left_is_participant_not_found(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.leave()
    error = await refused(ann.signal(bob.me["participant"], to_instance=bob.instance, description=OFFER))
    assert error.code == "participant_not_found"


async def test_a_signal_to_one_who_is_away_is_peer_away(home, people):
    ann, bob = await people.pair(home.create_room())
    await bob.kill()
    await ann.updated(bob.me["participant"], connected=False)
    assert (await refused(ann.signal(bob.me["participant"], description=OFFER))).code == "peer_away"


async def test_a_signal_to_an_instance_that_is_gone_is_dropped(home, people):
    ann, bob = await people.pair(home.create_room())
    reply = await ann.signal(bob.me["participant"], to_instance=new_instance(), description=OFFER)
    assert reply == {"dropped": True}
    await nothing_came_to(bob)


async def test_a_signal_from_an_instance_that_is_not_ones_own_is_an_invalid_request(home, people):
    ann, bob = await people.pair(home.create_room())
    error = await refused(ann.signal(bob.me["participant"], from_instance=new_instance(), description=OFFER))
    assert (error.code, error.details.get("field")) == ("invalid_request", "from_instance")
    await nothing_came_to(bob)


WRONG_SIGNALS = [
    ("description and candidates", {"description": OFFER, "candidates": [candidate()]}, None),
    ("to", {"to": 5}, "to"),
    ("to empty", {"to": ""}, "to"),
    ("to missing", {"to": None}, "to"),
    ("from_instance", {"from_instance": 5}, "from_instance"),
    ("from_instance missing", {"from_instance": None}, "from_instance"),
    ("to_instance", {"to_instance": []}, "to_instance"),
    ("to_instance missing", {"to_instance": None}, "to_instance"),
    ("seq zero", {"seq": 0}, "seq"),
    ("seq negative", {"seq": -1}, "seq"),
    ("seq text", {"seq": "1"}, "seq"),
    ("seq fraction", {"seq": 1.5}, "seq"),
    ("seq too great", {"seq": 2**53}, "seq"),
    ("ack negative", {"ack": -1}, "ack"),
    ("ack text", {"ack": "1"}, "ack"),
    ("ack too great", {"ack": 2**53}, "ack"),
    ("round zero", {"round": 0}, "round"),
    ("round text", {"round": "1"}, "round"),
    ("round too great", {"round": 2**53}, "round"),
    ("round of candidates", {"candidates": [candidate()], "round": 1}, "round"),
    ("description text", {"description": "v=0"}, "description"),
    ("description type", {"description": {"type": "greeting", "sdp": "v=0"}}, "description.type"),
    ("description without type", {"description": {"sdp": "v=0"}}, "description.type"),
    ("description sdp", {"description": {"type": "offer", "sdp": 5}}, "description.sdp"),
    ("offer without sdp", {"description": {"type": "offer"}}, "description.sdp"),
    ("candidates object", {"candidates": {}}, "candidates"),
    ("candidates empty", {"candidates": []}, "candidates"),
    ("candidates of texts", {"candidates": [HOST]}, "candidates[0]"),
    ("candidate not a text", {"candidates": [{"candidate": 5}]}, "candidates[0].candidate"),
    ("candidate missing", {"candidates": [{"sdpMid": "0"}]}, "candidates[0].candidate"),
    ("candidates too many", {"candidates": [candidate()] * 65}, "candidates"),
    ("sdpMid", {"candidates": [{"candidate": HOST, "sdpMid": 0}]}, "candidates[0].sdpMid"),
    ("usernameFragment of the last", {"candidates": [candidate(), {"candidate": "", "usernameFragment": 0}]},
     "candidates[1].usernameFragment"),
    ("sdpMLineIndex", {"candidates": [{"candidate": HOST, "sdpMLineIndex": "0"}]}, "candidates[0].sdpMLineIndex"),
    ("candidate too long", {"candidates": [{"candidate": "x" * 1025}]}, "candidates[0].candidate"),
    ("sdpMid too long", {"candidates": [{"candidate": HOST, "sdpMid": "x" * 257}]}, "candidates[0].sdpMid"),
    ("sdpMLineIndex too great", {"candidates": [{"candidate": HOST, "sdpMLineIndex": 65536}]}, "candidates[0].sdpMLineIndex"),
    ("another field in a candidate", {"candidates": [{"candidate": HOST, "from": "pt_x"}]}, "candidates[0].from"),
    ("another field in a description", {"description": {**OFFER, "from": "pt_x"}}, "description.from"),
    ("tracks array", {"description": OFFER, "tracks": ["mic"]}, "tracks"),
    ("tracks of an unknown kind", {"description": OFFER, "tracks": {"0": "tuba"}}, "tracks"),
]


@pytest.mark.parametrize("what, fields, field", WRONG_SIGNALS, ids=[case[0] for case in WRONG_SIGNALS])
async def test_a_malformed_signal_is_an_invalid_request_and_not_relayed(home, people, what, fields, field):
    ann, bob = await people.pair(home.create_room())
    body = {"to": bob.me["participant"], "from_instance": ann.instance, "to_instance": bob.instance,
            **({} if fields.keys() & {"description", "candidates"} else {"description": OFFER}), **fields}
    error = await refused(ann.request("signal", **body))
    assert error.code == "invalid_request"
    if field:
        assert error.details["field"] == field
    await nothing_came_to(bob)


async def test_a_signal_of_more_than_64_kilobytes_is_too_large_and_one_a_little_smaller_passes(home, people):
    ann, bob = await people.pair(home.create_room())
    large = {"type": "offer", "sdp": "a" * 66_000}
    assert (await refused(ann.signal(bob.me["participant"], description=large))).code == "too_large"
    await nothing_came_to(bob)
    fits = {"type": "offer", "sdp": "a" * 64_000}
    assert await ann.signal(bob.me["participant"], description=fits) == {}
    assert (await bob.event("signal"))["description"] == fits


@pytest.mark.parametrize("fields", [
    {"candidates": [candidate()]},
    {"candidates": [candidate(RELAYED), candidate()]},
    {"candidates": [candidate(RELAYED_WITH_ADDRESS)]},
    {"candidates": [candidate(HOST.upper())]},
    {"candidates": [candidate(HOST + " raddr 0.0.0.0 x-typ relay")]},
    {"description": {"type": "offer", "sdp": f"{OFFER['sdp']}a={HOST}\r\n"}},
    {"description": {"type": "offer", "sdp": f"{OFFER['sdp']}a={HOST}\n"}},
    {"description": {"type": "offer", "sdp": f"{OFFER['sdp']}a={RELAYED}\r\na={RELAYED_WITH_ADDRESS}\r\n"}},
], ids=["host", "host among relayed", "relayed with its address", "upper case", "relay as an extension",
        "host in an SDP", "host in an SDP with bare LF", "relayed with its address in an SDP"])
async def test_a_room_with_privacy_relay_lets_no_address_of_a_participant_through(home, people, fields):
    ann, bob = await people.pair(home.create_room(privacy="relay"))
    assert (await refused(ann.signal(bob.me["participant"], **fields))).code == "forbidden"
    await nothing_came_to(bob)


async def test_a_room_with_privacy_relay_lets_relayed_candidates_and_their_end_through(home, people):
    ann, bob = await people.pair(home.create_room(privacy="relay"))
    candidates = [candidate(RELAYED), {"candidate": ""}]
    assert await ann.signal(bob.me["participant"], candidates=candidates) == {}
    assert (await bob.event("signal"))["candidates"] == candidates
    description = {"type": "offer", "sdp": f"{OFFER['sdp']}a={RELAYED}\r\n"}
    assert await ann.signal(bob.me["participant"], description=description) == {}
    assert (await bob.event("signal"))["description"] == description


# The pair stream

def numbered(n):
    return {"description": {"type": "offer", "sdp": f"number {n}"}}


async def numbers_from(person, peer, count):
    return [int((await person.receive(peer))["description"]["sdp"].split()[1]) for _ in range(count)]


@pytest.mark.parametrize("count", [50, 120], ids=["within the limit of a pair", "above it"])
async def test_a_burst_each_way_arrives_whole_and_in_order(home, people, count):
    ann, bob = await people.pair(home.create_room())
    to_ann, to_bob = ann.me["participant"], bob.me["participant"]
    for n in range(count):
        ann.send(to_bob, **numbered(n))
        bob.send(to_ann, **numbered(n))
    got = await asyncio.gather(numbers_from(ann, to_bob, count), numbers_from(bob, to_ann, count))
    assert got == [list(range(count))] * 2
    assert ann.failures == bob.failures == []


async def test_what_was_sent_to_one_who_is_away_arrives_when_the_same_instance_is_back(home, people):
    ann, bob = await people.pair(home.create_room())
    to_ann, to_bob = ann.me["participant"], bob.me["participant"]
    ann.send(to_bob, **numbered(0))
    assert await numbers_from(bob, to_ann, 1) == [0]
    await bob.kill()
    for n in (1, 2, 3):
        ann.send(to_bob, **numbered(n))
    await ann.updated(to_bob, connected=False)
    ann.send(to_bob, **numbered(4))
    await bob.connect()
    await bob.resume()
    assert await numbers_from(bob, to_ann, 4) == [1, 2, 3, 4]
    assert ann.failures == []


async def test_what_was_sent_just_before_the_own_socket_was_lost_arrives_after_the_resume(home, people):
    ann, bob = await people.pair(home.create_room())
    to_ann, to_bob = ann.me["participant"], bob.me["participant"]
    for n in range(20):
        ann.send(to_bob, **numbered(n))
    await ann.kill()
    await bob.updated(to_ann, connected=False)
    await ann.connect()
    await ann.resume()
    assert await numbers_from(bob, to_ann, 20) == list(range(20))


async def test_a_new_instance_starts_both_streams_at_one(home, people):
    ann, bob = await people.pair(home.create_room())
    to_ann, to_bob = ann.me["participant"], bob.me["participant"]
    for n in range(5):
        ann.send(to_bob, **numbered(n))
        bob.send(to_ann, **numbered(n))
    await asyncio.gather(numbers_from(ann, to_bob, 5), numbers_from(bob, to_ann, 5))
    await bob.kill()
    await bob.connect()
    await bob.resume(instance=new_instance())
    await ann.updated(to_bob, instance=bob.instance)
    ann.send(to_bob, **numbered(7))
    bob.send(to_ann, **numbered(8))
    assert (await bob.receive(to_ann))["seq"] == 1
    assert (await ann.receive(to_bob))["seq"] == 1
