# SPDX-License-Identifier: GPL-3.0-or-later
"""The example on plain janus.js: it calls another of its kind, and a room page with the SDK, each in both orders."""

from urllib.parse import urlencode

import pytest

from harness import room_page, webrtc
from harness.artifacts import artifact
from harness.otter_home import CHECKOUT

EXAMPLE = CHECKOUT / "html" / "examples"


def example(browser, home, room):
    """A page of the example in the room, once it has a seat there."""
    fragment = urlencode({"room": room["id"], "token": room["token"]})
    page = webrtc.with_small_video(browser.new_page())
    page.goto(f"{home.web}/examples/janus-js.html#{fragment}")
    page.evaluate(webrtc.SHOW_PC_OF_EXAMPLE)
    page.click("#form button")
    return in_the_room(page)


def example_by_pasted_link(browser, home, room):
    page = webrtc.with_small_video(browser.new_page())
    page.goto(f"{home.web}/examples/janus-js.html")
    page.evaluate(webrtc.SHOW_PC_OF_EXAMPLE)
    page.evaluate("link => { document.getElementById('link').value = link; }", args=[room["url"]])
    page.click("#form button")
    return in_the_room(page)


def in_the_room(page):
    page.wait_until("me?.participant", 20, "the example has a seat")
    return page


def with_the_sdk(browser, home, room):
    page = room_page.join(webrtc.with_small_video(browser.new_page()), room["url"], "Ann")
    page.wait_until("document.body.dataset.state === 'connected'", 20)
    return page


@pytest.mark.parametrize("first, second", [(example, example_by_pasted_link), (example, with_the_sdk), (with_the_sdk, example)],
                         ids=["two of the example", "the example first", "the room page first"])
def test_the_example_is_in_a_call_with(home, chromium_pair, request, first, second):
    room = home.create_room(max_participants=2)
    pages = first(chromium_pair[0], home, room), second(chromium_pair[1], home, room)

    for page in pages:
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)
    for number, page in enumerate(pages, 1):
        page.screenshot(artifact(f"example-{request.node.callspec.id}-{number}.png"))
        assert page.exceptions == []
        assert page.policy_violations() == []


def test_the_example_takes_its_seat_again_after_a_reload(home, chromium_pair):
    room = home.create_room(max_participants=2)
    pages = [example(browser, home, room) for browser in chromium_pair]
    before = pages[1].evaluate("me.participant")

    pages[1].reload()
    pages[1].evaluate(webrtc.SHOW_PC_OF_EXAMPLE)
    pages[1].click("#form button")
    in_the_room(pages[1])
    assert pages[1].evaluate("me.participant") == before
    for page in pages:
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)


def test_the_example_says_that_the_room_is_full(home, chromium):
    room = home.create_room(max_participants=2)
    for _ in range(2):
        webrtc.join_without_media(chromium, home, room)
    page = chromium.new_page(f"{home.web}/examples/janus-js.html#{urlencode({'room': room['id'], 'token': room['token']})}")
    page.click("#form button")
    page.wait_until("/full/i.test(document.getElementById('says').textContent)", 20)


def test_the_example_is_short():
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in EXAMPLE.glob("janus-js.*")) <= 120
