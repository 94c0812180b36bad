"""How do pictures look in a Telegram message: one as a photo, several as one numbered sheet?

All of it blocks: call it in a thread.
"""

from __future__ import annotations

import functools
import math
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont
from PIL.Image import Resampling

# Telegram's limits of a photo.
MOST_BYTES = 10_000_000
LONGEST_SIDES = 10_000  # width and height together
STEEPEST = 20  # times as long as it is wide

CELL_SIDE = 1024
GAP = 8
GROUND = (24, 24, 28)
QUALITIES = (95, 88, 75, 50)
BLANK_SIZE = (400, 24)


def photo(path: Path) -> bytes:
    """Give a picture as Telegram takes it for a photo: the file itself, if that fits its limits.

    Raises:
        OSError: the file cannot be read.
    """
    data = path.read_bytes()
    with Image.open(BytesIO(data)) as image:
        if len(data) <= MOST_BYTES and _fits(image.size):
            return data
        return _jpeg(_reduced(image.convert("RGB")))


def sheet(paths: Sequence[Path]) -> bytes:
    """Put several pictures on one, each in a cell with its number.

    Raises:
        OSError: a file cannot be read.
    """
    cells = []
    for path in paths:
        with Image.open(path) as image:
            cell = image.convert("RGB")
            cell.thumbnail((CELL_SIDE, CELL_SIDE), Resampling.LANCZOS)
            cells.append(cell)
    width, height = max(cell.width for cell in cells), max(cell.height for cell in cells)
    columns = _columns(len(cells), width, height)
    rows = math.ceil(len(cells) / columns)
    whole = Image.new("RGB", (columns * (width + GAP) - GAP, rows * (height + GAP) - GAP), GROUND)
    for number, cell in enumerate(cells):
        row, column = divmod(number, columns)
        corner = column * (width + GAP), row * (height + GAP)
        whole.paste(cell, (corner[0] + (width - cell.width) // 2, corner[1] + (height - cell.height) // 2))
        _label(whole, corner, str(number + 1), min(width, height))
    return _jpeg(_reduced(whole))


@functools.cache
def blank() -> bytes:
    """Give a picture that shows nothing, for a message whose picture is to go: it cannot become a text again."""
    return _png(Image.new("RGB", BLANK_SIZE, GROUND))


def _fits(size: tuple[int, int]) -> bool:
    return sum(size) <= LONGEST_SIDES and max(size) <= STEEPEST * min(size)


def _columns(cells: int, width: int, height: int) -> int:
    """Choose the layout nearest to a square, and of two such the wider one."""

    def cost(columns: int) -> tuple[float, int]:
        ratio = columns * width / (math.ceil(cells / columns) * height)
        return max(ratio, 1 / ratio), -columns

    return min(range(1, cells + 1), key=cost)


def _label(whole: Image.Image, corner: tuple[int, int], text: str, side: int) -> None:
    """Write a number on a small dark plate in a cell's upper left corner."""
    size = max(12, side // 12)
    left, top = corner[0] + size // 4, corner[1] + size // 4
    pen = ImageDraw.Draw(whole)
    pen.rounded_rectangle((left, top, left + 1.4 * size, top + 1.4 * size), radius=size // 4, fill=GROUND)
    middle = left + 0.7 * size, top + 0.7 * size
    pen.text(middle, text, fill="white", font=ImageFont.load_default(size), anchor="mm")


def _reduced(image: Image.Image) -> Image.Image:
    """Bring a picture within the limits of its sides: smaller, and on a wider ground if it is too steep."""
    scale = min(1.0, LONGEST_SIDES / sum(image.size))
    if scale < 1:
        size = max(1, math.floor(image.width * scale)), max(1, math.floor(image.height * scale))
        image = image.resize(size, Resampling.LANCZOS)
    if _fits(image.size):
        return image
    narrow = math.ceil(max(image.size) / STEEPEST)
    ground = Image.new("RGB", (max(image.width, narrow), max(image.height, narrow)), GROUND)
    ground.paste(image, ((ground.width - image.width) // 2, (ground.height - image.height) // 2))
    return _reduced(ground)


def _jpeg(image: Image.Image) -> bytes:
    """Encode as well as the limit of the size allows."""
    data = b""
    for quality in QUALITIES:
        buffer = BytesIO()
        image.save(buffer, format="JPEG", quality=quality, subsampling=0 if quality > 80 else 2)
        data = buffer.getvalue()
        if len(data) <= MOST_BYTES:
            return data
    return _jpeg(image.resize((image.width // 2, image.height // 2), Resampling.LANCZOS))


def _png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format="PNG")
    return buffer.getvalue()
