# SPDX-License-Identifier: GPL-3.0-or-later
"""Janus is killed in the middle of a call of three, and comes back: nobody in the call notices."""

import time

import psutil
import pytest
from harness import sight, webrtc
from harness.wait import NotYet, wait_until

# A camera of ten frames a second pauses for 0.1 s. An ICE restart changes nothing until the new path is proven, so what is longer
# is the machine's doing, on which a server starts meanwhile; and the SDK itself takes 3 s without media for a broken path.
PAUSE_S = 2
BACK_S = 5  # what is promised, counted from the moment at which the new Janus is a process
SLACK = 2
NAMES = ("Ann", "Ben", "Cleo")


@pytest.fixture
def three(fresh_home, chromium_pair):
    """Three people in a call, and what they see: in two browsers, by the SDK alone."""
    room = fresh_home.create_room(max_participants=3)
    pages = [webrtc.with_small_video(chromium_pair[number % 2].new_page()) for number in range(len(NAMES))]
    for page, name in zip(pages, NAMES):
        page.goto(f"{fresh_home.web}/")
        page.evaluate(webrtc.JOIN_BY_SDK, args=[room["url"], {"display": name, "audio": False}])
    for page in pages:
        webrtc.wait_connected(page, peers=len(NAMES) - 1)
        webrtc.wait_frames_grow(page)
    for page in pages:
        sight.watch(page)
    return room, pages


@pytest.mark.parametrize("kills", [3, pytest.param(20, marks=[pytest.mark.deep, pytest.mark.timeout(400)])])
def test_a_call_of_three_survives_that_janus_is_killed(fresh_home, three, kills):
    room, pages = three
    ids = roster(fresh_home, room)
    pauses, back = [], []
    for _ in range(kills):
        fresh_home.kill_janus()
        for page in pages:
            page.wait_until("otterCall.state === 'reconnecting'")
            sight.wait_frames(page)  # without a server
        fresh_home.up()
        returned = psutil.Process(fresh_home.janus_pid).create_time()

        for page in pages:
            back.append(wait_until(lambda page=page: sight.back_at(page), SLACK * BACK_S, "the page is back") - returned)
        left = returned + SLACK * BACK_S - time.time()
        wait_until(lambda: roster(fresh_home, room) == ids, left, "all three are connected for the server")
        for page in pages:
            sight.wait_frames(page)
            page.wait_until("[...otterCall.connections.values()].every((pc) => pc.signalingState === 'stable')")
            pauses.append(sight.longest_pause(page))
            sight.assert_nobody_went(page)
    tell(kills, pauses, back)
    assert max(pauses) < PAUSE_S
    assert max(back) < SLACK * BACK_S
    assert roster(fresh_home, room) == ids
    for page in pages:
        webrtc.wait_connected(page, peers=len(NAMES) - 1)
        assert page.exceptions == []


def roster(home, room):
    """The ids of all three, in order, once each of them is connected."""
    found = home.rest("GET", f"/v1/rooms/{room['id']}/participants").json()["participants"]
    connected = [one["participant"] for one in sorted(found, key=lambda one: one["order"]) if one["connected"]]
    return connected if len(found) == len(connected) == len(NAMES) else NotYet(found)


def tell(kills, pauses, back):
    back = sorted(back)
    print(f"{kills} kills: the longest pause of a video was {max(pauses):.2f} s; back after p50 {back[len(back) // 2]:.2f} s, "
          f"p95 {back[len(back) * 95 // 100]:.2f} s, longest {back[-1]:.2f} s")
