# SPDX-License-Identifier: GPL-3.0-or-later
"""Two sides that offer in the same moment, again and again; and an offer that gets no answer."""

import time
from itertools import product

import pytest
from harness import webrtc
from harness.negotiation import WISHES, wait_agreed, watched, wish_at_once
from harness.wait import NotYet, wait_until

ALL_PAIRS = tuple(product(WISHES, WISHES))
SETTLED_S = 5  # not even half of what the watchdog would need: it mends nothing here
LINES = 12  # two of the call, and those that the wishes leave
HUNG_S = 10  # after which the SDK says an offer again


@pytest.fixture
def couple(home, chromium_pair):
    """Two people in a call, by the SDK alone; the first one is the impolite side."""
    room = home.create_room(max_participants=2)
    pages = [watched(webrtc.with_small_video(browser.new_page())) for browser in chromium_pair]
    for page in pages:
        page.goto(f"{home.web}/")
        page.evaluate(webrtc.JOIN_BY_SDK, args=[room["url"], {"audio": False}])
    for page in pages:
        webrtc.wait_connected(page)
        webrtc.wait_frames_grow(page)
    wait_agreed(pages)
    return pages


@pytest.mark.timeout(300)
@pytest.mark.parametrize("rounds", [32, pytest.param(100, marks=pytest.mark.deep)])
def test_both_sides_negotiate_at_once_again_and_again_and_never_get_stuck(couple, rounds):
    impolite, polite = couple
    took, seen = [], frames(couple)
    for number in range(rounds):
        wishes = ALL_PAIRS[number % len(ALL_PAIRS)]
        began = time.monotonic()
        wish_at_once(couple, wishes)
        try:
            agreed, _ = wait_agreed(couple, SETTLED_S)
        except AssertionError as error:
            raise AssertionError(f"round {number}, {wishes}: {error}") from None
        took.append(time.monotonic() - began)
        assert len(agreed["lines"]) <= LINES
        seen = wait_more_frames(couple, seen)
    glares = polite.evaluate("glares")
    offers = [page.evaluate("offersMade") for page in couple]
    took.sort()
    print(f"{rounds} rounds: {glares} glares, offers {offers}; p50 {took[rounds // 2]:.2f} s, longest {took[-1]:.2f} s")
    assert glares >= rounds / 5, f"the offers hardly ever crossed: {glares} times"
    assert impolite.evaluate("glares") == 0, "the impolite side gave an offer up"
    for page in couple:
        assert set(webrtc.connection_states(page).values()) == {"connected"}
        assert page.exceptions == []


# The browser of the answering side fails once, at the moment of "state", in what `method` does.
FAIL_ONCE = """(method, state) => {
    const [pc] = otterCall.connections.values();
    const real = pc[method];
    pc[method] = (...given) => {
        if (pc.signalingState !== state) return real.apply(pc, given);
        delete pc[method];
        return Promise.reject(new DOMException('once', 'OperationError'));
    };
}"""


@pytest.mark.deep
@pytest.mark.parametrize("method, state", [("setRemoteDescription", "stable"), ("setLocalDescription", "have-remote-offer")],
                         ids=["the offer is not taken", "the answer is not made"])
def test_an_offer_that_gets_no_answer_is_made_again(couple, method, state):
    offering, answering = couple
    (before, _), seen = wait_agreed(couple), frames(couple)
    answering.evaluate(FAIL_ONCE, args=[method, state])
    began = time.monotonic()
    wish_at_once([offering], ["add"])
    offering.wait_until("!agreed().stable", 5, "the offer is out")
    seen = wait_more_frames(couple, seen)  # media does not mind

    after, _ = wait_agreed(couple, 2 * HUNG_S + SETTLED_S)
    took = time.monotonic() - began
    print(f"agreed after {took:.1f} s")
    assert took > HUNG_S / 2, "nothing hung"
    assert after["mine"] != before["mine"], "the path was not sought anew"
    assert set(after["lines"]) > set(before["lines"])
    wait_more_frames(couple, seen)
    for page in couple:
        assert page.evaluate("otterCall.participants.map((each) => each.state)") == ["connected"]


# The browser fails once, before there is any media: in the first description of this type that `method` gets.
FAIL_FIRST = """(method, type) => {
    const real = RTCPeerConnection.prototype[method];
    RTCPeerConnection.prototype[method] = function (description) {
        const given = description?.type ?? (this.signalingState === 'have-remote-offer' ? 'answer' : 'offer');
        if (given !== type) return real.apply(this, arguments);
        RTCPeerConnection.prototype[method] = real;
        window.failedOnce = true;
        return Promise.reject(new DOMException('once', 'OperationError'));
    };
}"""


@pytest.mark.parametrize("who, method, kind", [
    (0, "setLocalDescription", "answer"),
    pytest.param(0, "setRemoteDescription", "offer", marks=pytest.mark.deep),
    pytest.param(1, "setRemoteDescription", "answer", marks=pytest.mark.deep),
], ids=["the first answer is not made", "the first offer is not taken", "the first answer is not taken"])
def test_a_call_begins_though_a_browser_fails_once_at_first(home, chromium_pair, who, method, kind):
    room = home.create_room(max_participants=2)
    pages = [webrtc.with_small_video(browser.new_page()) for browser in chromium_pair]
    pages[who].send("Page.addScriptToEvaluateOnNewDocument", source=f"({FAIL_FIRST})('{method}', '{kind}')")
    for page in pages:
        page.goto(f"{home.web}/")
        page.evaluate(webrtc.JOIN_BY_SDK, args=[room["url"], {"audio": False}])
    for page in pages:
        webrtc.wait_connected(page, timeout=2 * HUNG_S + SETTLED_S)
    for page in pages:
        webrtc.wait_frames_grow(page)
        assert page.evaluate("otterCall.participants[0].streams.camera.getTracks().map((each) => each.readyState)") == ["live", "live"]
    assert pages[who].evaluate("failedOnce")


def frames(pages):
    return [webrtc.frames(page).total for page in pages]


def wait_more_frames(pages, seen):
    """Until every page has decoded more than it had; returns how much."""
    def more():
        now = frames(pages)
        return now if all(new > old for new, old in zip(now, seen)) else NotYet((seen, now))
    return wait_until(more, 5, "the video goes on")
