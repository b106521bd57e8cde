# SPDX-License-Identifier: GPL-3.0-or-later
"""A tab that is duplicated begins with the seat of the first one, which is in use: it joins as somebody new. A reload does not."""

import pytest
from harness import room_page, tokens, webrtc
from harness.wait import wait_until

RECORD_STATES = "void (window.states = [], otterCall.on('state', (state) => states.push(state)))"
COPY = "(kept) => { for (const [name, value] of Object.entries(kept)) sessionStorage.setItem(name, value); }"


@pytest.fixture
def room(home):
    return home.create_room(max_participants=2)


def joined(page, url):
    room_page.join(webrtc.with_small_video(page), url)
    return in_call(page)


def in_call(page):
    page.wait_until("document.body.dataset.state === 'connected' && window.otterCall?.me", 20)
    return page


def duplicated(home, page):
    """What "Duplicate" in the menu of a tab makes: the same address, and a copy of the session storage."""
    copy = webrtc.with_small_video(page.context.new_page(f"{home.web}/"))
    copy.evaluate(COPY, args=[page.evaluate("({...sessionStorage})")])
    copy.goto(page.evaluate("location.href"))
    return copy


def own_id(page):
    return page.evaluate("otterCall.me.id")


def test_a_duplicated_tab_is_somebody_else_and_both_stay_in_the_call(home, chromium, room):
    first = joined(chromium.new_page(), room["url"])
    first.evaluate(RECORD_STATES)
    second = in_call(duplicated(home, first))

    assert own_id(first) != own_id(second)
    for page in (first, second):
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)
    assert first.evaluate("[states, otterCall.state]") == [[], "connected"]
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 2

    for page in (first, second):  # each of them has a seat of its own now, and keeps it
        before = own_id(page)
        page.reload()
        assert own_id(in_call(page)) == before
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 2


def test_a_duplicated_tab_of_a_full_room_finds_it_full_and_disturbs_nobody(home, chromium, room):
    first = joined(chromium.new_page(), room["url"])
    webrtc.join_without_media(chromium, home, room)
    first.evaluate(RECORD_STATES)
    copy = duplicated(home, first)
    copy.wait_until("document.body.dataset.state === 'error'", 20)
    assert copy.evaluate("document.body.dataset.code") == "room_full"
    assert first.evaluate("[states, otterCall.state]") == [[], "connected"]


def test_a_duplicate_of_a_tab_that_has_left_joins_by_itself_no_more(home, chromium, room):
    first = joined(chromium.new_page(), room["url"])
    first.click("#leave")
    first.wait_until("document.body.dataset.state === 'ended'")
    assert duplicated(home, first).evaluate("document.body.dataset.state") == "lobby"


def test_a_call_of_one_person_can_be_taken_back_from_another_tab_of_the_same_browser(home, chromium, room):
    token = tokens.mint(home, room, identity="ann", name="Ann")
    first = joined(chromium.new_page(), f"{home.web}/room/{room['id']}#token={token}")
    second = joined(first.context.new_page(), f"{home.web}/room/{room['id']}#token={token}")
    first.wait_until("document.body.dataset.code === 'replaced'")
    first.click("#again")
    in_call(first)
    second.wait_until("document.body.dataset.code === 'replaced'")
    wait_until(lambda: home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 1, what="there is one Ann")
