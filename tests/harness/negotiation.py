# SPDX-License-Identifier: GPL-3.0-or-later
"""Two pages that negotiate again and again, at will and in the same instant; and whether they agree in the end.

A page is `watched` before it loads: then it counts its glares, and can be made to offer. What it does to the
RTCPeerConnection under the SDK is what an application's wishes come down to.
"""

from concurrent.futures import ThreadPoolExecutor

from .wait import NotYet, wait_until

HEAD_START_MS = 40  # both pages have heard of the instant by then

# What makes a side offer: another transceiver, one less, another direction, another path.
WISHES = ("add", "restart", "turn", "stop")

WATCH = """{
    window.glares = 0; // an offer of the other side came while one of ours was out, and ours was given up
    window.offersMade = 0;
    const {setLocalDescription: local, setRemoteDescription: remote} = RTCPeerConnection.prototype;
    RTCPeerConnection.prototype.setLocalDescription = function (...given) {
        if (given[0]?.type === 'offer') window.offersMade++;
        return local.apply(this, given);
    };
    RTCPeerConnection.prototype.setRemoteDescription = function (given) {
        if (given.type === 'offer' && this.signalingState === 'have-local-offer') window.glares++;
        return remote.call(this, given);
    };

    const added = [];
    const ufrag = (description) => /a=ice-ufrag:(\\S+)/.exec(description?.sdp)?.[1];
    const connection = () => [...window.otterCall.connections.values()][0];
    const wishes = {
        add(pc) {
            const one = pc.addTransceiver('video', {direction: 'sendonly'});
            added.push(one);
            return () => one.currentDirection === 'sendonly';
        },
        restart(pc) {
            const before = ufrag(pc.localDescription);
            pc.restartIce();
            return () => ufrag(pc.localDescription) !== before;
        },
        turn(pc) {
            if (!added.length) return wishes.add(pc);
            const one = added.at(-1), direction = one.direction === 'sendonly' ? 'inactive' : 'sendonly';
            one.direction = direction;
            return () => one.currentDirection === direction;
        },
        stop(pc) {
            if (!added.length) return wishes.add(pc);
            const one = added.shift();
            one.stop();
            return () => one.currentDirection === 'stopped';
        },
    };
    let fulfilled = () => true;
    window.wishAt = async (wish, instant) => {
        const left = () => instant - performance.timeOrigin - performance.now();
        await new Promise((resolve) => setTimeout(resolve, left() - 5));
        while (left() > 0); // timers are too coarse to meet
        fulfilled = wishes[wish](connection());
    };
    window.agreed = () => {
        const pc = connection();
        const lines = pc.getTransceivers().filter(({mid, currentDirection}) => mid !== null && currentDirection !== 'stopped');
        return {
            stable: pc.signalingState === 'stable', fulfilled: fulfilled(),
            lines: Object.fromEntries(lines.map((each) => [each.mid, each.currentDirection])),
            mine: ufrag(pc.localDescription), theirs: ufrag(pc.remoteDescription),
        };
    };
}"""

OPPOSITE = {"sendonly": "recvonly", "recvonly": "sendonly"}


def watched(page):
    """The same page, whose next document can be made to negotiate."""
    page.send("Page.addScriptToEvaluateOnNewDocument", source=WATCH)
    return page


def wish_at_once(pages, wishes):
    """Each page makes its wish at one instant of the clock that they share."""
    instant = pages[0].evaluate("performance.timeOrigin + performance.now()") + HEAD_START_MS
    with ThreadPoolExecutor(len(pages)) as all_:
        list(all_.map(lambda page, wish: page.evaluate("window.wishAt", args=[wish, instant]), pages, wishes))


def wait_agreed(pages, timeout=10.0):
    """Until every wish is fulfilled and both sides hold the same to be agreed; returns what that is."""
    def agreed():
        one, other = seen = [page.evaluate("window.agreed()") for page in pages]
        return seen if _settled(one) and _settled(other) and _match(one, other) else NotYet(seen)
    return wait_until(agreed, timeout, "both sides are stable and agree")


def _settled(one):
    return one["stable"] and one["fulfilled"]


def _match(one, other):
    lines = {mid: OPPOSITE.get(direction, direction) for mid, direction in other["lines"].items()}
    return one["lines"] == lines and one["mine"] == other["theirs"] and one["theirs"] == other["mine"]
