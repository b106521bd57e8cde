# SPDX-License-Identifier: GPL-3.0-or-later
"""Two people who press join in the same instant are always connected."""

from concurrent.futures import ThreadPoolExecutor

from harness import webrtc

ROUNDS = 50
LIMIT_S = 20
HEAD_START_MS = 50  # both pages have heard of the instant by then

# Joins at an instant of the clock that both pages share; answers how long it took until the media was connected.
JOIN_AT = """async (link, instant, limit) => {
    const {Otter} = await import('/sdk/otter.js');
    sessionStorage.clear();
    while (performance.timeOrigin + performance.now() < instant) await new Promise((resolve) => setTimeout(resolve));
    const pressed = performance.now();
    window.otterCall = await Otter.join(link, {audio: false});
    const connected = () => otterCall.participants.length === 1 && otterCall.participants[0].state === 'connected';
    await new Promise((resolve, reject) => {
        const look = () => connected() && resolve();
        otterCall.on('participant-joined', look).on('participant-updated', look);
        setTimeout(() => reject(new Error(`not connected: ${JSON.stringify(otterCall.participants)}`)), limit);
        look();
    });
    return performance.now() - pressed;
}"""


def test_two_people_who_join_in_the_same_instant_are_always_connected(home, chromium_pair):
    pages = [webrtc.with_small_video(browser.new_page()) for browser in chromium_pair]
    for page in pages:
        page.goto(f"{home.web}/")
    took = []
    with ThreadPoolExecutor(len(pages)) as both:
        for number in range(ROUNDS):
            room = home.create_room(max_participants=2)
            instant = pages[0].evaluate("performance.timeOrigin + performance.now()") + HEAD_START_MS
            args = [room["url"], instant, LIMIT_S * 1000]
            joins = [both.submit(page.evaluate, JOIN_AT, args=args) for page in pages]
            took.append(max(join.result() for join in joins))
            assert took[-1] < LIMIT_S * 1000, f"round {number}"
            for page in pages:
                assert list(webrtc.connection_states(page).values()) == ["connected"]
            for page in pages:
                page.evaluate("otterCall.leave()")
    took.sort()
    print(f"{ROUNDS} rounds: p50 {took[ROUNDS // 2]:.0f} ms, p95 {took[ROUNDS * 95 // 100]:.0f} ms, longest {took[-1]:.0f} ms")
    for page in pages:
        assert page.exceptions == []
