# SPDX-License-Identifier: GPL-3.0-or-later
"""Four people in one room, each in a browser of their own: everybody is connected with everybody."""

import pytest
from harness import room_page, webrtc
from harness.artifacts import artifact

PATIENCE_S = 60  # four browsers on two cores begin slowly
NAMES = ("Ann", "Ben", "Cleo", "Dan")


def opened(browser, room, name):
    page = webrtc.with_small_video(browser.new_page())
    page.resize(640, 400)
    room_page.join(page, room["url"], name)
    page.wait_until("['connected', 'error'].includes(document.body.dataset.state)", PATIENCE_S)
    return page


@pytest.mark.timeout(300)
def test_four_people_are_six_connections_and_the_fifth_finds_the_room_full(home, four_chromiums):
    room = home.create_room()
    assert room["max_participants"] == 4
    assert len({browser.pid for browser in four_chromiums}) == 4
    pages = [opened(browser, room, name) for browser, name in zip(four_chromiums, NAMES)]

    ends = [webrtc.wait_connected(page, peers=3, timeout=PATIENCE_S) for page in pages]
    own = [page.evaluate("otterCall.me.id") for page in pages]
    assert len({frozenset((one, other)) for one, others in zip(own, ends) for other in others}) == 6
    for page in pages:
        webrtc.wait_frames_grow(page, timeout=PATIENCE_S)
    for page, name in zip(pages, NAMES):
        assert page.evaluate("otterCall.participants.map(p => p.display)") == [each for each in NAMES if each != name]
        assert page.evaluate("document.querySelectorAll('.tile').length") == 4
        assert page.exceptions == []
    pages[0].screenshot(artifact("mesh-of-four.png"))

    fifth = opened(four_chromiums[0], room, "Eve")
    assert fifth.evaluate("[document.body.dataset.state, document.body.dataset.code]") == ["error", "room_full"]
    assert "The room is full" in fifth.evaluate("document.body.innerText")
    for page in pages:
        assert len(webrtc.wait_connected(page, peers=3, timeout=PATIENCE_S)) == 3
        webrtc.wait_frames_grow(page, timeout=PATIENCE_S)
