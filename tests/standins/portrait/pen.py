"""How are words and small signs drawn with nothing but Pillow, whose own font has no emoji?"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence

from PIL import Image, ImageDraw, ImageFont
from PIL.ImageFont import FreeTypeFont

SCALE = 2  # all is drawn larger and reduced at the end, which smooths its edges
GRID = 24  # the units of a sign's square
VARIANT = "\ufe0f"  # says that the sign before it is an emoji

Colour = tuple[int, int, int]
Point = tuple[float, float]


@functools.cache
def font(size: int) -> FreeTypeFont:
    """Give Pillow's own font in so many pixels of the finished picture."""
    found = ImageFont.load_default(size * SCALE)
    assert isinstance(found, FreeTypeFont), "this Pillow was built without FreeType"
    return found


def length(text: str, size: int) -> float:
    """Measure a line, in pixels of the finished picture."""
    return font(size).getlength(text) / SCALE


def wrapped(text: str, size: int, width: float) -> list[str]:
    """Break a text into lines between its words."""
    lines = []
    for paragraph in text.splitlines():
        line = ""
        for word in paragraph.split(" "):
            longer = f"{line} {word}" if line else word
            if line and length(longer, size) > width:
                lines.append(line)
                longer = word
            line = longer
        lines.append(line)
    return lines


class Pen:
    """Draws on an image, in pixels of the finished picture."""

    def __init__(self, image: Image.Image) -> None:
        self._draw = ImageDraw.Draw(image)

    def box(
        self, corner: Point, size: Point, fill: Colour, *, radius: float = 0, outline: Colour | None = None
    ) -> None:
        """Draw a rectangle with round corners."""
        (left, top), (width, height) = corner, size
        edges = (left * SCALE, top * SCALE, (left + width) * SCALE - 1, (top + height) * SCALE - 1)
        self._draw.rounded_rectangle(edges, radius * SCALE, fill, outline, SCALE if outline else 0)

    def disc(self, corner: Point, diameter: float, fill: Colour) -> None:
        """Draw a full circle."""
        self.box(corner, (diameter, diameter), fill, radius=diameter / 2)

    def line(self, points: Sequence[Point], fill: Colour, width: float) -> None:
        """Draw a line around corners."""
        self._draw.line([(x * SCALE, y * SCALE) for x, y in points], fill, round(width * SCALE), joint="curve")

    def text(self, at: Point, text: str, size: int, fill: Colour, *, is_bold: bool = False, anchor: str = "la") -> None:
        """Write a line."""
        where = at[0] * SCALE, at[1] * SCALE
        self._draw.text(
            where,
            text,
            fill,
            font(size),
            anchor=anchor,
            stroke_width=0.5 * SCALE / 2 if is_bold else 0,
            stroke_fill=fill,
        )

    def label(self, middle: Point, label: str, size: int, fill: Colour) -> None:
        """Write a button's label: words, a sign, or a sign with words behind it."""
        first, _, words = label.replace(VARIANT, "").partition(" ")
        if first not in SIGNS:
            assert label.isascii(), f"nobody has drawn a sign for {label} yet"
            self.text(middle, label, size, fill, anchor="mm")
            return
        width = length(words, size) + size / 2 if words else 0
        self._sign((middle[0] - width / 2, middle[1]), SIGNS[first](), 1.3 * size / GRID, fill)
        self.text((middle[0] - width / 2 + size, middle[1]), words, size, fill, anchor="lm")

    def _sign(self, middle: Point, outlines: Sign, unit: float, fill: Colour) -> None:
        for outline, is_closed in outlines:
            points = [
                ((middle[0] + (x - GRID / 2) * unit) * SCALE, (middle[1] + (y - GRID / 2) * unit) * SCALE)
                for x, y in outline
            ]
            if is_closed:
                self._draw.polygon(points, fill)
            else:
                self._draw.line(points, fill, round(2.2 * unit * SCALE), joint="curve")


# A sign is made of outlines; those that are closed are filled.
Sign = Iterator[tuple[Sequence[Point], bool]]


def _arc(radius: float, start: float, end: float) -> list[Point]:
    """Give points of a circle around the middle, by degrees from three o'clock on."""
    steps = [math.radians(start + (end - start) * step / 24) for step in range(25)]
    return [(12 + radius * math.cos(at), 12 + radius * math.sin(at)) for at in steps]


def _arrowhead(tip: Point, towards: float, size: float) -> list[Point]:
    """Give a triangle whose tip points into a direction, in degrees."""
    corners = [(math.radians(towards + turn), size) for turn in (150, 210)]
    return [tip, *((tip[0] + by * math.cos(at), tip[1] + by * math.sin(at)) for at, by in corners)]


def _again() -> Sign:
    for start in (20, 200):
        end = start + 125
        arc = _arc(8, start, end)
        yield arc, False
        at = math.radians(end + 36)
        yield _arrowhead((12 + 8.4 * math.cos(at), 12 + 8.4 * math.sin(at)), end + 102, 8.5), True


def _same() -> Sign:
    corners = [(12 + 12 * math.cos(math.radians(at)), 14 + 12 * math.sin(math.radians(at))) for at in (-90, 30, 150)]
    for number, (x, y) in enumerate(corners):
        to_x, to_y = corners[(number + 1) % 3]
        along, towards = (to_x - x, to_y - y), math.degrees(math.atan2(to_y - y, to_x - x))
        yield [(x + part * along[0], y + part * along[1]) for part in (0.16, 0.5)], False
        yield _arrowhead((x + 0.8 * along[0], y + 0.8 * along[1]), towards, 8), True


def _edit() -> Sign:
    yield [(3, 21), (4.5, 15.5), (8.5, 19.5)], True
    yield [(5.6, 14.2), (15.6, 4.2), (19.8, 8.4), (9.8, 18.4)], True
    yield [(16.7, 3.1), (18.2, 1.8), (22.2, 5.8), (20.9, 7.3)], True


def _upscale() -> Sign:
    yield [(12, 2), (21, 11), (15.5, 11), (15.5, 21), (8.5, 21), (8.5, 11), (3, 11)], True


def _info() -> Sign:
    yield _arc(9.5, 0, 360), False
    yield [(10.8, 10.2), (13.2, 10.2), (13.2, 17.6), (10.8, 17.6)], True
    yield [(10.6, 6.2), (13.4, 6.2), (13.4, 8.8), (10.6, 8.8)], True


def _star() -> Sign:
    yield (
        [
            (12 + radius * math.sin(math.pi * point / 5), 12.8 - radius * math.cos(math.pi * point / 5))
            for point in range(10)
            for radius in [11 if point % 2 == 0 else 4.6]
        ],
        True,
    )


def _delete() -> Sign:
    yield [(3.5, 6), (20.5, 6)], False
    yield [(9, 5), (9, 3), (15, 3), (15, 5)], False
    yield [(5.5, 8), (6.6, 21.5), (17.4, 21.5), (18.5, 8)], False
    yield [(10, 10), (10, 18.5)], False
    yield [(14, 10), (14, 18.5)], False


SIGNS: Mapping[str, Callable[[], Sign]] = {
    "🔄": _again,
    "♻": _same,
    "✏": _edit,
    "⬆": _upscale,
    "ℹ": _info,
    "⭐": _star,
    "🗑": _delete,
}
