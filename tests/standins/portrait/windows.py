"""How do two plain chat windows look in which such a conversation was held?

Neither is that of an existing client: bubbles in the one and rows in the other are all that they share with any.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from PIL import Image

from tests.standins.portrait.conversation import Conversation, Entry, Rows
from tests.standins.portrait.pen import SCALE, Colour, Pen, length, wrapped

WIDTH = 1200
MARGIN = 16
WINDOW = (WIDTH - 3 * MARGIN) // 2
HEADER = 52
PADDING = 18
GAP = 14
TEXT = 15
LINE = 21
SMALL = 13
BUTTON = 32
BETWEEN = 5  # buttons, and pictures of a grid
DESK: Colour = (226, 230, 235)


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """The colours of a window."""

    ground: Colour
    header: Colour
    ink: Colour
    faint: Colour
    bubble: Colour
    own: Colour
    button: Colour
    label: Colour
    accent: Colour


LIGHT = Look(
    ground=(244, 241, 234),
    header=(255, 255, 255),
    ink=(34, 38, 46),
    faint=(122, 126, 134),
    bubble=(255, 255, 255),
    own=(214, 236, 222),
    button=(232, 227, 216),
    label=(62, 80, 104),
    accent=(46, 125, 107),
)
DARK = Look(
    ground=(38, 41, 50),
    header=(30, 33, 41),
    ink=(226, 229, 235),
    faint=(146, 152, 165),
    bubble=(38, 41, 50),
    own=(38, 41, 50),
    button=(62, 67, 80),
    label=(226, 229, 235),
    accent=(222, 138, 84),
)


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a window: how high it is, and how it is drawn with its upper left corner there."""

    height: float
    draw: Callable[[Image.Image, Pen, float, float], None]


