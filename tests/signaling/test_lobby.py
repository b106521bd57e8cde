# SPDX-License-Identifier: GPL-3.0-or-later
"""Who is put out, who may come back, and who waits to be let in: CONTRACT 3, PROTOCOL.md section 8."""

import pytest
from harness.otter_client import OtterError


async def refused(request):
    with pytest.raises(OtterError) as caught:
        await request
    return caught.value.code


def minted(home, room, **wish):
    answer = home.rest("POST", f"/v1/rooms/{room['id']}/tokens", wish)
    assert answer.status_code == 201, answer.text
    return answer.json()


async def knocking(people, room, token=None):
    """Somebody who has to wait, and the reply that says so."""
    person = await people.at_the_door(room, token)
    reply = await person.request("join", room=room["id"], token=token or room["token"], instance=person.instance)
    assert reply["waiting"] is True and reply["seat"] and "participants" not in reply, reply
    return person, reply["participant"]


def put_out(home, room, person, revoke):
    path = f"/v1/rooms/{room['id']}/participants/{person.me['participant']}"
    answer = home.rest("DELETE", path, params={"revoke": revoke})
    assert answer.status_code == 204, answer.text


# Revocation, for those inside

async def test_inside_stay_leaves_whoever_is_in_and_out_ends_their_seats(home, people):
    room = home.create_room()
    stay, out = minted(home, room, identity="ann"), minted(home, room, identity="ben")
    ann, ben = await people.inside(room, stay["token"]), await people.inside(room, out["token"])
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens/{stay['jti']}").status_code == 204
    assert home.rest("DELETE", f"/v1/rooms/{room['id']}/tokens/{out['jti']}?inside=out").status_code == 204
    assert (await ben.event("ejected"))["reason"] == "revoked"
    assert (await ann.event("participant-left"))["reason"] == "ejected"
    assert [one["identity"] for one in await ann.list()] == ["ann"]
    assert await refused(people.inside(room, stay["token"])) == "token_revoked"


async def test_who_was_put_out_with_revoke_does_not_come_back_and_without_he_does(home, people):
    room = home.create_room()
    token = minted(home, room, identity="ann")["token"]
    ann = await people.inside(room, token)
    put_out(home, room, ann, "false")
    assert (await ann.event("ejected"))["reason"] == "ejected"
    again = await people.inside(room, token)
    put_out(home, room, again, "true")
    assert await refused(people.at_the_door(room, token)) == "token_revoked"


async def test_an_invite_link_whose_guest_was_put_out_with_revoke_has_to_knock(home, people):
    room = home.create_room(max_participants=8)
    stays, goes = await people.pair(room)
    host = await people.inside(room, minted(home, room, role="host")["token"])
    put_out(home, room, goes, "true")
    assert (await goes.event("ejected"))["reason"] == "ejected"
    assert len(await stays.list()) == 2, "those inside stay"
    guest, participant = await knocking(people, room)
    knock = await host.event("knock")
    assert knock["participant"]["participant"] == participant
    assert await refused(stays.request("admit", participant=participant)) == "forbidden"
    await host.request("admit", participant=participant)
    admitted = await guest.event("admitted")
    assert {one["participant"] for one in admitted["participants"]} == {stays.me["participant"], host.me["participant"]}
    assert admitted["me"]["attach"] > max(one["attach"] for one in admitted["participants"]), "the newcomer offers"
    await stays.event("participant-joined", where=lambda event: event["participant"]["participant"] == participant)


async def test_a_knock_outlives_a_restart_as_every_revocation(fresh_home):
    from signaling.conftest import People
    people = People(fresh_home)
    room = fresh_home.create_room()
    guest = await people.inside(room)
    put_out(fresh_home, room, guest, "true")
    await people.go_home()
    fresh_home.kill_janus()
    fresh_home.up()
    people = People(fresh_home)
    await knocking(people, room)
    await people.go_home()


# The lobby

async def test_in_a_room_with_a_lobby_guests_wait_and_hosts_do_not(home, people):
    room = home.create_room(lobby=True)
    guest, participant = await knocking(people, room)
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 0
    host = await people.inside(room, room["host_url"].partition("#token=")[2])
    assert (await host.event("knock"))["participant"]["participant"] == participant, "a host hears who waits when he comes"
    await host.request("deny", participant=participant)
    await guest.event("denied")
    assert await refused(host.request("admit", participant=participant)) == "participant_not_found"


async def test_opening_the_lobby_lets_in_whoever_waits(home, people):
    room = home.create_room(lobby=True)
    guest, _ = await knocking(people, room)
    assert home.rest("PATCH", f"/v1/rooms/{room['id']}", {"lobby": False}).status_code == 200
    assert (await guest.event("admitted"))["participants"] == []


async def test_who_waits_takes_no_place_and_a_full_room_stays_full(home, people):
    room = home.create_room(lobby=True, max_participants=2)
    token = room["host_url"].partition("#token=")[2]
    host = await people.inside(room, token)
    await people.inside(room, token)
    _, participant = await knocking(people, room)
    assert await refused(host.request("admit", participant=participant)) == "room_full"


async def test_a_locked_room_lets_nobody_in_but_a_host(home, people):
    room = home.create_room(host_url=True)
    await people.inside(room)
    assert home.rest("PATCH", f"/v1/rooms/{room['id']}", {"locked": True}).json()["locked"] is True
    assert await refused(people.inside(room)) == "locked"
    await people.inside(room, room["host_url"].partition("#token=")[2])


# Draining

async def test_who_drains_lets_nobody_in_and_says_so(fresh_home):
    from signaling.conftest import People
    people = People(fresh_home)
    room = fresh_home.create_room()
    ann = await people.inside(room)
    assert fresh_home.rest("GET", "/readyz", key=None).status_code == 200
    answer = fresh_home.rest("POST", "/v1/drain", {"timeout": 5}).json()
    assert answer == {"draining": True, "participants": 1, "after_ms": 5000}
    assert (await ann.event("draining"))["after_ms"] == 5000
    assert await refused(people.inside(room)) == "unavailable"
    assert fresh_home.rest("GET", "/readyz", key=None).status_code == 503
    await people.go_home()
