"""How does a message look in a terminal that has colours?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO
from pathlib import Path

from PIL import Image
from rich.color import Color
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.padding import Padding
from rich.progress_bar import ProgressBar
from rich.segment import Segment
from rich.style import Style
from rich.table import Table
from rich.text import Text

from bot.chat import Progress, Tone, View, plain

PICTURE_COLUMNS = 32
PREVIEW_COLUMNS = 20
BAR_COLUMNS = 40
MOST_LIVE = 4
LARGEST_PIXELS = 50_000_000
STYLES = {Tone.GOOD: "", Tone.REFUSED: "yellow", Tone.FAILED: "red"}


class Thumbnail:
    """A small picture of coloured half blocks: each character shows two pixels, one above the other."""

    def __init__(self, image: Image.Image, columns: int) -> None:
        image = image.convert("RGB")
        image.thumbnail((columns, columns))
        self._image = image

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        width, height = self._image.size
        pixels = self._image.tobytes()

        def colour(x: int, y: int) -> Color:
            start = 3 * (y * width + x)
            return Color.from_rgb(*pixels[start : start + 3])

        for y in range(0, height, 2):
            for x in range(width):
                below = colour(x, y + 1) if y + 1 < height else None
                yield Segment("▀", Style(color=colour(x, y), bgcolor=below))
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(self._image.width, self._image.width)


def print_view(console: Console, view: View) -> None:
    """Print a message for good: its text, its pictures, small and side by side if there are colours, their paths."""
    console.print(Text(plain(view.text), style=STYLES[view.tone]), soft_wrap=True)
    columns = PICTURE_COLUMNS if len(view.pictures) == 1 else PICTURE_COLUMNS // 2
    thumbnails = [_thumbnail(path, columns) for path in view.pictures] if has_pictures(console) else []
    row = Table.grid(padding=(0, 1))
    row.add_row(*(thumbnail for thumbnail in thumbnails if thumbnail is not None))
    if row.columns:
        console.print(row)
    for path in view.pictures:
        console.print(Text(str(path)), soft_wrap=True)


def under_way(console: Console, views: Sequence[View]) -> RenderableType:
    """Draw the messages of jobs that are not over: a line each, with a bar and a preview for the one that runs."""
    return Group(*_under_way(console, views))


def has_pictures(console: Console) -> bool:
    """Tell whether this terminal has enough colours for pictures."""
    return console.is_terminal and not console.no_color and console.color_system in ("256", "truecolor")


def _under_way(console: Console, views: Sequence[View]) -> Iterator[RenderableType]:
    for view in views[:MOST_LIVE]:
        yield Text(plain(view.text.partition("\n")[0]), no_wrap=True, overflow="ellipsis")
        if view.progress is not None:
            bar = ProgressBar(total=_total(view.progress), completed=_completed(view.progress), width=BAR_COLUMNS)
            yield Padding(bar, 0)  # a bar alone does not end its line
            if view.progress.preview is not None and has_pictures(console):
                yield Thumbnail(Image.open(BytesIO(view.progress.preview)), PREVIEW_COLUMNS)
    if len(views) > MOST_LIVE:
        yield Text(f"and {len(views) - MOST_LIVE} more")


def _total(progress: Progress) -> int:
    return progress.pictures * progress.steps


def _completed(progress: Progress) -> int:
    return (progress.picture - 1) * progress.steps + progress.step * progress.at_once


def _thumbnail(path: Path, columns: int) -> Thumbnail | None:
    """Read a picture file; None if it cannot be, since its path alone still helps."""
    try:
        with Image.open(path) as image:
            return Thumbnail(image, columns) if image.width * image.height <= LARGEST_PIXELS else None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError):
        return None
