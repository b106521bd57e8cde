# SPDX-License-Identifier: GPL-3.0-or-later
"""What the peer connections of a page really do, asked from the browser itself.

The page exposes its Call as window.otterCall, with `connections`: a Map from the id of a
participant to the RTCPeerConnection with them.
"""

import json
from typing import NamedTuple

from .chromium import JavaScriptError
from .wait import NotYet, wait_until

CONNECTIONS = "[...(window.otterCall?.connections ?? [])]"

FRAMES = f"""(async () => {{
    const frames = {{}};
    for (const [id, pc] of {CONNECTIONS}) {{
        frames[id] = 0;
        for (const stat of (await pc.getStats()).values())
            if (stat.type === 'inbound-rtp' && stat.kind === 'video') frames[id] += stat.framesDecoded ?? 0;
    }}
    return frames;
}})()"""

SELECTED_PAIRS = f"""(async () => {{
    const pairs = {{}};
    for (const [id, pc] of {CONNECTIONS}) {{
        const stats = await pc.getStats();
        const all = [...stats.values()];
        const chosen = all.find(s => s.type === 'transport' && s.selectedCandidatePairId)?.selectedCandidatePairId;
        const pair = chosen ? stats.get(chosen)
            : all.find(s => s.type === 'candidate-pair' && s.state === 'succeeded' && (s.selected || s.nominated));
        const local = pair && stats.get(pair.localCandidateId);
        const remote = pair && stats.get(pair.remoteCandidateId);
        pairs[id] = local && remote ? {{
            local: local.candidateType, remote: remote.candidateType,
            protocol: local.protocol, relayProtocol: local.relayProtocol ?? null, url: local.url ?? null,
            bytes: pair.bytesSent + pair.bytesReceived,
        }} : null;
    }}
    return pairs;
}})()"""

CONNECTION_STATES = f"Object.fromEntries({CONNECTIONS}.map(([id, pc]) => [id, pc.connectionState]))"

CONFIGURATIONS = f"Object.fromEntries({CONNECTIONS}.map(([id, pc]) => [id, pc.getConfiguration()]))"

# The example on plain janus.js has one connection, in a variable of its script.
SHOW_PC_OF_EXAMPLE = """void (window.otterCall = {
    get connections() { return new Map(pc ? [[peer.participant, pc]] : []); },
})"""

# Wherever a page asks for a camera, it gets a small picture, so that many fit on one machine.
SMALL_VIDEO = """(size) => {
    const devices = navigator.mediaDevices, ask = devices?.getUserMedia.bind(devices);
    if (ask) devices.getUserMedia = (wish) => ask({...wish, ...(wish.video && {video: size})});
}"""

# How often each document has asked for devices: window.questions.
COUNT_QUESTIONS = """{
    window.questions = 0;
    const devices = navigator.mediaDevices, ask = devices?.getUserMedia.bind(devices);
    if (ask) devices.getUserMedia = (wish) => { window.questions++; return ask(wish); };
}"""

JOIN_BY_SDK = """async (link, options) => {
    const {Otter} = await import('/sdk/otter.js');
    window.otterCall = await Otter.join(link, options);
}"""


class Frames(NamedTuple):
    total: int
    peers: dict


def with_small_video(page, width=160, height=120, rate=10):
    """The same page, whose camera from its next document on is so small and slow."""
    size = json.dumps({"width": width, "height": height, "frameRate": rate})
    page.send("Page.addScriptToEvaluateOnNewDocument", source=f"({SMALL_VIDEO})({size})")
    return page


def counting_questions(page):
    """The same page, which from its next document on counts in window.questions how often it asked for devices."""
    page.send("Page.addScriptToEvaluateOnNewDocument", source=COUNT_QUESTIONS)
    return page


def join_without_media(browser, home, room, display="Bob"):
    """A page of a new person who takes a seat by the SDK alone, with neither camera nor microphone."""
    page = browser.new_page(f"{home.web}/")
    page.evaluate(JOIN_BY_SDK, args=[room["url"], {"display": display, "audio": False, "video": False}])
    return page


def frames(page):
    """Video frames decoded so far: their sum, and for each peer."""
    peers = page.evaluate(FRAMES)
    return Frames(sum(peers.values()), peers)


def selected_pairs(page):
    """For each peer the candidate pair that carries the media, or None:
    {local, remote: candidate types, protocol, relayProtocol, url of the relay, bytes}."""
    return page.evaluate(SELECTED_PAIRS)


def selected_pair(page, peer=None):
    """The pair of one peer; without a name, of the only one."""
    pairs = selected_pairs(page)
    if peer is None:
        assert len(pairs) == 1, f"one peer expected, there are {sorted(pairs)}"
        (peer,) = pairs
    assert pairs[peer], f"no candidate pair is selected for {peer}\n{page.report()}"
    return pairs[peer]


def connection_states(page):
    """connectionState for each peer."""
    return page.evaluate(CONNECTION_STATES)


def configurations(page):
    """getConfiguration() for each peer: iceServers with their usernames, iceTransportPolicy."""
    return page.evaluate(CONFIGURATIONS)


def wait_connected(page, peers=1, timeout=20.0):
    """Wait until the page is connected with exactly that many peers; return their ids."""
    def all_connected():
        states = connection_states(page)
        done = len(states) == peers and set(states.values()) <= {"connected"}
        return sorted(states) if done else NotYet(states)
    return _wait(page, all_connected, timeout, f"the page is connected with {peers} peer(s)")


def wait_frames_grow(page, by=5, timeout=15.0):
    """Wait until the video of every present peer has moved on by so many frames; return the Frames."""
    start = frames(page)
    assert start.peers, f"nobody's video can grow: there is no connection\n{page.report()}"

    def grown():
        now = frames(page)
        moved = {peer: count - start.peers.get(peer, 0) for peer, count in now.peers.items()}
        return now if now.peers and min(moved.values()) >= by else NotYet(moved)
    return _wait(page, grown, timeout, f"the video of every peer moves on by {by} frames")


def _wait(page, predicate, timeout, what):
    try:
        return wait_until(predicate, timeout, what, ignoring=(JavaScriptError,))
    except AssertionError as err:
        raise AssertionError(f"{err}\n{page.report()}") from None
