# SPDX-License-Identifier: GPL-3.0-or-later
"""What an operator sees of a participant: handle_info of Janus' admin API, plugin_specific."""

import json

from signaling.shapes import INSTANCE, TIME, check, positive

SEATED = {"room": str, "participant": str, "waiting": {False}, "order": positive, "attach": positive, "instance": INSTANCE,
          "role": {"guest", "host"}, "joined_at": TIME, "connected_since": TIME}


def shown(home, person):
    """handle_info of this person's handle."""
    return next(info for info in home.handles() if info["handle_id"] == person.handle)


async def test_a_handle_shows_the_seat_that_it_has(home, people):
    room = home.create_room(host_url=True)
    host = await people.inside(room, room["host_url"].partition("#token=")[2])
    guest = await people.inside(room)
    for person in (host, guest):
        seat = shown(home, person)["plugin_specific"]
        check(seat, SEATED)
        assert {name: seat[name] for name in ("participant", "order", "attach", "instance", "role", "joined_at")} == \
            {name: person.me[name] for name in ("participant", "order", "attach", "instance", "role", "joined_at")}
        assert seat["room"] == room["id"]


async def test_after_a_resume_it_is_connected_since_then_and_joined_as_before(home, people):
    person = await people.inside(home.create_room())
    before = shown(home, person)["plugin_specific"]
    await person.kill()
    await person.connect()
    await person.resume()
    now = shown(home, person)["plugin_specific"]
    assert now["joined_at"] == before["joined_at"]
    assert now["connected_since"] > before["connected_since"]


async def test_who_waits_is_shown_as_waiting_and_who_has_left_as_nobody(home, people):
    room = home.create_room(lobby=True)
    person = await people.at_the_door(room)
    assert shown(home, person)["plugin_specific"] == {}
    reply = await person.request("join", room=room["id"], token=room["token"], instance=person.instance)
    seat = shown(home, person)["plugin_specific"]
    assert (seat["waiting"], seat["order"], seat["participant"]) == (True, None, reply["participant"])
    await person.leave()
    assert shown(home, person)["plugin_specific"] == {}


async def test_no_token_and_no_name_is_shown(home, people):
    room = home.create_room()
    person = await people.inside(room, display="Ann Xavier")
    text = json.dumps(shown(home, person))
    for secret in (room["token"], person.seat, home.key, room["token"].rsplit(".", 1)[1], person.seat.rsplit(".", 1)[1]):
        assert secret not in text
    assert "Xavier" not in text and "credential" not in text
    assert person.me["participant"] in text, "it is the right handle"
