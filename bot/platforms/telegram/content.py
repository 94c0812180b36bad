"""What does a view consist of on Telegram: words, keyboard, and at most one picture or file?"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from telegram import InlineKeyboardButton, InlineKeyboardMarkup, InputMediaDocument, InputMediaPhoto

from bot.chat import ButtonRows, View
from bot.platforms.telegram import pictures

LONGEST_STEM = 16
# What Pillow raises on files that are not whole.
DAMAGES = (OSError, SyntaxError, ValueError)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """The picture or file of a message. Two with the same mark look the same; `compose` blocks."""

    mark: Hashable
    name: str
    is_file: bool
    is_spoiler: bool
    compose: Callable[[], bytes]

    async def composed(self) -> bytes | None:
        """Give what is to be sent; None if a picture file cannot be read."""
        try:
            return await asyncio.to_thread(self.compose)
        except DAMAGES as error:
            log.error("picture unreadable", name=self.name, reason=type(error).__name__)
            return None


BLANK = Media(mark="blank", name="blank.png", is_file=False, is_spoiler=False, compose=pictures.blank)


def media_of(view: View) -> Media | None:
    """Find what a view shows beside its words: the file, the picture or the sheet of all, or else the preview."""
    if view.pictures:
        is_file = view.as_files and len(view.pictures) == 1
        return Media(
            mark=(view.pictures, view.is_spoiler, is_file),
            name=file_name(view.pictures[0]) if is_file else "picture",
            is_file=is_file,
            is_spoiler=view.is_spoiler,
            compose=_composer(view.pictures, is_file=is_file),
        )
    preview = None if view.progress is None else view.progress.preview
    if preview is None:
        return None
    return Media(
        mark=(hashlib.sha256(preview).digest(), view.is_spoiler),
        name="preview",
        is_file=False,
        is_spoiler=view.is_spoiler,
        compose=partial(bytes, preview),
    )


def as_input(media: Media, data: bytes, caption: str) -> InputMediaPhoto | InputMediaDocument:
    """Write media as an edit takes them."""
    if media.is_file:
        return InputMediaDocument(data, caption, filename=media.name, disable_content_type_detection=True)
    return InputMediaPhoto(data, caption, filename=media.name, has_spoiler=media.is_spoiler)


def keyboard(rows: ButtonRows) -> InlineKeyboardMarkup | None:
    """Lay out buttons; an edit without a keyboard takes the old one away."""
    if not rows:
        return None
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(button.label, callback_data=button.payload) for button in row] for row in rows]
    )


def file_name(path: Path) -> str:
    """Name a file for whoever keeps it; in storage its name is its long SHA-256."""
    return f"{path.stem[:LONGEST_STEM]}{path.suffix}"


def _composer(paths: tuple[Path, ...], *, is_file: bool) -> Callable[[], bytes]:
    if is_file:
        return paths[0].read_bytes
    return partial(pictures.photo, paths[0]) if len(paths) == 1 else partial(pictures.sheet, paths)
