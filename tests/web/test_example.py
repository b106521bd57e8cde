# SPDX-License-Identifier: GPL-3.0-or-later
"""The example on plain janus.js: it calls another of its kind, and a room page with the SDK, each in both orders."""

from urllib.parse import urlencode

import pytest

from harness import room_page, webrtc
from harness.artifacts import artifact
from harness.otter_home import CHECKOUT

EXAMPLE = CHECKOUT / "html" / "examples"


def joining(browser, home, room):
    """A page of the example that has been asked to join."""
    fragment = urlencode({"room": room["id"], "token": room["token"]})
    page = webrtc.with_small_video(browser.new_page())
    page.goto(f"{home.web}/examples/janus-js.html#{fragment}")
    page.evaluate(webrtc.SHOW_PC_OF_EXAMPLE)
    page.click("#form button")
    return page


def example(browser, home, room):
    """One that has a seat in the room."""
    return in_the_room(joining(browser, home, room))


def example_by_pasted_link(browser, home, room):
    page = webrtc.with_small_video(browser.new_page())
    page.goto(f"{home.web}/examples/janus-js.html")
    page.evaluate(webrtc.SHOW_PC_OF_EXAMPLE)
    paste(page, room["url"])
    return in_the_room(page)


def paste(page, link):
    page.evaluate("link => { document.getElementById('link').value = link; }", args=[link])
    page.click("#form button")


def says(page, words):
    page.wait_until(f"document.getElementById('says').textContent.includes({words!r})", 20)


def assert_over(page):
    """The devices are given back, and one may press the button again."""
    assert page.evaluate("local.getTracks().map(({readyState}) => readyState)") == ["ended", "ended"]
    assert page.evaluate("[pc, document.getElementById('self').srcObject, document.getElementById('join').disabled]") == [None, None, False]
    assert page.exceptions == []


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
    assert_over(page)


def test_the_example_waits_at_the_door_until_it_is_let_in(home, chromium_pair):
    room = home.create_room(max_participants=2, lobby=True)
    host = room_page.join(webrtc.with_small_video(chromium_pair[0].new_page()), room["host_url"], "Hugo")
    page = joining(chromium_pair[1], home, room)
    says(page, "You are at the door")
    host.click("#knocks button:last-child")
    says(page, "You were not let in.")
    assert_over(page)

    page.click("#form button")
    says(page, "You are at the door")
    host.click("#knocks button")
    for one in (host, page):
        webrtc.wait_connected(one)
        webrtc.wait_frames_grow(one)


@pytest.mark.parametrize("end, words", [
    (lambda home, room, who: home.rest("DELETE", f"/v1/rooms/{room['id']}/participants/{who}"), "The host has put you out."),
    (lambda home, room, who: home.rest("DELETE", f"/v1/rooms/{room['id']}"), "The room was closed."),
], ids=["put out", "closed"])
def test_the_example_says_why_it_is_over_and_gives_the_devices_back(home, chromium, end, words):
    room = home.create_room()
    page = example(chromium, home, room)
    assert end(home, room, page.evaluate("me.participant")).status_code == 204
    says(page, words)
    assert_over(page)


@pytest.mark.parametrize("link, words", [("http://", "Invalid URL"), ("tea", "This is no link of a room.")])
def test_a_link_that_is_none_is_said_and_another_one_can_be_tried(home, chromium, link, words):
    page = webrtc.with_small_video(chromium.new_page())
    page.goto(f"{home.web}/examples/janus-js.html")
    paste(page, link)
    says(page, words)
    assert page.exceptions == []
    paste(page, home.create_room()["url"])
    in_the_room(page)


def test_the_token_leaves_the_address_bar_and_stays_for_a_reload(home, chromium):
    room = home.create_room()
    page = example(chromium, home, room)
    assert "#" not in page.evaluate("location.href") and room["token"] not in page.evaluate("location.href")
    page.reload()
    assert room["token"] in page.evaluate("document.getElementById('link').value")


def test_the_example_is_short():
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in EXAMPLE.glob("janus-js.*")) <= 120
