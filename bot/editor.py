"""How does one message come to show the latest of its views, at the platform's pace?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from bot.chat import MessageGoneError, Place, Platform, View

Note = Callable[[str, int], Awaitable[None]]


class Editor:
    """One message: posted once, then edited. Views that come faster than the platform's pace are skipped.

    A final view is never skipped and never late: it cuts the pause short. `note` is told the message's id and the
    revision that it shows, whenever one of the two is new.
    """

    def __init__(self, platform: Platform, place: Place, message_id: str | None, note: Note) -> None:
        self._platform = platform
        self._place = place
        self._message_id = message_id
        self._note = note
        self._latest: tuple[View, int] | None = None
        self._changed = asyncio.Event()
        self._over = asyncio.Event()
        self._posted = asyncio.Event()

    def show(self, view: View, revision: int) -> None:
        """Let the message show this view; after a final one, nothing changes it any more."""
        if self._over.is_set():
            return
        self._latest = view, revision
        self._changed.set()
        if view.is_final:
            self._over.set()

    @property
    def is_over(self) -> bool:
        """Tell whether the message was given its final view."""
        return self._over.is_set()

    async def posted(self) -> None:
        """Wait until the message is there."""
        await self._posted.wait()

    async def run(self) -> View:
        """Keep the message true until it shows a final view; gives that view."""
        shown: View | None = None
        noted: tuple[str, int] | None = None
        while True:
            await self._changed.wait()
            self._changed.clear()
            assert self._latest is not None
            view, revision = self._latest
            if view != shown:
                message_id = await self._display(view)
                shown = view
                if noted != (message_id, revision):
                    await self._note(message_id, revision)
                    noted = message_id, revision
                self._posted.set()
            if view.is_final:
                return view
            await self._pause()

    async def _display(self, view: View) -> str:
        if self._message_id is not None:
            try:
                await self._platform.edit(self._place, self._message_id, view)
            except MessageGoneError:
                self._message_id = None
        if self._message_id is None:
            self._message_id = await self._platform.post(self._place, view)
        return self._message_id

    async def _pause(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._platform.capabilities.edit_interval_s):
                await self._over.wait()
