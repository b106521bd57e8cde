# SPDX-License-Identifier: GPL-3.0-or-later
"""The door in the page: who waits, and the host who lets in or does not."""

import pytest
from harness import room_page, webrtc
from harness.artifacts import artifact
from harness.otter_home import OtterHome


def opened(browser, url, name):
    return room_page.join(webrtc.with_small_video(browser.new_page()), url, name)


def state(page, wanted):
    page.wait_until(f"document.body.dataset.state === '{wanted}'", 20)


def test_a_guest_waits_at_the_door_until_the_host_lets_him_in(home, chromium):
    room = home.create_room(lobby=True)
    guest = opened(chromium, room["url"], "Ann")
    state(guest, "waiting")
    guest.screenshot(artifact("waiting-at-the-door.png"))
    host = opened(chromium, room["host_url"], "Hugo")
    state(host, "connected")
    host.wait_until("document.querySelector('#knocks span')?.textContent.includes('Ann')", 10)
    host.screenshot(artifact("somebody-knocks.png"))
    host.click("#knocks button")
    state(guest, "connected")
    for page in (host, guest):
        webrtc.wait_connected(page, peers=1)
        webrtc.wait_frames_grow(page)
        assert page.evaluate("document.querySelectorAll('.tile').length") == 2
        assert page.exceptions == []
    assert host.evaluate("document.querySelectorAll('#knocks li').length") == 0


def test_a_guest_who_is_not_let_in_reads_so_and_may_ask_again(home, chromium):
    room = home.create_room(lobby=True)
    host = opened(chromium, room["host_url"], "Hugo")
    state(host, "connected")
    guest = opened(chromium, room["url"], "Ann")
    host.click("#knocks button:last-child")
    state(guest, "ended")
    assert "You were not let in" in guest.evaluate("document.body.innerText")
    guest.click("#again")
    state(guest, "waiting")
    host.click("#knocks button")
    state(guest, "connected")


@pytest.mark.timeout(180)
def test_the_token_of_janus_is_renewed_and_nobody_notices(request, chromium):
    with OtterHome(settings={"general": {"janus_token_ttl": 10}}) as home:
        room = home.create_room()
        pages = [opened(chromium, room["url"], name) for name in ("Ann", "Ben")]
        for page in pages:
            webrtc.wait_connected(page, peers=1)
            page.evaluate("""(() => {
                window.seen = [];
                otterCall.on('state', (state) => seen.push(state));
                otterCall.on('participant-left', (participant, reason) => seen.push(`left: ${reason}`));
            })()""")
        for page in pages:
            page.wait_until("performance.now() > 0", 5)
            sockets = sum(one["type"] == "WebSocket" for one in page.requests)
            assert sockets == 1
        for page in pages:  # each of them twice, so that the renewed one is renewed too
            webrtc.wait_until(lambda p=page: sum(one["type"] == "WebSocket" for one in p.requests) >= 3, 40, "two renewals")
            assert page.evaluate("[seen, otterCall.state]") == [[], "connected"]
            webrtc.wait_frames_grow(page)
            assert page.exceptions == []
