# SPDX-License-Identifier: GPL-3.0-or-later
"""The SDK and a client written from PROTOCOL.md alone are sure of each other's signals: section 6, end-to-end reliability."""

import re
import time

import pytest
from harness import webrtc
from harness.otter_client import Participant, new_instance
from harness.wait import NotYet, wait_until

REPEATS_S = (1, 2, 4)  # after the first time
GIVE_UP_S = 8
ACK_S = 0.2
SLACK = 2

# An offer of nobody: a connection that is closed again.
MAKE_OFFER = """async () => {
    const pc = new RTCPeerConnection();
    for (const kind of ['audio', 'video']) pc.addTransceiver(kind);
    const {type, sdp} = await pc.createOffer();
    pc.close();
    return {type, sdp};
}"""

# To whom this page's SDK has sent signals: the only socket of the page is the one to Janus.
COUNT_SIGNALS = """void (window.signalsTo = {}, ((send) => {
    WebSocket.prototype.send = function (text) {
        const {body} = JSON.parse(text);
        if (body?.request === 'signal') signalsTo[body.to] = (signalsTo[body.to] ?? 0) + 1;
        return send.call(this, text);
    };
})(WebSocket.prototype.send))"""


class Silent(Participant):
    """Keeps what is said to it, with the moment; it acknowledges and orders nothing."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.heard = []  # (moment, signal)

    def _signal_came(self, event):
        if event["to_instance"] == self.instance:
            self.heard.append((time.monotonic(), event))

    def signals(self, **fields):
        """What was heard with these fields; a description is asked for by its type."""
        return [(at, one) for at, one in self.heard
                if all((one.get(name, {}).get("type") if name == "description" else one.get(name)) == value
                       for name, value in fields.items())]

    def wait_signals(self, count=1, timeout=5.0, **fields):
        def enough():
            found = self.signals(**fields)
            return found if len(found) >= count else NotYet(self.heard)
        return wait_until(enough, timeout, f"{count} signals with {fields} come")

    def wait_ack(self, ack, since, timeout=5.0):
        """The first signal after `since` that acknowledges so much."""
        def acknowledged():
            found = (one for one in self.heard if one[0] >= since and one[1]["ack"] >= ack)
            return next(found, None) or NotYet(self.heard)
        return wait_until(acknowledged, timeout, f"{ack} is acknowledged")


@pytest.fixture
def browser_of(home, chromium):
    """Brings a page into a room, by the SDK and without media; answers it and its participant."""
    def join(room):
        page = chromium.new_page(f"{home.web}/")
        page.evaluate(COUNT_SIGNALS)
        return page, enter(page, room)
    return join


def enter(page, room):
    page.evaluate(webrtc.JOIN_BY_SDK, args=[room["url"], {"display": "Ann", "audio": False, "video": False}])
    return page.evaluate("otterCall.me.id")


@pytest.fixture
def offerer(home, browser_of, python):
    """Ann's page, and Bob who came after her, so that the first offer is his: (page, her id, Bob, an offer, candidates of it)."""
    def make(kind):
        room = home.create_room(max_participants=2)
        page, ann = browser_of(room)
        bob = python(room, kind=kind, display="Bob")
        offer = page.evaluate(f"({MAKE_OFFER})()")
        (ufrag,) = set(re.findall(r"a=ice-ufrag:(\S+)", offer["sdp"]))
        candidate = {"candidate": "candidate:1 1 udp 2122260223 192.0.2.7 9 typ host", "sdpMid": "0", "sdpMLineIndex": 0,
                     "usernameFragment": ufrag}
        return page, ann, bob, offer, [candidate]
    return make


def connection(person):
    return f"otterCall.connections.get({person.me['participant']!r})"


