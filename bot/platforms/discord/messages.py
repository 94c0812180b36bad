"""What does a view become on Discord: text, files and buttons?"""

from __future__ import annotations

import asyncio
import hashlib
import io
from dataclasses import dataclass
from typing import Any

import discord

from bot.chat import ButtonRows, View
from bot.platforms.discord.buttons import keyboard
from bot.platforms.discord.pictures import Upload, Uploads, read_pictures
from bot.platforms.discord.text import LONGEST, as_shown

PREVIEW = "preview.png"
NONCE_CHARACTERS = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """All that a message shows. It can be sent any number of times, each time whole."""

    content: str
    uploads: Uploads
    rows: ButtonRows
    is_spoiler: bool

    def new(self) -> dict[str, Any]:
        """Give the library's arguments for a new message."""
        buttons = {"view": keyboard(self.rows)} if self.rows else {}
        return {"content": self.content, "files": self._files(), "suppress_embeds": True, **buttons}

    def edit(self) -> dict[str, Any]:
        """Give the library's arguments for an edit, which drops the files and buttons that it does not name."""
        buttons = keyboard(self.rows) if self.rows else None
        return {"content": self.content, "attachments": self._files(), "view": buttons}

    def _files(self) -> list[discord.File]:
        return [
            discord.File(io.BytesIO(file.data), filename=file.name, spoiler=self.is_spoiler)
            for file in self.uploads.files
        ]


async def drafted(view: View) -> Draft:
    """Read a view's files and neutralise its text."""
    uploads = Uploads()
    if view.pictures:
        uploads = await asyncio.to_thread(read_pictures, view.pictures, as_files=view.as_files)
    elif view.progress is not None and view.progress.preview is not None:
        uploads = Uploads(files=(Upload(name=PREVIEW, data=view.progress.preview),))
    remark = f"\n{uploads.remark}" if uploads.remark else ""
    content = as_shown(view.text, LONGEST - len(remark)) + remark
    return Draft(content=content, uploads=uploads, rows=view.buttons, is_spoiler=view.is_spoiler)


def nonce(key: str) -> str:
    """Give the nonce by which Discord knows, for some minutes, that a message is the same as one before."""
    return hashlib.sha256(key.encode()).hexdigest()[:NONCE_CHARACTERS]
