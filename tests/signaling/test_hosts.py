# SPDX-License-Identifier: GPL-3.0-or-later
"""What hosts may ask for, over a real Janus: PROTOCOL.md section 8."""

import asyncio

import pytest
from harness.otter_client import OtterError
from signaling.shapes import CLOSED_EVENT, EJECTED_EVENT, LEFT_EVENT, MUTE_REQUESTED_EVENT, PROMOTED_EVENT, R, check


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value.code


def host_token(room):
    return room["host_url"].partition("#token=")[2]


def id_of(person):
    return person.me["participant"]


async def host_and_pair(home, people, **settings):
    """A room with a host, and Ann and Bob, who are guests."""
    room = home.create_room(host_url=True, **settings)
    host = await people.inside(room, host_token(room))
    ann, bob = await people.pair(room)
    return room, host, ann, bob


async def test_an_ejected_hears_it_the_others_see_him_leave_and_his_link_still_works(home, people):
    room, host, ann, bob = await host_and_pair(home, people)
    await host.request("eject", participant=id_of(bob))
    check(await bob.event("ejected"), EJECTED_EVENT)
    left = await ann.event("participant-left")
    check(left, LEFT_EVENT)
    assert (left["participant"], left["reason"]) == (id_of(bob), "ejected")
    assert [event["reason"] for event in host.events_so_far("participant-left")] == ["ejected"], \
        "the host sees it before he has his reply"
    assert await refused(bob.list()) == "conflict"
    await people.inside(room)


async def test_who_was_ejected_with_revoke_has_to_knock(home, people):
    room, host, _, bob = await host_and_pair(home, people)
    await host.request("eject", participant=id_of(bob), revoke=True)
    knocks = await people.at_the_door(room)
    reply = await knocks.request("join", room=room["id"], token=room["token"], instance=knocks.instance)
    assert reply["waiting"] is True
    assert (await host.event("knock"))["participant"]["participant"] == reply["participant"]


async def test_an_eject_with_revoke_outlives_the_death_of_the_server(fresh_home):
    from signaling.conftest import People
    people = People(fresh_home)
    room, host, _, bob = await host_and_pair(fresh_home, people)
    await host.request("eject", participant=id_of(bob), revoke=True)
    await host.request("lock", locked=True)
    fresh_home.kill_janus()
    await people.go_home()
    fresh_home.up()
    assert fresh_home.rest("GET", f"/v1/rooms/{room['id']}").json()["locked"] is True
    bob.connection = None
    assert await refused(bob.connect(bob.seat)) == "seat_gone"
    people = People(fresh_home)
    assert fresh_home.rest("PATCH", f"/v1/rooms/{room['id']}", {"locked": False}).status_code == 200
    knocks = await people.at_the_door(room)
    assert (await knocks.request("join", room=room["id"], token=room["token"], instance=knocks.instance))["waiting"]
    await people.go_home()


async def test_a_guest_may_do_nothing_of_it(home, people):
    _, host, ann, bob = await host_and_pair(home, people)
    fields = {"eject": {"participant": id_of(bob)}, "lock": {"locked": True}, "promote": {"participant": id_of(ann)},
              "mute": {"participant": id_of(bob), "kind": "mic"}, "close": {}}
    for name, each in fields.items():
        assert await refused(ann.request(name, **each)) == "forbidden", name
    assert len(await host.list()) == 3


async def test_a_host_is_ejected_by_another_but_leaves_by_himself(home, people):
    room, host, _, _ = await host_and_pair(home, people)
    other = await people.inside(room, host_token(room))
    assert await refused(host.request("eject", participant=id_of(host))) == "invalid_request"
    await host.request("eject", participant=id_of(other))
    check(await other.event("ejected"), EJECTED_EVENT)


async def test_two_hosts_who_eject_each_other_at_once_leave_one_of_them(home, people):
    room = home.create_room(host_url=True)
    one, two = await people.inside(room, host_token(room)), await people.inside(room, host_token(room))
    answers = await asyncio.gather(one.request("eject", participant=id_of(two)),
                                   two.request("eject", participant=id_of(one)), return_exceptions=True)
    assert sorted(getattr(answer, "code", "done") for answer in answers) in (["done", "forbidden"], ["conflict", "done"])
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 1


async def test_a_request_to_mute_reaches_him_alone(home, people):
    _, host, ann, bob = await host_and_pair(home, people)
    await host.request("mute", participant=id_of(bob), kind="camera")
    event = await bob.event("mute-requested")
    check(event, MUTE_REQUESTED_EVENT)
    assert (event["by"], event["kind"]) == (id_of(host), "camera")
    await ann.list()
    assert not ann.events_so_far("mute-requested")
    assert await refused(host.request("mute", participant=id_of(bob), kind="audio")) == "invalid_request"


async def test_who_is_promoted_is_a_host_also_after_a_reload(home, people):
    _, host, ann, bob = await host_and_pair(home, people)
    await host.request("promote", participant=id_of(bob))
    check(await bob.event("promoted"), PROMOTED_EVENT)
    assert (await ann.updated(id_of(bob), role="host"))["connected"] is True
    await host.updated(id_of(bob), role="host")
    await bob.kill()
    await bob.connect()
    assert (await bob.resume())["me"]["role"] == "host"
    await bob.request("eject", participant=id_of(host))


async def test_a_lock_keeps_guests_out_and_everybody_hears_it(home, people):
    room, host, ann, _ = await host_and_pair(home, people)
    await host.request("lock", locked=True)
    event = await ann.event("room-updated")
    check(event["room"], R)
    assert event["room"]["locked"] is True
    assert await refused(people.inside(room)) == "locked"
    await host.request("lock", locked=False)
    await people.inside(room)


async def test_a_host_who_closes_the_room_has_his_reply_and_all_hear_why(home, people):
    room, host, ann, bob = await host_and_pair(home, people)
    await host.request("close")
    for person in (host, ann, bob):
        event = await person.event("closed")
        check(event, CLOSED_EVENT)
        assert event["reason"] == "host"
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "closed"
    assert await refused(people.inside(room)) == "room_closed"


async def test_in_a_room_without_a_hosts_token_the_oldest_lets_in_who_knocks(home, people):
    room = home.create_room()
    ann, bob = await people.pair(room)
    cid = await people.inside(room)
    await ann.event("participant-joined")
    path = f"/v1/rooms/{room['id']}/participants/{id_of(cid)}?revoke=true"
    assert home.rest("DELETE", path).status_code == 204
    knocks = await people.at_the_door(room)
    reply = await knocks.request("join", room=room["id"], token=room["token"], instance=knocks.instance)
    assert reply["waiting"] is True
    check(await ann.event("promoted"), PROMOTED_EVENT)
    assert (await ann.event("knock"))["participant"]["participant"] == reply["participant"]
    await bob.updated(id_of(ann), role="host")
    await ann.leave()
    check(await bob.event("promoted"), PROMOTED_EVENT)
    await bob.request("admit", participant=reply["participant"])
    await knocks.event("admitted")


async def test_where_there_is_a_hosts_token_nobody_becomes_host_by_himself(home, people):
    room, host, ann, bob = await host_and_pair(home, people)
    await host.leave()
    await ann.event("participant-left")
    assert [one["role"] for one in await ann.list()] == ["guest", "guest"]
    assert not ann.events_so_far("promoted") and not bob.events_so_far("promoted")