def test_two_implementations_of_the_stream_negotiate_and_have_nothing_left_to_say(offerer, do):
    page, ann, bob, offer, candidates = offerer(Participant)
    bob.send(ann, description=offer)
    bob.send(ann, candidates=candidates)
    answer = do(bob.receive(ann))
    assert (answer["seq"], answer["description"]["type"]) == (1, "answer")
    wait_until(lambda: bob.stream(ann).unacknowledged == 0, 5, "the page has acknowledged both")
    page.wait_until(f"{connection(bob)}.signalingState === 'stable'")

    page.evaluate(f"void {connection(bob)}.restartIce()")
    offer = do(wait_description(bob, ann))
    assert offer["description"]["type"] == "offer" and offer["ack"] == 2
    assert bob.stream(ann).acknowledged_up_to >= offer["seq"] > 1
    assert bob.failures == []


async def wait_description(person, peer):
    while "description" not in (signal := await person.receive(peer)):
        pass
    return signal


def test_what_nobody_acknowledges_is_repeated(home, browser_of, python, do):
    room = home.create_room(max_participants=3)
    silent, late = (python(room, kind=Silent, display=name) for name in ("Bob", "Cleo"))
    _, ann = browser_of(room)
    (_, first), *_ = silent.wait_signals(description="offer")
    assert (first["seq"], first["ack"]) == (1, 0)

    late.wait_signals(2, seq=1)
    do(late.signal(ann, ack=max(signal["seq"] for _, signal in late.heard)))
    repeated = silent.wait_signals(1 + len(REPEATS_S), timeout=SLACK * REPEATS_S[-1], seq=1)
    at_first = repeated[0][0]
    for (at, signal), due in zip(repeated[1:], REPEATS_S):
        assert 0.9 * due < at - at_first < SLACK * due
        assert signal["description"] == first["description"]
    assert len(late.signals(seq=1)) == 2, "what was acknowledged is repeated no more"


def test_after_eight_seconds_without_an_acknowledgement_the_negotiation_begins_anew(offerer, do):
    _, ann, bob, offer, _ = offerer(Silent)
    do(bob.signal(ann, seq=1, ack=0, description=offer))
    (at_first, answer), *_ = bob.wait_signals(description="answer")
    (at, anew), *_ = bob.wait_signals(description="offer", timeout=SLACK * GIVE_UP_S)
    assert 0.9 * GIVE_UP_S < at - at_first < 1.5 * GIVE_UP_S, "before the page missed the media too"
    assert ufrag_of(anew) != ufrag_of(answer), "the path is sought anew"


def ufrag_of(signal):
    return re.search(r"a=ice-ufrag:(\S+)", signal["description"]["sdp"])[1]


def test_the_page_acknowledges_in_time_by_itself_or_with_its_answer(offerer, do):
    _, ann, bob, offer, candidates = offerer(Silent)
    began = time.monotonic()
    do(bob.signal(ann, seq=1, ack=0, candidates=candidates))
    at, ack = bob.wait_ack(1, began)
    assert at - began < SLACK * ACK_S
    assert not ack.keys() & {"seq", "description", "candidates"}, "it had nothing else to say"

    began = time.monotonic()
    do(bob.signal(ann, seq=2, ack=0, description=offer))
    at, _ = bob.wait_ack(2, began)
    assert at - began < SLACK * ACK_S
    (_, answer), *_ = bob.wait_signals(description="answer")
    assert (answer["seq"], answer["ack"]) == (1, 2)


def test_a_duplicate_is_dropped_and_acknowledged_again(offerer, do):
    page, ann, bob, offer, candidates = offerer(Silent)
    do(bob.signal(ann, seq=1, ack=0, description=offer))
    (_, answer), *_ = bob.wait_signals(description="answer")
    last = wait_all_candidates(page, bob)
    do(bob.signal(ann, ack=last))  # now the page has nothing to say, unless it is asked
    for _ in range(2):
        began = time.monotonic()
        do(bob.signal(ann, seq=1, ack=last, description=offer))
        at, ack = bob.wait_ack(1, began)
        assert at - began < SLACK * ACK_S
        assert ack["ack"] == 1 and "seq" not in ack
    began = time.monotonic()
    do(bob.signal(ann, seq=2, ack=last, candidates=candidates))
    bob.wait_ack(2, began)
    assert {signal["seq"] for _, signal in bob.signals(description="answer")} == {answer["seq"]}, "the offer was answered again"


