# SPDX-License-Identifier: GPL-3.0-or-later
"""Devices take time to open, and the user may change their mind meanwhile: the last word counts."""

import pytest
from harness import webrtc

# getUserMedia answers when the test says so: window.opened are the streams that it gave out.
SLOW_DEVICES = """() => {
    const devices = navigator.mediaDevices, ask = devices.getUserMedia.bind(devices);
    window.opened = [];
    window.asked = 0;
    const allowed = new Promise((resolve) => { window.allow = resolve; });
    devices.getUserMedia = async (wish) => { asked++; await allowed; const stream = await ask(wish); opened.push(stream); return stream; };
}"""

# Several wishes at once, and then the devices open.
WISHES = """async (method, wishes) => {
    const carriedOut = wishes.map((on) => otterCall[method](on));
    allow();
    await Promise.all(carriedOut);
}"""

LIVE = "opened.flatMap((stream) => stream.getTracks()).filter((track) => track.readyState === 'live').length"
SENT = "otterCall.localStream.getTracks().filter((track) => track.enabled).length"


@pytest.mark.parametrize("wishes, on", [([True, False], False), ([True, False, True], True), ([True, True], True)], ids=str)
@pytest.mark.parametrize("method, kind", [("setMicrophone", "audio"), ("setCamera", "video")])
def test_the_last_word_counts_however_long_a_device_takes_to_open(home, chromium, method, kind, wishes, on):
    page = webrtc.join_without_media(chromium, home, home.create_room())
    page.evaluate(SLOW_DEVICES, args=[])
    page.evaluate(WISHES, args=[method, wishes])
    assert page.evaluate(f"[otterCall.me.media.{kind}, {SENT}, {LIVE}]") == [on, int(on), int(on)]
    assert page.evaluate("asked") == wishes.count(True), "each time it was not open yet"


@pytest.mark.parametrize("wishes, on", [([False, True], True), ([False, True, False], False)], ids=str)
@pytest.mark.parametrize("method, kind", [("setMicrophone", "audio"), ("setCamera", "video")])
def test_the_last_word_counts_for_a_device_that_is_open(home, chromium, method, kind, wishes, on):
    page = webrtc.with_small_video(chromium.new_page())
    page.goto(f"{home.web}/")
    page.evaluate(webrtc.JOIN_BY_SDK, args=[home.create_room()["url"], {}])
    page.evaluate("(method, wishes) => Promise.all(wishes.map((on) => otterCall[method](on)))", args=[method, wishes])
    assert page.evaluate(f"[otterCall.me.media.{kind}, {SENT}]") == [on, 1 + on]
