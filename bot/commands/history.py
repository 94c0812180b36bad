"""What was made: how is it listed, searched, shown again, kept or deleted?"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

from bot import listings, wording
from bot.access import Access
from bot.button import Offer, Press, button, has_pictures, is_over
from bot.chat import Call, CommandError, View
from bot.command import Argument, Flag, Kind, command
from bot.delivery import Delivery
from bot.messages import Messages
from bot.values import job_number, local_path
from generation import ImagineRequest, JobState, read_metadata
from storage import History, Jobs


class Past:
    """The commands and buttons that show what was made."""

    def __init__(self, history: History, jobs: Jobs, access: Access, messages: Messages) -> None:
        self._history = history
        self._jobs = jobs
        self._access = access
        self._messages = messages

    @command("history", "List your jobs, newest first, or those whose prompt has all these words.")
    async def history(
        self,
        call: Call,
        words: Annotated[str, Argument("WORDS", "red circle")] = "",
        *,
        before: Annotated[
            int | None, Flag("before", "ID", "go on with the jobs older than this one", job_number)
        ] = None,
        is_favourite: Annotated[
            bool, Flag("favourites", "", "only those that you have marked by ⭐", kind=Kind.SWITCH)
        ] = False,
    ) -> View:
        """Give one page."""
        page = await self._history.page(call.member.owner, words=words, older_than=before, is_favourite=is_favourite)
        return listings.history(page, words, is_favourite=is_favourite)

    @command("show", "Show a job and its pictures; in the terminal also a picture file and how it was made.")
    async def show(self, call: Call, what: Annotated[str, Argument("ID", "12")]) -> View:
        """Show a job, or where the platform is on this machine, a file."""
        if call.platform.capabilities.reads_local_files and not what.lstrip("#").isdecimal():
            return await asyncio.to_thread(_show_file, what)
        return await self._messages.shown(await self._access.visible_job(job_number(what), call), call)

    @command("last", "Show your newest pictures once more, wherever they were asked for.")
    async def last(self, call: Call) -> View:
        """Show the caller's newest result."""
        job = await self._jobs.last(call.member.owner)
        if job is None:
            raise CommandError("You have no pictures yet; /queue shows what is under way.")
        return await self._messages.shown(job, call)

    @button("original", "U{n}", at=(1, 0), offered=lambda offer: has_pictures(offer) and _hides_originals(offer))
    async def original(self, press: Press) -> View:
        """Hand over one picture, as the file that it is."""
        job, picture = await self._access.visible_picture(press.job_id, press.index, press.call)
        return await self._messages.picture(job, picture, press.call)


class Keeping:
    """The buttons under a result that explain, mark or delete it."""

    def __init__(self, history: History, jobs: Jobs, access: Access, delivery: Delivery) -> None:
        self._history = history
        self._jobs = jobs
        self._access = access
        self._delivery = delivery

    @button("info", "ℹ️", at=(4, 1), offered=is_over)
    async def info(self, press: Press) -> View:
        """Tell how a job's pictures were made."""
        job = await self._access.visible_job(press.job_id, press.call)
        return wording.info(job, ImagineRequest.from_json(dict(job.request)))

    @button("star", "⭐", at=(4, 2), offered=has_pictures)
    async def star(self, press: Press) -> View:
        """Mark a job as a favourite, or no longer."""
        job = await self._access.visible_job(press.job_id, press.call)
        is_marked = await self._history.toggle_favourite(press.call.member.owner, job.id)
        text = f"Job {job.id} is no favourite of yours any more."
        if is_marked:
            text = f"Job {job.id} is now among your favourites: /history --favourites lists them."
        return View(text=text, is_private=True)

    @button("delete", "🗑️", at=(4, 3), offered=is_over)
    async def delete(self, press: Press) -> View:
        """Delete a job with its pictures: first in the database, then in the chat."""
        job = await self._access.own_job(press.job_id, press.call)
        if not JobState(job.state).is_over:
            raise CommandError(f"Job {job.id} is under way: cancel it first.")
        await self._jobs.delete(job.id)
        self._delivery.remove(job)
        if press.call.message_id not in ("", job.message_id):
            self._delivery.remove_pressed(press.call)
        return View(text=f"Job {job.id} is deleted.", is_private=True)


def _hides_originals(offer: Offer) -> bool:
    """Several pictures may be shown as one; a single one is the file itself where the platform changes nothing."""
    return not offer.is_single and (offer.pictures > 1 or not offer.is_lossless)


def _show_file(typed: str) -> View:
    path = local_path(typed)
    if not _is_file(path):
        raise CommandError(f'"{wording.title(typed)}" is neither the number of a job nor a picture file.')
    return wording.metadata(path, read_metadata(path))


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # such as a name that is too long to be one
        return False