def wait_all_candidates(page, person):
    """Until the page has said all its candidates; returns the highest seq heard."""
    page.wait_until(f"{connection(person)}.iceGatheringState === 'complete'")
    found = re.findall(r"a=(candidate:\d+)", page.evaluate(f"{connection(person)}.localDescription.sdp"))

    def all_heard():
        said = str([signal for _, signal in person.heard])
        return all(one in said for one in found) or NotYet(person.heard)
    wait_until(all_heard, 5, "the page says its candidates")
    return max(signal.get("seq", 0) for _, signal in person.heard)


def test_what_overtakes_is_held_until_its_turn(offerer, do):
    page, ann, bob, offer, candidates = offerer(Silent)
    began = time.monotonic()
    do(bob.signal(ann, seq=2, ack=0, candidates=candidates))
    _, early = bob.wait_ack(0, began)
    assert early["ack"] == 0, "the first one is missing"
    assert page.evaluate(f"{connection(bob)}.remoteDescription") is None

    do(bob.signal(ann, seq=1, ack=0, description=offer))
    bob.wait_signals(description="answer")
    bob.wait_ack(2, began)
    page.wait_until(f"{connection(bob)}.remoteDescription.sdp.includes('192.0.2.7')", what="the candidate is in use")


def test_to_one_who_is_away_nothing_is_said_until_he_is_back(home, browser_of, python, do):
    room = home.create_room(max_participants=3)
    bob, clock = (python(room, kind=Silent, display=name) for name in ("Bob", "Cleo"))
    page, _ = browser_of(room)
    bob.wait_signals(description="offer")
    do(bob.kill())
    page.wait_until("otterCall.participants.find((one) => one.display === 'Bob').reachable === false")
    said = page.evaluate("(id) => signalsTo[id]", args=[bob.me["participant"]])
    clock.wait_signals(1 + len(REPEATS_S), timeout=SLACK * REPEATS_S[-1], seq=1)  # by then Bob's would have been repeated too
    assert page.evaluate("(id) => signalsTo[id]", args=[bob.me["participant"]]) == said

    bob.heard.clear()
    do(bob.connect())
    back = time.monotonic()
    do(bob.resume())
    (at, offer), *_ = bob.wait_signals(description="offer")
    assert offer["seq"] == 1
    assert at - back < 0.9 * REPEATS_S[0], "at once, not at the next repeat"


def test_after_a_reload_of_either_side_both_count_from_one(home, browser_of, python, do):
    room = home.create_room(max_participants=2)
    bob = python(room, kind=Silent, display="Bob")
    page, ann = browser_of(room)
    offer = page.evaluate(f"({MAKE_OFFER})()")
    bob.wait_signals(description="offer", seq=1)
    do(bob.signal(ann, seq=1, ack=1, candidates=[{"candidate": ""}]))

    do(bob.kill())
    do(bob.connect())
    do(bob.resume(instance=new_instance()))
    bob.heard.clear()
    do(bob.signal(ann, seq=1, ack=0, description=offer))  # now the newer instance is his
    (_, answer), *_ = bob.wait_signals(description="answer")
    assert (answer["seq"], answer["ack"]) == (1, 1)

    before = bob.roster[ann]["instance"]
    page.goto(f"{home.web}/")
    assert enter(page, room) == ann
    wait_until(lambda: bob.roster[ann]["instance"] != before, 5, "Bob knows of the reload")
    (_, first), *_ = bob.wait_signals(description="offer", from_instance=bob.roster[ann]["instance"])
    assert (first["seq"], first["ack"]) == (1, 0)
    began = time.monotonic()
    do(bob.signal(ann, seq=1, ack=1, candidates=[{"candidate": ""}]))
    assert bob.wait_ack(1, began)[1]["ack"] == 1
