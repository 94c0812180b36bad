"""What can a person at the keyboard do and see, whatever the platform?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

PATIENCE_S = 60.0


class NotOfferedError(Exception):
    """What the person tries is not there, not for this person or not in this place; the text says which."""


@dataclass(frozen=True)
class Seen:
    """One message as it stands on this person's screen."""

    id: str
    text: str
    pictures: tuple[bytes, ...]
    files: tuple[str, ...]
    buttons: Mapping[str, str]  # payload -> label
    is_private: bool
    is_spoiler: bool
    edits: int


class Person(Protocol):
    """Somebody who types, presses buttons, fills in forms and looks at the screen."""

    async def type(self, line: str) -> None:
        """Types and sends one line, as "/imagine a cat --seed 7"."""

    async def press(self, message: Seen, payload: str) -> None:
        """Presses the button with this payload under the message."""

    async def fill(self, text: str) -> None:
        """Fills in and sends the form that the last press opened."""

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        """Waits until a message that this person can see is so: as it stands now or as it becomes."""

    def messages(self) -> list[Seen]:
        """All that this person sees now, oldest first."""


class Screen:
    """Shows one person's messages in order, and wakes whoever waits for one of them."""

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s
        self._shown: dict[str, Seen] = {}
        self._waiting: dict[asyncio.Future[Seen], Callable[[Seen], bool]] = {}
        self._taken_away = asyncio.Event()

    def show(self, seen: Seen) -> None:
        """Puts a new or changed message on the screen."""
        self._shown[seen.id] = seen
        for future, is_it in list(self._waiting.items()):
            if future.done():
                continue
            try:
                if is_it(seen):
                    future.set_result(seen)
            except Exception as error:  # noqa: BLE001  # the question is the test's own: its mistake belongs to the test
                future.set_exception(error)

    def take_away(self, message_id: str) -> None:
        """Removes a deleted message."""
        self._shown.pop(message_id, None)
        self._taken_away.set()

    def messages(self) -> list[Seen]:
        """All that is on the screen now, oldest first."""
        return list(self._shown.values())

    async def gone(self, message_id: str) -> None:
        """Waits until a message is not on the screen any more."""
        async with asyncio.timeout(self._patience_s):
            while message_id in self._shown:
                self._taken_away.clear()
                await self._taken_away.wait()

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        """Waits until a message on the screen is so, and says what was there instead when patience ends."""
        for seen in self._shown.values():
            if is_it(seen):
                return seen
        future: asyncio.Future[Seen] = asyncio.get_running_loop().create_future()
        self._waiting[future] = is_it
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._patience_s):
                    return await future
        finally:
            del self._waiting[future]
        shown = [f"  {seen.text!r} files={seen.files} buttons={dict(seen.buttons)}" for seen in self.messages()]
        there = "\n".join(shown) or "  none"
        patience = f"{self._patience_s:g} s"
        raise AssertionError(f"No message became so within {patience}. On the screen are:\n{there}")
