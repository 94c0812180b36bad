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
    """One message: posted once, then edited, at last maybe taken away. Views that come too fast are skipped.

    A final view is never skipped and never late: it cuts the pause short. What cannot be shown now is tried again, by
    then with the latest view; what can never be shown counts as shown. `note` is told the message's id and the
    revision that it shows, whenever one of the two is new.

    With a `placeholder`, a new message never begins with a final view, but with that: a kill between the two then finds
    the result in a message whose id is kept, or nowhere, so that it is not shown twice.
    """

    def __init__(
        self,
        platform: Platform,
        place: Place,
        *,
        key: str,
        note: Note | None = None,
        message_id: str | None = None,
        reply: Reply | None = None,
        placeholder: View | None = None,
        broken_pause_s: float = BROKEN_PAUSE_S,
    ) -> None:
        self._platform = platform
        self._place = place
        self._key = key
        self._note = note
        self._message_id = message_id
        self._reply = reply
        self._placeholder = placeholder
        self._broken_pause_s = broken_pause_s
        self._latest: tuple[View | None, int] | None = None  # a view that is None: there is to be no message
        self._shown: View | None = None
        self._is_undeliverable = False
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

    def withdraw(self, revision: int) -> None:
        """Let there be no message, whatever it shows or was to show; `run` must not have ended yet."""
        self._latest = None, revision
        self._changed.set()
        self._over.set()

    async def posted(self) -> None:
        """Wait until the message is there, or known never to be."""
        await self._posted.wait()

    async def run(self) -> View | None:
        """Keep the message true until it shows a final view, or is taken away; gives that view, or None."""
        noted: tuple[str | None, int] | None = None
        while True:
            await self._changed.wait()
            self._changed.clear()
            assert self._latest is not None
            view, revision = self._latest
            is_last = view is None or view.is_final
            again_in_s = await self._try(view)
            if again_in_s is not None:
                self._changed.set()
                await self._pause(again_in_s, is_urgent=is_last)
                continue
            if noted != (self._message_id, revision):
                noted = self._message_id, revision
                if self._note is not None:
                    await self._note(*noted)
            self._posted.set()
            if is_last and not self._changed.is_set():
                return view
            # Whoever lets nothing be shown is asked once more at the end, not at each step.
            await self._pause(None if self._is_undeliverable else self._platform.capabilities.edit_interval_s)

    async def _try(self, view: View | None) -> float | None:
        """Bring the message to this view, and give None; or say after how many seconds to try again."""
        try:
            if view is None:
                await self._remove()
            elif view != self._shown:
                await self._display(view)
            self._is_undeliverable = False
        except NotNowError as error:
            return error.after_s
        except UndeliverableError as error:
            log.warning("message not shown", place=self._place.key, key=self._key, reason=str(error))
            self._is_undeliverable = True
        except BrokenPipeError:
            raise  # nobody reads the terminal any more: that ends the program
        except Exception:  # a fault of this platform's, which must not take the others along
            log.exception("message broke", place=self._place.key, key=self._key)
            return self._broken_pause_s
        self._shown = view
        return None

    async def _display(self, view: View) -> None:
        if await self._edit(view):
            return
        if view.is_final and self._placeholder is not None:
            self._message_id = await self._post(self._placeholder)
            if self._note is not None:
                await self._note(self._message_id, 0)
            if await self._edit(view):
                return
        self._message_id = await self._post(view)

    async def _edit(self, view: View) -> bool:
        """Edit the message; False if there is none, or none any more."""
        if self._message_id is None:
            return False
        try:
            await self._platform.edit(self._place, self._message_id, view)
        except MessageGoneError:
            self._key = f"{self._key} after {self._message_id}"  # the old key would mean the old message
            self._message_id = None
            return False
        return True

    async def _post(self, view: View) -> str:
        if self._reply is None:
            return await self._platform.post(self._place, view, self._key)
        reply, self._reply = self._reply, None
        return await reply.acknowledge(view, self._key)

    async def _remove(self) -> None:
        if self._message_id is not None:
            with contextlib.suppress(MessageGoneError):
                await self._platform.remove(self._place, self._message_id)
            self._message_id = None

    async def _pause(self, seconds: float | None, *, is_urgent: bool = False) -> None:
        """Wait; the last view that comes meanwhile ends it, but whoever brings it already waits in full."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await (asyncio.Event() if is_urgent else self._over).wait()
