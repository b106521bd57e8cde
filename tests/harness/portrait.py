# SPDX-License-Identifier: GPL-3.0-or-later
"""A person in front of a fake camera: a calm drawn portrait, as a film that Chromium plays as its camera.

    Browser("--use-file-for-fake-video-capture=" + write_film(PORTRAITS[0], folder / "ann.y4m"))

Everything is drawn from shapes; a shape is a function (x, y) -> distance to its edge, negative inside.
One unit is one pixel; x is 0 in the middle of the picture, y is 0 at its top.
"""

import math
from typing import NamedTuple

WIDTH, HEIGHT = 320, 180
RATE = 10
FRAMES = 2

INK = "#2a2226"
WHITE = "#ffffff"
EVERYWHERE = (-WIDTH // 2, 0, WIDTH // 2, HEIGHT)


class Portrait(NamedTuple):
    """Colours as #rrggbb; `hair` is "short", "long" or "curly"."""

    wall: tuple  # its colour at the top and at the bottom
    light: str
    skin: str
    hair_colour: str
    hair: str
    shirt: str
    glasses: bool = False
    beard: bool = False
    side: int = 1  # 1: the window's light comes from the left, -1: from the right


PORTRAITS = (
    Portrait(("#f3c9a5", "#d98f6c"), "#fbe3c8", "#f2c3a0", "#7a3f22", "long", "#2f7f86"),
    Portrait(("#9cc7d8", "#4d87a6"), "#cbe5ee", "#e8b48c", "#2f2a2c", "short", "#f0e6d2", glasses=True),
    Portrait(("#c3d9a8", "#6f9f6a"), "#e3efcd", "#8a5a3c", "#231a1a", "curly", "#f2b84b", side=-1),
    Portrait(("#cbbce6", "#7f6bb0"), "#e6dcf5", "#f0c6a8", "#c98a3a", "short", "#a3405a", beard=True, side=-1),
)


def write_film(portrait, path):
    """Writes the film (YUV4MPEG2, 4:2:0) to `path` and returns the path as text."""
    frame = b"FRAME\n" + _planes(_draw(portrait))
    header = f"YUV4MPEG2 W{WIDTH} H{HEIGHT} F{RATE}:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(header + frame * FRAMES)
    return str(path)


# Shapes

def ellipse(x0, y0, wide, high):
    smaller = min(wide, high)
    return lambda x, y: (math.hypot((x - x0) / wide, (y - y0) / high) - 1) * smaller


def box(x0, y0, wide, high, radius=0):
    """Of half a width and half a height, around its middle."""
    def distance(x, y):
        dx, dy = abs(x - x0) - wide + radius, abs(y - y0) - high + radius
        return math.hypot(max(dx, 0), max(dy, 0)) + min(max(dx, dy), 0) - radius
    return distance


def both(*shapes):
    return lambda x, y: max(shape(x, y) for shape in shapes)


def either(*shapes):
    return lambda x, y: min(shape(x, y) for shape in shapes)


def without(shape, hole):
    return lambda x, y: max(shape(x, y), -hole(x, y))


def ring(shape, width):
    return lambda x, y: abs(shape(x, y)) - width / 2


def above(limit):
    return lambda _x, y: y - limit


class Canvas:
    """Rows of [red, green, blue]."""

    def __init__(self):
        self.rows = [[[0.0] * 3 for _ in range(WIDTH)] for _ in range(HEIGHT)]

    def paint(self, shape, colour, within=EVERYWHERE, alpha=1.0, soft=1.0):
        """Lays a shape on what is there, with an edge `soft` pixels wide; `within`: left, top, right, bottom."""
        ink = _rgb(colour)
        left, top, right, bottom = within
        for row in range(max(0, int(top)), min(HEIGHT, int(bottom) + 1)):
            for column in range(max(0, int(left) + WIDTH // 2), min(WIDTH, int(right) + WIDTH // 2 + 1)):
                cover = 0.5 - shape(column - WIDTH // 2 + 0.5, row + 0.5) / soft
                if cover > 0:
                    share = alpha * min(cover, 1.0)
                    pixel = self.rows[row][column]
                    for part in range(3):
                        pixel[part] += (ink[part] - pixel[part]) * share


def _draw(portrait):
    canvas = Canvas()
    _room(canvas, portrait)
    _body(canvas, portrait)
    _face(canvas, portrait)
    return canvas.rows


def _room(canvas, portrait):
    top, bottom = map(_rgb, portrait.wall)
    for number, row in enumerate(canvas.rows):
        share = number / (HEIGHT - 1)
        row[:] = [[a + (b - a) * share for a, b in zip(top, bottom)] for _ in range(WIDTH)]
    side = portrait.side
    canvas.paint(ellipse(-70 * side, 40, 130, 110), portrait.light, alpha=0.75, soft=130)
    canvas.paint(box(106 * side, 56, 30, 24, 3), portrait.wall[1], alpha=0.65)
    canvas.paint(box(106 * side, 56, 25, 19, 2), portrait.light, alpha=0.8)
    leaves = either(*(ellipse(at * side, 190 - high / 8, 15, high) for at, high in ((-146, 44), (-126, 62), (-107, 46))))
    canvas.paint(leaves, "#3f6f52", alpha=0.75)


def _body(canvas, portrait):
    if portrait.hair == "long":
        canvas.paint(either(box(0, 112, 41, 46, 22), ellipse(0, 82, 41, 46)), portrait.hair_colour, (-50, 30, 50, 165))
    if portrait.hair == "curly":
        curls = [ellipse(44 * math.sin(turn / 7), 72 - 40 * math.cos(turn / 7), 18, 18) for turn in range(-14, 15, 4)]
        canvas.paint(either(ellipse(0, 74, 46, 44), *curls), portrait.hair_colour, (-70, 8, 70, 120))
    shoulders = either(ellipse(0, 192, 88, 54), box(0, 196, 88, 22, 10))
    canvas.paint(shoulders, portrait.shirt, (-100, 130, 100, 180))
    neck = box(0, 128, 14, 22, 8)
    canvas.paint(either(neck, ellipse(0, 143, 21, 10)), _shade(portrait.skin, 0.86), (-24, 104, 24, 160))


def _face(canvas, portrait):
    head = ellipse(0, 84, 31, 37)
    ears = either(ellipse(-31, 87, 6, 9), ellipse(31, 87, 6, 9))
    around = (-45, 35, 45, 130)
    canvas.paint(ears, _shade(portrait.skin, 0.9), around)
    canvas.paint(head, portrait.skin, around)
    if portrait.beard:
        face = ellipse(0, 72, 27, 30)
        canvas.paint(without(ellipse(0, 86, 32, 39), either(face, above(84))), portrait.hair_colour, around)
    canvas.paint(either(ellipse(-18, 98, 7, 5), ellipse(18, 98, 7, 5)), "#e2725b", around, alpha=0.28, soft=6)
    _hair(canvas, portrait, around)
    eyes = either(ellipse(-12, 86, 2.8, 3.6), ellipse(12, 86, 2.8, 3.6))
    canvas.paint(eyes, INK, around)
    brows = without(either(ellipse(-12, 80, 8, 6), ellipse(12, 80, 8, 6)), either(ellipse(-12, 82, 8.5, 6), ellipse(12, 82, 8.5, 6)))
    canvas.paint(brows, _shade(portrait.hair_colour, 0.8), around)
    canvas.paint(without(ellipse(0, 100, 11, 9), ellipse(0, 96, 14, 9)), WHITE, around)
    if portrait.glasses:
        lenses = either(ring(ellipse(-12.5, 87, 10, 9), 2.4), ring(ellipse(12.5, 87, 10, 9), 2.4))
        canvas.paint(either(lenses, box(0, 85, 3, 1.2), box(-26, 85, 4, 1.2), box(26, 85, 4, 1.2)), INK, around)


def _hair(canvas, portrait, around):
    around = (around[0], 20, around[2], around[3])
    cap = ellipse(0, 78, 34.5, 37)
    fringe = {
        "long": either(ellipse(16, 96, 32, 36), ellipse(-24, 104, 15, 34)),
        "short": ellipse(4, 98, 30, 34),
        "curly": ellipse(0, 94, 29, 33),
    }[portrait.hair]
    limit = 112 if portrait.hair == "long" else 84
    canvas.paint(both(without(cap, fringe), above(limit)), portrait.hair_colour, around)


# Colours

def _rgb(colour):
    return [int(colour[at:at + 2], 16) for at in (1, 3, 5)]


def _shade(colour, factor):
    return "#" + "".join(f"{round(part * factor):02x}" for part in _rgb(colour))


def _planes(rows):
    """Y, U and V of BT.601 in the range of video, U and V at half the size (ITU-R BT.601-7, section 2.5)."""
    luma, blue, red = bytearray(), bytearray(), bytearray()
    for row in rows:
        luma += bytes(round(16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255) for r, g, b in row)
    for first, second in zip(rows[::2], rows[1::2]):
        for at in range(0, WIDTH, 2):
            four = (first[at], first[at + 1], second[at], second[at + 1])
            r, g, b = (sum(part) / 4 for part in zip(*four))
            blue.append(round(128 + (-37.797 * r - 74.203 * g + 112 * b) / 255))
            red.append(round(128 + (112 * r - 93.786 * g - 18.214 * b) / 255))
    return bytes(luma + blue + red)
