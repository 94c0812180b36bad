"""How does one message come to show the latest of its views, at the platform's pace?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import structlog

from bot.chat import MessageGoneError, NotNowError, Place, Platform, Reply, UndeliverableError, View

BROKEN_PAUSE_S = 60.0

Note = Callable[[str | None, int], Awaitable[None]]

log = structlog.get_logger()


class Editor:
    """One message: posted once, then edited. Views that come faster than the platform's pace are skipped.

    A final view is never skipped and never late: it cuts the pause short. What cannot be shown now is tried again, by
    then with the latest view; what can never be shown counts as shown. `note` is told the message's id and the
    revision that it shows, whenever one of the two is new.
    """

    def __init__(
        self,
        platform: Platform,
        place: Place,
        *,
        key: str,
        note: Note,
        message_id: str | None = None,
        reply: Reply | None = None,
    ) -> None:
        self._platform = platform
        self._place = place
        self._key = key
        self._note = note
        self._message_id = message_id
        self._reply = reply
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
        """Wait until the message is there, or known never to be."""
        await self._posted.wait()

    async def run(self) -> View:
        """Keep the message true until it shows a final view; gives that view."""
        shown: View | None = None
        noted: tuple[str | None, int] | None = None
        while True:
            await self._changed.wait()
            self._changed.clear()
            assert self._latest is not None
            view, revision = self._latest
            try:
                if view != shown:
                    await self._display(view)
            except NotNowError as error:
                self._changed.set()
                await self._pause(error.after_s, is_urgent=view.is_final)
                continue
            except UndeliverableError as error:
                log.warning("message not shown", place=self._place.key, key=self._key, reason=str(error))
            except BrokenPipeError:
                raise  # nobody reads the terminal any more: that ends the program
            except Exception:  # a fault of this platform's, which must not take the others along
                log.exception("message broke", place=self._place.key, key=self._key)
                self._changed.set()
                await self._pause(BROKEN_PAUSE_S, is_urgent=view.is_final)
                continue
            shown = view
            if noted != (self._message_id, revision):
                noted = self._message_id, revision
                await self._note(*noted)
            self._posted.set()
            if view.is_final:
                return view
            await self._pause(self._platform.capabilities.edit_interval_s)

    async def _display(self, view: View) -> None:
        if self._message_id is not None:
            try:
                await self._platform.edit(self._place, self._message_id, view)
            except MessageGoneError:
                self._key = f"{self._key} after {self._message_id}"  # the old key would mean the old message
                self._message_id = None
        if self._message_id is None:
            self._message_id = await self._post(view)

    async def _post(self, view: View) -> str:
        if self._reply is None:
            return await self._platform.post(self._place, view, self._key)
        reply, self._reply = self._reply, None
        return await reply.acknowledge(view, self._key)

    async def _pause(self, seconds: float, *, is_urgent: bool = False) -> None:
        """Wait; a final view that comes meanwhile ends it, but whoever is urgent already waits in full."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await (asyncio.Event() if is_urgent else self._over).wait()
