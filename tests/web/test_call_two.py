# SPDX-License-Identifier: GPL-3.0-or-later
"""Two people open the link of a room, and are in a call that the server does not touch."""

import re
from urllib.parse import urlsplit

import pytest

from harness import room_page, webrtc
from harness.artifacts import artifact
from harness.janus import webrtc_traces
from harness.procnet import udp_sockets
from harness.wait import NotYet, wait_until

# CONTRACT: of a seat, or of a token before the join.
TURN_USERNAME = re.compile(r"\d{10,}:(?P<who>pt_[\w-]+|j[\w-]+-\d+)")

STATE = "({state: document.body.dataset.state, code: document.body.dataset.code})"


@pytest.fixture
def person(chromium_pair):
    """Opens the link of a room, and joins, as a new person; turn by turn in one of two browsers."""
    opened = []

    def open_link(url):
        browser = chromium_pair[len(opened) % 2]
        page = browser.new_page()
        opened.append(page)
        room_page.join(page, url)
        return page
    return open_link


@pytest.fixture
def couple(person, home):
    """Two people in a call: the one who came first, and the other."""
    def call(room):
        first = person(room["url"])
        wait_until(lambda: participants(home, room) == 1 or failed(first), 15, "the first one is in the room")
        assert_no_error(first)
        second = person(room["url"])
        for page in (first, second):
            wait_in_call(page)
        return first, second
    return call


def test_two_people_with_the_link_see_each_other_directly(home, couple):
    room = home.create_room(max_participants=2)
    pages = couple(room)

    for page in pages:
        webrtc.wait_frames_grow(page)
    for page in pages:
        wait_pair_types(page, "host", "host")
        assert webrtc.selected_pair(page)["relayProtocol"] is None
        assert page.exceptions == []
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["status"] == "full"
    for number, page in enumerate(pages, 1):
        page.screenshot(artifact(f"call-two-direct-{number}.png"))


def test_two_people_who_open_the_link_in_the_same_moment_see_each_other(home, person):
    room = home.create_room(max_participants=2)
    pages = person(room["url"]), person(room["url"])

    for page in pages:
        wait_in_call(page)
    for page in pages:
        webrtc.wait_frames_grow(page)


def test_janus_takes_no_part_in_the_media_of_a_call(home, couple):
    assert udp_sockets(home.janus_pid) == []
    room = home.create_room(max_participants=2)
    pages = couple(room)

    for page in pages:
        webrtc.wait_frames_grow(page)
        # Not even a socket that could receive media, while the media flows.
        assert udp_sockets(home.janus_pid) == []
    handles = wait_handles(home, len(pages))
    assert [webrtc_traces(handle) for handle in handles] == [{}, {}]
    for page in pages:
        webrtc.wait_frames_grow(page)
    assert udp_sockets(home.janus_pid) == []


def test_in_a_relay_room_all_media_goes_through_turn_with_our_credentials(home, couple):
    room = home.create_room(max_participants=2, privacy="relay")
    pages = couple(room)

    for page in pages:
        webrtc.wait_frames_grow(page)
    for page, other in zip(pages, reversed(pages)):
        wait_pair_types(page, "relay", "relay")
        assert webrtc.selected_pair(page)["relayProtocol"] in ("udp", "tcp", "tls")
        (configuration,) = webrtc.configurations(page).values()
        assert configuration["iceTransportPolicy"] == "relay"
        assert_own_turn_credentials(page, other, configuration["iceServers"])
    assert udp_sockets(home.janus_pid) == []
    for number, page in enumerate(pages, 1):
        page.screenshot(artifact(f"call-two-relay-{number}.png"))


def test_the_token_leaves_the_address_bar_and_no_request_carries_it_in_its_url(home, chromium):
    room = home.create_room()
    page = chromium.new_page(room["url"])

    page.wait_until("location.hash === ''", what="the fragment is gone")
    assert room["token"] not in page.evaluate("location.href")
    asked = [request["url"].split("#")[0] for request in page.requests]
    assert not [url for url in asked if room["token"] in url or "token=" in url]


