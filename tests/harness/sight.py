# SPDX-License-Identifier: GPL-3.0-or-later
"""What the people in a call notice: whose video stands still and for how long, and who comes and goes.

A page that takes part keeps its Call in window.otterCall; watch() begins when everybody is connected.
"""

from .wait import NotYet, wait_until

# Each decoded frame passes here, with its moment: statistics would be asked for, and show only what there was by then.
WATCH = """async () => {
    const now = () => performance.timeOrigin + performance.now();
    const seen = window.seen = {
        me: otterCall.me.id, connections: new Map(otterCall.connections),
        events: [], states: [], unreachable: {}, media: {},
    };
    otterCall.on('state', (state) => seen.states.push([state, now()]));
    for (const name of ['participant-joined', 'participant-left'])
        otterCall.on(name, ({id, display}, reason) => seen.events.push([name, id, display, reason ?? null]));
    otterCall.on('participant-updated', ({id, state, reachable}) => {
        if (id !== otterCall.me.id && state !== 'connected') seen.events.push(['media', id, state]);
        if (!reachable) seen.unreachable[id] ??= now();
    });
    for (const {id, streams} of otterCall.participants) {
        const leg = seen.media[id] = {frames: 0, longest: 0, last: now()};
        const reader = new MediaStreamTrackProcessor({track: streams.camera.getVideoTracks()[0]}).readable.getReader();
        (async () => {
            for (;;) {
                const {value, done} = await reader.read();
                if (done) return;
                value.close();
                leg.longest = Math.max(leg.longest, now() - leg.last);
                leg.last = now();
                leg.frames++;
            }
        })();
    }
}"""

# How long the longest pause was in which no frame of that person came, the one that lasts now included; and it begins anew.
PAUSES = """Object.fromEntries(Object.entries(seen.media).map(([id, leg]) => {
    const longest = Math.max(leg.longest, performance.timeOrigin + performance.now() - leg.last);
    leg.longest = 0;
    return [id, longest / 1000];
}))"""

FRAMES = "Object.fromEntries(Object.entries(seen.media).map(([id, {frames}]) => [id, frames]))"

# The very objects of the beginning, and no others.
SAME_CONNECTIONS = """otterCall.connections.size === seen.connections.size
    && [...otterCall.connections].every(([id, pc]) => seen.connections.get(id) === pc)"""


def watch(page):
    """From now on the page remembers what it sees. Its people's cameras have to be there."""
    page.wait_until("otterCall.participants.every(({streams}) => streams.camera?.getVideoTracks().length)")
    page.evaluate(f"({WATCH})()")
    wait_frames(page)


def wait_frames(page, by=3, timeout=10.0):
    """Until `by` further frames of everybody have been seen."""
    start = page.evaluate(FRAMES)

    def more():
        frames = page.evaluate(FRAMES)
        return all(frames[one] >= start[one] + by for one in start) or NotYet((start, frames))
    wait_until(more, timeout, f"{by} more frames of everybody come")


def longest_pause(page):
    """Seconds without a frame, of the person for whom it was longest, since this was asked the last time."""
    return max(page.evaluate(PAUSES).values())


def assert_nobody_went(page):
    """No event of anybody's leaving, coming or broken media; the same people on the same connections."""
    assert page.evaluate("seen.events") == []
    assert page.evaluate(SAME_CONNECTIONS), "a connection was made anew"
    assert page.evaluate("otterCall.me.id === seen.me")


def unreachable_since(page, other):
    """When the page first heard that the server does not reach the other page's person; None if it did not."""
    at = page.evaluate("(id) => seen.unreachable[id] ?? null", args=[other.evaluate("seen.me")])
    return at and at / 1000


def back_at(page):
    """When the page's call was connected again, by the clock of time.time(); None before."""
    states = page.evaluate("[otterCall.state, ...seen.states.slice(-1)]")
    return states[1][1] / 1000 if states[0] == "connected" and len(states) == 2 else None

