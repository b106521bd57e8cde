# SPDX-License-Identifier: GPL-3.0-or-later
"""A picture of a page as an SVG, drawn from its live document: text, so that it can be kept beside the sources.

It draws what a call shows: backgrounds, borders, text of one line, icons, and of each video the
moment, as rectangles of a few colours, softened. Shadows and what lies under it are left out.
"""

import xml.etree.ElementTree as xml
from pathlib import Path
from typing import NamedTuple

DRAW = Path(__file__).with_suffix(".js").read_text(encoding="utf-8").partition("\n\n")[2]
SVG = "{http://www.w3.org/2000/svg}"


class Layout(NamedTuple):
    """What two pictures of the same scene have in common, and what is in them."""

    size: tuple
    texts: list
    frames: list  # (x, y, width, height) of each video's tile
    colours: list  # how many each video has
    tags: set


def draw(page, title, description):
    """The SVG of what the page shows now."""
    return page.evaluate(DRAW, args=[{"title": title, "description": description}])


def layout(svg):
    """What is in an SVG that draw() made."""
    root = xml.fromstring(svg)
    frames = root.findall(f"{SVG}defs/{SVG}clipPath/{SVG}rect")
    pictures = root.findall(f"{SVG}g[@class='picture']")
    return Layout(
        size=(root.get("width"), root.get("height")),
        texts=[text.text for text in root.iter(f"{SVG}text")],
        frames=[tuple(float(frame.get(name)) for name in ("x", "y", "width", "height")) for frame in frames],
        colours=[len({path.get("fill") for path in picture.iter(f"{SVG}path")}) for picture in pictures],
        tags={each.tag.removeprefix(SVG) for each in root.iter()})
