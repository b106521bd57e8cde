# SPDX-License-Identifier: GPL-3.0-or-later
"""A browser with our SDK and a client written from PROTOCOL.md alone are in one room, and understand each other."""

import re

import pytest

from harness import room_page
from harness.otter_client import OtterError
from harness.wait import wait_until

UFRAG = "pythonufrag"


def opened(browser, room):
    page = room_page.join(browser.new_page(), room["url"], "Ann")
    page.wait_until("['connected', 'error'].includes(document.body.dataset.state)", 20)
    return page


def answer_to(offer):
    """What a peer that takes everything and sends nothing would say; its ICE can never connect."""
    sdp = offer["sdp"].replace("a=setup:actpass", "a=setup:active").replace("a=sendrecv", "a=recvonly")
    sdp = re.sub(r"a=candidate:[^\r]*\r\n", "", sdp)
    sdp = re.sub(r"a=(ssrc|msid|ssrc-group)[: ][^\r]*\r\n", "", sdp)
    sdp = re.sub(r"a=ice-ufrag:[^\r]*", f"a=ice-ufrag:{UFRAG}", sdp)
    return {"type": "answer", "sdp": re.sub(r"a=ice-pwd:[^\r]*", "a=ice-pwd:" + "p" * 24, sdp)}


def test_a_python_client_and_a_browser_exchange_signals_and_the_third_finds_the_room_full(home, chromium, python, do):
    room = home.create_room(max_participants=2)
    bob = python(room, display="Bob")
    page = opened(chromium, room)
    joined = do(bob.event("participant-joined"))["participant"]
    assert (joined["display"], joined["order"], joined["attach"]) == ("Ann", 2, 2)
    assert page.evaluate("otterCall.participants.map(p => p.display)") == ["Bob"]

    # The browser attached later, so it offers; and it says where each signal comes from.
    offer = do(bob.event("signal", where=lambda event: "description" in event))
    assert (offer["from"], offer["from_instance"]) == (joined["participant"], joined["instance"])
    assert offer["to_instance"] == bob.instance
    assert offer["description"]["type"] == "offer"
    assert sorted(offer["tracks"].values()) == ["camera", "mic"]
    candidates = do(bob.event("signal", where=lambda event: "candidates" in event))
    assert all(each["candidate"].startswith("candidate:") for each in candidates["candidates"])

    do(bob.signal(joined["participant"], description=answer_to(offer["description"])))
    connection = f"otterCall.connections.get({bob.me['participant']!r})"
    page.wait_until(f"{connection}.remoteDescription?.sdp.includes('a=ice-ufrag:{UFRAG}')", 10)
    assert page.evaluate(f"{connection}.signalingState") == "stable"

    with pytest.raises(OtterError) as third:
        python(room)
    assert third.value.code == "room_full"
    late = opened(chromium, room)
    assert late.evaluate("[document.body.dataset.state, document.body.dataset.code]") == ["error", "room_full"]
    assert len(do(bob.list())) == 2


def test_a_reload_keeps_the_seat_and_the_others_see_a_new_instance(home, chromium, python, do):
    room = home.create_room(max_participants=2)
    bob = python(room, display="Bob")
    page = opened(chromium, room)
    before = do(bob.event("participant-joined"))["participant"]
    page.reload()
    after = do(bob.updated(before["participant"], connected=True))
    assert after["instance"] != before["instance"]
    assert (after["order"], after["attach"]) == (before["order"], before["attach"] + 1)
    page.wait_until("document.body.dataset.state === 'connected'", 15)
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 2


def test_leaving_by_the_button_gives_the_seat_up_at_once(home, chromium, python, do):
    room = home.create_room(max_participants=2)
    bob = python(room, display="Bob")
    page = opened(chromium, room)
    ann = do(bob.event("participant-joined"))["participant"]
    page.evaluate("otterCall.leave()")
    left = do(bob.event("participant-left"))
    assert (left["participant"], left["reason"]) == (ann["participant"], "left")
    wait_until(lambda: home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "occupied", 5, "one is left")