def test_a_person_joins_by_the_button(home, chromium):
    room = home.create_room()
    page = chromium.new_page(room["url"])
    page.wait_until("document.body.dataset.state === 'lobby'")
    assert participants(home, room) == 0

    page.click("#join")
    wait_until(lambda: participants(home, room) == 1 or failed(page), 15, "the person is in the room")
    assert_no_error(page)


def test_a_third_person_is_told_that_the_room_is_full_and_does_not_disturb(home, couple, person):
    room = home.create_room(max_participants=2)
    pages = couple(room)

    third = person(room["url"])
    third.wait_until("document.body.dataset.state === 'error'", 15)
    assert third.evaluate("document.body.dataset.code") == "room_full"
    third.wait_until("/full/i.test(document.body.innerText)", what="the page says that the room is full")
    third.screenshot(artifact("call-two-room-full.png"))

    assert participants(home, room) == 2
    for page in pages:
        assert len(webrtc.wait_connected(page)) == 1
        webrtc.wait_frames_grow(page)


@pytest.mark.parametrize("which", ["index", "room"])
def test_each_page_comes_with_a_strict_policy_and_asks_nobody_else(home, chromium, which):
    if which == "index":
        page = chromium.new_page(f"{home.web}/")
    else:
        room = home.create_room()
        page = room_page.join(chromium.new_page(), room["url"])
        wait_until(lambda: participants(home, room) == 1 or failed(page), 15, "the person is in the room")
        assert_no_error(page)

    document = page.document()
    assert document["status"] == 200
    policy = document["headers"].get("content-security-policy", "")
    assert re.search(r"(^|;)\s*default-src 'none'", policy), f"the policy is {policy!r}"
    assert not re.search(r"'unsafe-eval'|\s\*(\s|;|$)", policy), policy
    assert not re.search(r"script-src[^;]*'unsafe-inline'", policy), policy
    assert document["headers"].get("referrer-policy") == "no-referrer"
    assert page.origins() <= {origin(home.web), origin(home.signaling)}
    assert page.policy_violations() == []
    assert page.exceptions == []


def origin(url):
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def participants(home, room):
    return home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"]


def wait_handles(home, count):
    """The handles, once there are so many: those of people who have just left take a moment to go."""
    def exactly():
        handles = home.handles()
        return handles if len(handles) == count else NotYet(handles)
    return wait_until(exactly, what=f"each of {count} people is one handle")


def failed(page):
    return page.evaluate("document.body?.dataset.state === 'error'")


def assert_no_error(page):
    seen = page.evaluate(STATE)
    assert seen["state"] != "error", f"the page shows the error {seen.get('code')}\n{page.report()}"


def wait_in_call(page):
    """Until the media of the page is connected; an error of the page ends the wait at once."""
    connected = "Object.values(%s).includes('connected')" % webrtc.CONNECTION_STATES
    page.wait_until(f"document.body.dataset.state === 'error' || {connected}", 20, "the call has begun")
    assert_no_error(page)
    webrtc.wait_connected(page)
    assert page.evaluate(STATE)["state"] == "connected"


def wait_pair_types(page, local, remote):
    """A remote candidate is "prflx" until the signal that names it arrives, so this may take a moment."""
    def expected():
        pair = webrtc.selected_pair(page)
        return (pair["local"], pair["remote"]) == (local, remote) or NotYet(pair)
    wait_until(expected, 5, f"the pair is {local} to {remote}")


def assert_own_turn_credentials(page, other, ice_servers):
    """Every TURN server is used with a name that our API gave to this very person."""
    names = {server["username"] for server in ice_servers if server.get("username")}
    assert names, f"no server has a username: {[server['urls'] for server in ice_servers]}"
    (own_id,) = webrtc.connection_states(other)  # as the other one knows this person
    connects = [answer for answer in page.responses if urlsplit(answer["url"]).path == "/v1/connect"]
    assert connects and {answer["status"] for answer in connects} == {200}
    given = "".join(page.body(answer) for answer in connects)
    for name in names:
        match = TURN_USERNAME.fullmatch(name)
        assert match, f"a username of another form: {name!r}"
        assert match["who"] == own_id or name in given, f"{name!r} was given to somebody else than {own_id}"
