"""What was made: how is it listed, searched and shown again?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from bot import wording
from bot.access import Access
from bot.chat import Call, CommandError, View
from bot.command import Argument, Flag, command, job_number
from bot.delivery import Delivery
from generation import read_metadata
from storage import History


class Past:
    """The commands that look back."""

    def __init__(self, history: History, access: Access, delivery: Delivery) -> None:
        self._history = history
        self._access = access
        self._delivery = delivery

    @command("history", "List your jobs, newest first, or those whose prompt has all these words.")
    async def history(
        self,
        call: Call,
        words: Annotated[str, Argument("WORDS", "red circle")] = "",
        *,
        before: Annotated[
            int | None, Flag("before", "ID", "go on with the jobs older than this one", job_number)
        ] = None,
    ) -> View:
        """Give one page."""
        page = await self._history.page(call.member.key, words=words, older_than=before)
        return wording.history(page, words)

    @command("show", "Show a job and its pictures; in the terminal also a picture file and how it was made.")
    async def show(self, call: Call, what: Annotated[str, Argument("ID", "12")]) -> View:
        """Show a job, or where the platform is on this machine, a file."""
        if call.platform.capabilities.reads_local_files and not what.lstrip("#").isdecimal():
            return await asyncio.to_thread(_show_file, what)
        return await self._delivery.describe(await self._access.visible_job(job_number(what), call))


def _show_file(typed: str) -> View:
    path = Path(typed).expanduser()
    if not _is_file(path):
        raise CommandError(f'"{wording.title(typed)}" is neither the number of a job nor a picture file.')
    return wording.metadata(path, read_metadata(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long to be one
        return False
