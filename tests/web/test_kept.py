# SPDX-License-Identifier: GPL-3.0-or-later
"""What a room page keeps: devices that were switched off stay off, over a reload and in the next call of the tab."""

import pytest
from harness import room_page, webrtc

SENT = "[otterCall.me.media.audio, otterCall.me.media.video, otterCall.localStream.getTracks().length]"
SHOWN = "['mic', 'camera', 'lobby-mic', 'lobby-camera'].map((id) => document.getElementById(id).dataset.on)"


@pytest.fixture
def silent(home, chromium):
    """Somebody in a call who has switched both devices off."""
    page = webrtc.counting_questions(webrtc.with_small_video(chromium.new_page()))
    room_page.join(page, home.create_room()["url"], "Ann")
    in_call(page)
    assert page.evaluate("[otterCall.me.media.audio, otterCall.me.media.video, questions]") == [True, True, 1]
    for device in ("mic", "camera"):
        page.click(f"#{device}")
        page.wait_until(f"document.getElementById('{device}').dataset.on === 'false'")
    return page


def in_call(page):
    page.wait_until("document.body.dataset.state === 'connected' && window.otterCall?.me", 20)


def assert_silent(page):
    in_call(page)
    assert page.evaluate(SENT) == [False, False, 0]
    assert page.evaluate(SHOWN) == ["false"] * 4


def test_a_reload_opens_no_device_that_was_switched_off(silent):
    seat = silent.evaluate("otterCall.me.id")
    silent.reload()
    assert_silent(silent)
    assert silent.evaluate("questions") == 0
    assert silent.evaluate("otterCall.me.id") == seat


def test_who_was_muted_and_left_joins_again_muted(silent):
    silent.click("#leave")
    silent.wait_until("document.body.dataset.state === 'ended'")
    silent.click("#again")
    assert_silent(silent)
    assert silent.evaluate("questions") == 1, "that of the first call"


def test_what_is_switched_on_again_is_on_after_a_reload(silent):
    silent.click("#camera")
    silent.wait_until("document.getElementById('camera').dataset.on === 'true'")
    silent.reload()
    in_call(silent)
    assert silent.evaluate(SENT) == [False, True, 1]


def test_what_is_switched_off_before_the_call_is_off_in_it_and_after_a_reload(home, chromium):
    page = chromium.new_page(home.create_room()["url"])
    page.click("#lobby-camera")
    page.reload()
    assert page.evaluate(SHOWN)[2:] == ["true", "false"]
    page.click("#join")
    in_call(page)
    assert page.evaluate(SENT) == [True, False, 1]


def test_another_room_of_the_same_tab_begins_with_both_devices(home, silent):
    room_page.join(silent, home.create_room()["url"])
    in_call(silent)
    assert silent.evaluate(SENT) == [True, True, 2]
