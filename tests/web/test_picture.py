# SPDX-License-Identifier: GPL-3.0-or-later
"""The picture of a call in README.md is what a call of four looks like; OTTER_WRITE_DOCS=1 draws it anew."""

import os
from pathlib import Path

import pytest
from harness import portrait, room_page, svg_picture, webrtc
from harness.artifacts import artifact
from harness.chromium import Browser
from harness.otter_home import CHECKOUT

NAMES = ("Ann", "Ben", "Cleo", "Dan")
SHOWN = ["Ann (you)", "Ben", "Cleo", "Dan"]
PICTURE = CHECKOUT / "docs" / "call.svg"
ALT = "A call of four: Ann, Ben, Cleo and Dan, each in a tile with their name, and three buttons below"
SIZE, SMALL = (1280, 800), (320, 200)  # only one page is looked at: the others draw little
MANY_COLOURS = 12
LARGEST_BYTES = 120_000
PATIENCE_S = 60


@pytest.fixture
def people(tmp_path):
    """Four browsers, each with another face before its camera."""
    browsers = []
    try:
        for name, face in zip(NAMES, portrait.PORTRAITS):
            film = portrait.write_film(face, tmp_path / f"{name}.y4m")
            browsers.append(Browser(f"--use-file-for-fake-video-capture={film}"))
        yield browsers
    finally:
        for browser in browsers:
            browser.close()


def joined(browser, room, name):
    page = webrtc.with_small_video(browser.new_page(), portrait.WIDTH, portrait.HEIGHT)
    page.resize(*(SIZE if name == NAMES[0] else SMALL))
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    room_page.join(page, room["url"], name)
    page.wait_until("['connected', 'error'].includes(document.body.dataset.state)", PATIENCE_S)
    return page


@pytest.mark.timeout(300)
def test_the_picture_in_the_readme_is_drawn_from_a_call_of_four(home, people):
    room = home.create_room()
    pages = [joined(browser, room, name) for browser, name in zip(people, NAMES)]
    ann = pages[0]
    webrtc.wait_connected(ann, peers=3, timeout=PATIENCE_S)
    webrtc.wait_frames_grow(ann, by=20, timeout=PATIENCE_S)
    ann.wait_until(f"[...document.querySelectorAll('video')].every(v => v.videoWidth === {portrait.WIDTH})", PATIENCE_S,
                   "every picture has its full size")
    ann.wait_until("document.body.dataset.state === 'connected'", PATIENCE_S)
    ann.screenshot(artifact("call.png"))

    svg = svg_picture.draw(ann, ALT, "Drawn by tests/web/test_picture.py from the page of a call.")
    Path(artifact("call.svg")).write_text(svg, encoding="utf-8")
    if os.environ.get("OTTER_WRITE_DOCS") == "1":
        PICTURE.write_text(svg, encoding="utf-8")

    drawn = svg_picture.layout(svg)
    assert drawn.texts == SHOWN
    assert len(drawn.frames) == len(drawn.colours) == 4 and min(drawn.colours) >= MANY_COLOURS, drawn
    assert "image" not in drawn.tags and len(svg.encode()) < LARGEST_BYTES
    kept = svg_picture.layout(PICTURE.read_text(encoding="utf-8"))
    assert kept._replace(colours=[]) == drawn._replace(colours=[]), "OTTER_WRITE_DOCS=1 draws it anew"
    assert min(kept.colours) >= MANY_COLOURS
    assert f"![{ALT}](docs/call.svg)" in (CHECKOUT / "README.md").read_text(encoding="utf-8")
