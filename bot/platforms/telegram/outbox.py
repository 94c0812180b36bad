"""How do direct answers reach a chat in order, without anybody waiting for them?"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeAlias

import structlog

from bot.chat import MessageGoneError, NotNowError, UndeliverableError
from bot.platforms.telegram.errors import UnsureError

MOST_WAITING = 50  # in one chat; whoever asks for more sees the first
LONGEST_PAUSE_S = 60.0
TRIES = 5

Send: TypeAlias = Callable[[], Awaitable[None]]

log = structlog.get_logger()


class Outbox:
    """A line of answers for each chat, and errands that are in no line. What cannot be sent soon is lost."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._lines: dict[str, deque[Send]] = {}
        self._is_open = True

    def close(self) -> None:
        """Take nothing more: the connection is gone."""
        self._is_open = False

    def run(self, errand: Send, name: str) -> None:
        """Do something at once."""
        if self._is_open:
            self._tasks.create_task(_alone(errand), name=name)

    def put(self, chat: str, send: Send) -> None:
        """Send something after all that was put in for this chat before."""
        line = self._lines.get(chat)
        if line is None:
            self._lines[chat] = deque([send])
            self.run(partial(self._empty, chat), f"answers to {chat}")
        elif len(line) < MOST_WAITING:
            line.append(send)
        else:
            log.warning("answer lost", chat=chat, reason="too many wait")

    async def _empty(self, chat: str) -> None:
        line = self._lines[chat]
        while line:
            await _alone(partial(self._send, chat, line.popleft()))
        del self._lines[chat]

    async def _send(self, chat: str, send: Send) -> None:
        try:
            await _patiently(send)
        except (NotNowError, UndeliverableError, MessageGoneError) as error:
            log.warning("answer lost", chat=chat, reason=str(error))


async def _alone(errand: Send) -> None:
    try:
        await errand()
    except Exception:  # a fault in one answer, which must not take the others along
        log.exception("answer broke")


async def _patiently(send: Send) -> None:
    """Try again where it is certain that nothing was sent."""
    for _ in range(TRIES):
        try:
            return await send()
        except UnsureError:
            raise
        except NotNowError as error:
            if error.after_s > LONGEST_PAUSE_S:
                raise
            log.info("answer waits", reason=str(error))
            await asyncio.sleep(error.after_s)
    return await send()