def draw_windows(conversation: Conversation) -> Image.Image:
    """Draw both chats side by side, as high as the longer of them."""
    bubbles = [_bubble(entry, LIGHT) for entry in conversation.telegram]
    rows = [_row(entry, DARK) for entry in conversation.discord]
    height = max(HEADER + PADDING + sum(piece.height + GAP for piece in pieces) for pieces in (bubbles, rows))
    image = Image.new("RGB", (WIDTH * SCALE, round(height + 2 * MARGIN) * SCALE), DESK)
    _window(image, MARGIN, height, "Telegram: Ann, in private with the bot", LIGHT, bubbles)
    _window(image, 2 * MARGIN + WINDOW, height, "Discord: Bob and Carl, in a channel", DARK, rows)
    return image.resize((WIDTH, image.height // SCALE), Image.Resampling.LANCZOS)


def _window(image: Image.Image, left: float, height: float, title: str, look: Look, pieces: Sequence[Piece]) -> None:
    pen = Pen(image)
    pen.box((left, MARGIN), (WINDOW, height), look.ground, radius=12)
    pen.box((left, MARGIN), (WINDOW, HEADER), look.header, radius=12)
    pen.box((left, MARGIN + HEADER / 2), (WINDOW, HEADER / 2), look.header)
    pen.text((left + PADDING, MARGIN + HEADER / 2), title, 17, look.ink, is_bold=True, anchor="lm")
    top: float = MARGIN + HEADER + PADDING
    for piece in pieces:
        piece.draw(image, pen, left + PADDING, top)
        top += piece.height + GAP


def _bubble(entry: Entry, look: Look) -> Piece:
    """A message in a bubble, the person's own on the right; the buttons stand below, as wide as it is."""
    inner = 268 if entry.pictures else min(380, max(length(line, TEXT) for line in entry.text.splitlines()))
    lines = wrapped(entry.text, TEXT, inner)
    picture = _picture(entry.pictures[0], inner + 16) if entry.pictures else None
    shown = 0 if picture is None else picture.height / SCALE
    size = inner + 2 * 12, shown + (4 if picture else 0) + len(lines) * LINE + 2 * 10
    keyboard = len(entry.buttons) * (BUTTON + BETWEEN)

    def draw(image: Image.Image, pen: Pen, left: float, top: float) -> None:
        start = left if entry.is_bot else left + WINDOW - 2 * PADDING - size[0]
        pen.box((start, top), size, look.bubble if entry.is_bot else look.own, radius=12)
        below = top + 10
        if picture is not None:
            image.paste(picture, (round((start + 4) * SCALE), round((top + 4) * SCALE)))
            below = top + shown + 12
        _write(pen, (start + 12, below), lines, look)
        _draw_keyboard(
            pen,
            (start, top + size[1] + BETWEEN),
            entry.buttons,
            look,
            lambda row, _: (size[0] - (len(row) - 1) * BETWEEN) / len(row),
        )

    return Piece(size[1] + keyboard, draw)


def _row(entry: Entry, look: Look) -> Piece:
    """A message in a row beside a sign of whoever wrote it; above it, what it answers."""
    indent, edge = 52, 170
    lines = wrapped(entry.text, TEXT, WINDOW - 2 * PADDING - indent)
    pictures = [_picture(data, edge if len(entry.pictures) > 1 else 2 * edge + BETWEEN) for data in entry.pictures]
    grid = (len(pictures) + 1) // 2 * (pictures[0].height / SCALE + BETWEEN) + 8 if pictures else 0
    keyboard = len(entry.buttons) * (BUTTON + BETWEEN) + 6 if entry.buttons else 0
    note = 20 if entry.seen_by else 0
    height = 24 + 24 + len(lines) * LINE + grid + keyboard + note

    def draw(image: Image.Image, pen: Pen, left: float, top: float) -> None:
        text = left + indent
        pen.line([(left + 20, top + 22), (left + 20, top + 9), (text - 6, top + 9)], look.faint, 1.5)
        pen.text((text, top + 9), entry.asked, SMALL, look.faint, anchor="lm")
        pen.disc((left, top + 28), 40, look.accent)
        pen.text((left + 20, top + 48), entry.name[0], 20, look.header, is_bold=True, anchor="mm")
        pen.text((text, top + 34), entry.name, 16, look.ink, is_bold=True, anchor="lm")
        tag = text + length(entry.name, 16) + 10
        pen.box((tag, top + 26), (34, 16), look.accent, radius=4)
        pen.text((tag + 17, top + 34), "BOT", 10, look.header, is_bold=True, anchor="mm")
        below = top + 46
        _write(pen, (text, below), lines, look)
        if entry.seen_by:
            only = f"Only {entry.seen_by} sees this."
            pen.text((text, below + len(lines) * LINE + 10), only, SMALL, look.faint, anchor="lm")
        below += len(lines) * LINE + 8
        for number, picture in enumerate(pictures):
            down, right = divmod(number, 2)
            at = text + right * (edge + BETWEEN), below + down * (edge + BETWEEN)
            image.paste(picture, (round(at[0] * SCALE), round(at[1] * SCALE)))
        _draw_keyboard(
            pen, (text, below + grid), entry.buttons, look, lambda _, label: max(52, length(label, TEXT) + 20)
        )

    return Piece(height, draw)


def _write(pen: Pen, at: tuple[float, float], lines: Sequence[str], look: Look) -> None:
    for number, line in enumerate(lines):
        pen.text((at[0], at[1] + number * LINE), line, TEXT, look.ink)


def _draw_keyboard(
    pen: Pen, at: tuple[float, float], rows: Rows, look: Look, width: Callable[[tuple[str, ...], str], float]
) -> None:
    for down, row in enumerate(rows):
        left, top = at[0], at[1] + down * (BUTTON + BETWEEN)
        for label in row:
            wide = width(row, label)
            pen.box((left, top), (wide, BUTTON), look.button, radius=7)
            pen.label((left + wide / 2, top + BUTTON / 2), label, TEXT, look.label)
            left += wide + BETWEEN


def _picture(data: bytes, width: float) -> Image.Image:
    """Make a picture as wide as it is shown."""
    with Image.open(io.BytesIO(data)) as image:
        shown = image.convert("RGB")
    pixels = round(width * SCALE)
    return shown.resize((pixels, round(pixels * shown.height / shown.width)), Image.Resampling.LANCZOS)
