# SPDX-License-Identifier: GPL-3.0-or-later
"""The door in the page: who waits, and the host who lets in or does not."""

import json

import pytest
from harness import room_page, webrtc
from harness.artifacts import artifact
from harness.otter_home import OtterHome

KNOCKS = "[...document.querySelectorAll('#knocks span')].map((each) => each.textContent.split(' ')[0])"
# A page that never hears that somebody has left.
DEAF = """{
    const listen = WebSocket.prototype.addEventListener;
    WebSocket.prototype.addEventListener = function (type, heard, ...more) {
        return listen.call(this, type, (event) => String(event.data).includes('"participant-left"') || heard(event), ...more);
    };
}"""


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


def knocks(page, *names):
    """Those who wait, as a host sees them, and nobody else."""
    page.wait_until(f"JSON.stringify({KNOCKS}) === {json.dumps(json.dumps(names, separators=(',', ':')))}", 10, f"there wait {names}")


@pytest.fixture
def door(home, chromium):
    """A room with a lobby and two hosts inside, and a way to knock at it."""
    room = home.create_room(lobby=True)
    hosts = [opened(chromium, room["host_url"], name) for name in ("Hugo", "Helga")]
    for host in hosts:
        state(host, "connected")

    def knock(name):
        guest = opened(chromium, room["url"], name)
        state(guest, "waiting")
        return guest
    return hosts, knock


@pytest.mark.parametrize("button, becomes", [("#knocks button", "connected"), ("#knocks button:last-child", "ended")], ids=["in", "away"])
def test_who_is_let_in_or_not_by_one_host_knocks_no_more_at_the_other(door, button, becomes):
    (hugo, helga), knock = door
    guest = knock("Ann")
    for host in (hugo, helga):
        knocks(host, "Ann")
    hugo.click(button)
    state(guest, becomes)
    for host in (hugo, helga):
        knocks(host)
        assert host.exceptions == []


def test_a_host_who_was_away_sees_who_waits_now(home, door):
    (hugo, helga), knock = door
    for name in ("Ann", "Ben"):
        knock(name)
    knocks(helga, "Ann", "Ben")
    helga.send("Network.setBlockedURLs", urls=["*/v1/connect"])
    room_page.end_session(home, helga)
    state(helga, "reconnecting")
    hugo.click("#knocks button:last-child")
    knocks(hugo, "Ben")
    helga.send("Network.setBlockedURLs", urls=[])
    state(helga, "connected")
    knocks(helga, "Ben")


def test_a_knock_that_was_settled_unheard_is_gone_when_one_decides_about_it(home, chromium):
    room = home.create_room(lobby=True)
    hugo, helga = webrtc.with_small_video(chromium.new_page()), chromium.new_page()
    helga.send("Page.addScriptToEvaluateOnNewDocument", source=DEAF)
    for host in (hugo, helga):
        room_page.join(host, room["host_url"])
        state(host, "connected")
    opened(chromium, room["url"], "Ann")
    knocks(helga, "Ann")
    hugo.click("#knocks button:last-child")
    knocks(hugo)
    knocks(helga, "Ann")
    helga.click("#knocks button")
    knocks(helga)
    assert "They wait no more" in helga.evaluate("document.getElementById('notice').innerText")


def press_enter(page, **more):
    page.send("Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r", **more)


def test_who_waits_is_told_so_by_the_focus(home, chromium):
    guest = opened(chromium, home.create_room(lobby=True)["url"], "Ann")
    state(guest, "waiting")
    assert guest.evaluate("document.activeElement.id") == "waiting-title"


def test_by_keyboard_one_decides_about_one_after_another(door):
    (hugo, _), knock = door
    for name in ("Ann", "Ben"):
        knock(name)
    knocks(hugo, "Ann", "Ben")
    hugo.evaluate("document.querySelector('#knocks button').focus()")
    press_enter(hugo)
    knocks(hugo, "Ben")
    assert hugo.evaluate("document.activeElement === document.querySelector('#knocks button')")

    press_enter(hugo, autoRepeat=True)  # the key has not been let go yet
    assert not hugo.evaluate("document.querySelector('#knocks button').disabled")
    press_enter(hugo)
    knocks(hugo)
    assert hugo.evaluate("document.activeElement.id") == "call"


def test_one_decides_once(door):
    (hugo, helga), knock = door
    knock("Ann")
    for host in (hugo, helga):
        knocks(host, "Ann")
    helga.evaluate("document.getElementById('mic').focus()")
    press = "[...document.querySelectorAll('#knocks button')].map((each, i, all) => (i === 0 && each.click(), all.map((one) => one.disabled)))[0]"
    assert hugo.evaluate(press) == [True, True]
    for host in (hugo, helga):
        knocks(host)
    assert helga.evaluate("document.activeElement.id") == "mic", "who was busy with something else stays there"


def test_a_decision_that_fails_can_be_made_again(home, chromium):
    room = home.create_room(lobby=True, max_participants=2)
    host = opened(chromium, room["host_url"], "Hugo")
    state(host, "connected")
    guests = [opened(chromium, room["url"], name) for name in ("Ann", "Ben")]
    knocks(host, "Ann", "Ben")
    host.click("#knocks button")
    state(guests[0], "connected")
    knocks(host, "Ben")
    host.click("#knocks button")
    host.wait_until("document.getElementById('notice').innerText.includes('Everybody who fits is in already')")
    assert host.evaluate("document.activeElement === document.querySelector('#knocks button:enabled')")
    guests[0].click("#leave")
    host.wait_until("otterCall.participants.length === 0")
    host.click("#knocks button")
    state(guests[1], "connected")


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
