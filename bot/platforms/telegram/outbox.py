"""How do direct answers reach a chat in order, without anybody waiting for them?"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
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
    """A line of answers for each chat. What cannot be sent in about a minute is lost."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self._tasks = tasks
        self._lines: dict[str, deque[Send]] = {}

    def put(self, chat: str, send: Send) -> None:
        """Send something after all that was put in for this chat before."""
        line = self._lines.get(chat)
        if line is None:
            self._lines[chat] = deque([send])
            self._tasks.create_task(self._empty(chat), name=f"answers to {chat}")
        elif len(line) < MOST_WAITING:
            line.append(send)
        else:
            log.warning("answer lost", chat=chat, reason="too many wait")

    async def _empty(self, chat: str) -> None:
        line = self._lines[chat]
        while line:
            await self._send(chat, line.popleft())
        del self._lines[chat]

    async def _send(self, chat: str, send: Send) -> None:
        try:
            await _patiently(send)
        except (NotNowError, UndeliverableError, MessageGoneError) as error:
            log.warning("answer lost", chat=chat, reason=str(error))


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
            await asyncio.sleep(error.after_s)
    return await send()
