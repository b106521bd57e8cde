# SPDX-License-Identifier: GPL-3.0-or-later
"""Whoever loses the server, or reloads the page, is back in the same seat; and for the others nobody was away for good."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness import room_page, sight, webrtc
from harness.negotiation import wait_agreed, watched, wish_at_once
from harness.otter_home import OtterHome
from harness.wait import NotYet, wait_until
from harness.wire import Wire

SILENT_S = 15  # three heartbeats: then each side takes the other for dead
RESUME_TIMEOUT_S = 30
SLACK = 2
PAUSE_S = 2  # media does not go through the server: what it loses is the machine's doing


# --- the wire to the server

@pytest.fixture(scope="module")
def wired_home():
    """An Otter whose signaling is reached by a wire."""
    with Wire() as wire, OtterHome(settings={"general": {"signaling_url": wire.url}}) as home:
        wire.leads_to(home.ports["signaling"])
        yield home, wire


@pytest.fixture
def wired(wired_home, chromium_pair):
    """Ann and Ben in a call, and the wires of both: Ann's, Ben's, and the one by which everybody comes."""
    home, wire = wired_home
    wire.refuses = False
    room, pages, links = home.create_room(max_participants=2), [], []
    for browser, name in zip(chromium_pair, ("Ann", "Ben")):
        page = watched(webrtc.with_small_video(browser.new_page()))
        page.goto(f"{home.web}/")
        page.evaluate(webrtc.JOIN_BY_SDK, args=[room["url"], {"display": name, "audio": False}])
        pages.append(page)
        links.append(wire.links[-1])
    for page in pages:
        webrtc.wait_connected(page)
        sight.watch(page)
    wait_agreed(pages)
    for page in pages:
        page.evaluate("window.pathAtFirst = agreed().mine")
    yield wire, *pages, *links
    home.assert_alive()
    home.check_logs()


def test_a_lost_socket_is_made_anew_and_the_call_goes_on(wired):
    _, ann, ben, link, _ = wired
    link.reset()
    ann.wait_until("seen.states.length && otterCall.state === 'connected'")
    assert [state for state, _ in ann.evaluate("seen.states")] == ["reconnecting", "connected"]
    ben.wait_until("otterCall.participants[0].reachable")
    assert_the_call_went_on(ann, ben)
    assert ben.evaluate("seen.states") == []


def test_both_lose_their_sockets_at_once_and_the_call_goes_on(wired):
    _, ann, ben, *links = wired
    for link in links:
        link.reset()
    for page in (ann, ben):
        page.wait_until("seen.states.length && otterCall.state === 'connected' && otterCall.participants[0].reachable")
    assert_the_call_went_on(ann, ben)


def test_a_wire_that_went_dead_silently_is_noticed_by_both_ends_of_it(wired):
    wire, ann, ben, link, _ = wired
    began = time.time()
    wire.refuses = True  # so that the server learns it by itself
    link.freeze()
    ann.wait_until("otterCall.state === 'reconnecting'", SLACK * SILENT_S)
    noticed = time.time() - began
    told = wait_until(lambda: sight.unreachable_since(ben, ann), SLACK * SILENT_S - noticed, "the other one is told") - began
    print(f"the page noticed after {noticed:.1f} s, the other one was told after {told:.1f} s")
    assert min(noticed, told) > 2, "the wire was not dead but cut"
    for page in (ann, ben):
        sight.wait_frames(page)

    wire.refuses = False
    ann.wait_until("otterCall.state === 'connected'")
    ben.wait_until("otterCall.participants[0].reachable")
    assert_the_call_went_on(ann, ben)


@pytest.mark.deep
@pytest.mark.parametrize("direction", ["up", "down"])
def test_a_wire_that_is_dead_in_one_direction_is_given_up_for_a_new_one(wired, direction):
    wire, ann, ben, link, _ = wired
    before = len(wire.links)
    link.freeze(direction)
    ann.wait_until("seen.states.length && otterCall.state === 'connected'", SLACK * SILENT_S)
    assert len(wire.links) > before
    ben.wait_until("otterCall.participants[0].reachable")
    assert_the_call_went_on(ann, ben)


@pytest.mark.deep
@pytest.mark.timeout(200)
def test_who_has_lost_the_server_for_long_is_in_the_call_as_long_as_his_media_flows(wired_home, wired):
    home, _ = wired_home
    wire, ann, ben, link, _ = wired
    room = ann.evaluate("({id: otterCall.room.id})")
    wire.refuses = True
    link.reset()
    wait_until(lambda: len(seats(home, room)) == 1, SLACK * RESUME_TIMEOUT_S, "the seat has ended")
    ben.wait_until("otterCall.participants[0].reachable === false")
    sight.wait_frames(ben)
    sight.assert_nobody_went(ben)

    ann.evaluate("otterCall.connections.forEach((pc) => pc.close())")
    ben.wait_until("otterCall.participants.length === 0", 20, "he is gone with his media")
    assert ben.evaluate("seen.events.at(-1)") == ["participant-left", ann.evaluate("seen.me"), "Ann", "timeout"]
    wire.refuses = False
    ben.wait_until("otterCall.participants[0]?.state === 'connected'", 20, "he has come again, as somebody new")
    assert len(seats(home, room)) == 2


def assert_the_call_went_on(*pages):
    for page in pages:
        page.wait_until("agreed().mine !== pathAtFirst", what="the path is sought anew, for it may be another network")
    wait_agreed(pages)
    for page in pages:
        sight.wait_frames(page)
        pause = sight.longest_pause(page)
        assert pause < PAUSE_S, f"the video stood still for {pause:.1f} s"
        sight.assert_nobody_went(page)
        assert page.exceptions == []


# --- the page goes and comes back

REMEMBER = """void (window.events = [], ['participant-joined', 'participant-left'].forEach((name) =>
    otterCall.on(name, ({id}, reason) => events.push([name, id, reason ?? null]))))"""


@pytest.fixture
def couple(home, chromium_pair):
    """Ann and Ben on the room page, in a room for two."""
    room = home.create_room(max_participants=2)
    pages = [watched(webrtc.with_small_video(browser.new_page())) for browser in chromium_pair]
    for page, name in zip(pages, ("Ann", "Ben")):
        room_page.join(page, room["url"], name)
        page.wait_until("document.body.dataset.state === 'connected'", 20)
    wait_in_call(pages)
    return room, *pages


@pytest.mark.parametrize("who", [0, 1], ids=["the first one", "the second one"])
def test_who_reloads_is_back_in_the_same_seat_and_the_other_saw_nobody_go(home, couple, who):
    room, *pages = couple
    reloading, other = pages[who], pages[1 - who]
    before = seats(home, room)
    other.evaluate(REMEMBER)
    reloading.reload()
    wait_in_call(pages)

    after = seats(home, room)
    assert [(one["participant"], one["order"]) for one in after] == [(one["participant"], one["order"]) for one in before]
    assert [one["instance"] == two["instance"] for one, two in zip(before, after)] == [who != 0, who != 1]
    assert after[who]["attach"] > max(one["attach"] for one in before)
    assert other.evaluate("events") == []
    assert_the_first_one_is_impolite(pages)


def test_two_who_reload_together_are_both_back_and_nobody_else_is_there(home, couple):
    room, *pages = couple
    before = seats(home, room)
    with ThreadPoolExecutor(len(pages)) as both:
        list(both.map(lambda page: page.reload(), pages))
    wait_in_call(pages)

    after = seats(home, room)
    assert [(one["participant"], one["order"]) for one in after] == [(one["participant"], one["order"]) for one in before]
    assert not {one["instance"] for one in after} & {one["instance"] for one in before}
    assert home.rest("GET", f"/v1/rooms/{room['id']}").json()["participants"] == 2
    assert_the_first_one_is_impolite(pages)


def test_nobody_takes_the_place_of_two_who_are_between_two_pages(home, couple, chromium):
    room, *pages = couple
    before = [one["participant"] for one in seats(home, room)]
    for page in pages:
        page.goto("about:blank")
    wait_until(lambda: not any(one["connected"] for one in seats(home, room)), 5, "both are away")
    third = room_page.join(chromium.new_page(), room["url"])
    third.wait_until("document.body.dataset.state === 'error'", 15)
    assert third.evaluate("document.body.dataset.code") == "room_full"

    for page in pages:
        page.goto(room["url"].split("#")[0])  # the tab kept the seat
    wait_in_call(pages)
    assert [one["participant"] for one in seats(home, room)] == before


def wait_in_call(pages):
    """Until each page has the video of the other one, of the page that is open there now."""
    for page in pages:
        page.wait_until("document.body.dataset.state === 'connected' && otterCall.participants[0]?.state === 'connected'", 20)
        webrtc.wait_connected(page)
    for page in pages:
        webrtc.wait_frames_grow(page)
    wait_agreed(pages)


def seats(home, room):
    """The participants of a room as the server has them, by order."""
    found = home.rest("GET", f"/v1/rooms/{room['id']}/participants").json()["participants"]
    return sorted(found, key=lambda one: one["order"])


def assert_the_first_one_is_impolite(pages):
    """Offers cross until one of them is given up: that of who came second."""
    def crossed():
        wish_at_once(pages, ("restart", "restart"))
        wait_agreed(pages)
        glares = [page.evaluate("glares") for page in pages]
        return glares if any(glares) else NotYet(glares)
    first, second = wait_until(crossed, 20, "the offers cross")
    assert first == 0 and second > 0
