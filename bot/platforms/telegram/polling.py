"""How are updates taken in so that none is lost, and none holds up the others?

Telegram forgets an update once a poll asks for what comes after it. So the loop asks for the oldest that is not handled
yet. Meanwhile Telegram gives out those after it once more at each poll; they are known by their ids.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeAlias

import structlog
from telegram import Bot, Update
from telegram.error import BadRequest, Conflict, InvalidToken, RetryAfter, TelegramError

from bot.platforms.telegram.client import POLL_S
from bot.platforms.telegram.errors import retry_after_s

KINDS = ("message", "callback_query")
LATE_S = 10.0  # beyond the time for which Telegram may hold a poll
RECHECK_S = 0.6  # while something is being handled; sooner than 0.5 s, the same offset gets a single update
LET_GO_S = 30.0  # by then whatever is durable was committed; what goes on, such as /admin load, may be lost by a kill
IN_ORDER_S = 1.0  # how long somebody's next update waits for the one before
FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 30.0
CONFLICT_PAUSE_S = 60.0
OTHER_POLLER = (
    "Another program polls Telegram with this bot's token, and only one can: stop the other one. Trying again from "
    "time to time."
)
WEBHOOK = (
    "A webhook is set for this bot, so that polling gets nothing: stop the program, and have it removed by "
    "`fairbrush setup telegram`."
)

Handle: TypeAlias = Callable[[Update], Awaitable[None]]

log = structlog.get_logger()


class Inbox:
    """Which updates are being handled, and from which one on Telegram is to be asked."""

    def __init__(self, handle: Handle, tasks: asyncio.TaskGroup) -> None:
        self._handle = handle
        self._tasks = tasks
        self._running: dict[int, asyncio.Task[None]] = {}
        self._handled: set[int] = set()  # but not confirmed yet
        self._latest: dict[str, asyncio.Task[None]] = {}
        self._next: int | None = None

    @property
    def offset(self) -> int | None:
        """Give the oldest update that is not handled yet, or the one after the last; None before there was any."""
        return min(self._running, default=self._next)

    def take(self, updates: Iterable[Update]) -> None:
        """Handle what is new, all at once, but what one person does in one chat in its order."""
        for update in updates:
            self._next = update.update_id + 1
            if update.update_id in self._running or update.update_id in self._handled:
                continue
            who = _who(update)
            task = self._tasks.create_task(self._in_order(update, self._latest.get(who)), name=f"update of {who}")
            self._running[update.update_id] = self._latest[who] = task

    async def settle(self) -> None:
        """Wait until all is handled, or for a moment."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=RECHECK_S)
        for update_id, task in [*self._running.items()]:
            if task.done():
                self._handled.add(update_id)
                del self._running[update_id]
        self._latest = {who: task for who, task in self._latest.items() if not task.done()}
        if not self._running:
            self._handled.clear()

    async def _in_order(self, update: Update, earlier: asyncio.Task[None] | None) -> None:
        if earlier is not None:
            await asyncio.wait([earlier], timeout=IN_ORDER_S)
        letting_go = asyncio.get_running_loop().call_later(LET_GO_S, self._let_go, update.update_id)
        try:
            await self._handle(update)
        except Exception:  # a fault in one update, which must not take the others along, nor come back for ever
            log.exception("update broke", update=update.update_id)
        finally:
            letting_go.cancel()

    def _let_go(self, update_id: int) -> None:
        del self._running[update_id]
        self._handled.add(update_id)


async def poll(bot: Bot, inbox: Inbox) -> None:
    """Take updates in until cancelled; a lost connection is tried again for ever.

    Raises:
        InvalidToken: the token was revoked.
    """
    pause_s = 0.0
    while True:
        try:
            inbox.take(
                await bot.get_updates(offset=inbox.offset, timeout=POLL_S, allowed_updates=KINDS, read_timeout=LATE_S)
            )
        except InvalidToken:
            raise
        except TelegramError as error:
            pause_s = _pause_s(error, pause_s)
            _log(error, pause_s)
            await asyncio.sleep(pause_s)
        else:
            if pause_s:
                log.info("telegram polled again")
            pause_s = 0.0
        await inbox.settle()


def _pause_s(error: TelegramError, last_s: float) -> float:
    if isinstance(error, RetryAfter):
        return retry_after_s(error)
    longest_s = CONFLICT_PAUSE_S if isinstance(error, Conflict | BadRequest) else LONGEST_PAUSE_S
    return min(max(2 * last_s, FIRST_PAUSE_S), longest_s)


def _log(error: TelegramError, pause_s: float) -> None:
    if isinstance(error, Conflict):
        log.error("telegram not polled", reason=WEBHOOK if "webhook" in error.message else OTHER_POLLER)
    else:
        reason = type(error.__cause__ or error).__name__
        log.warning("telegram not polled", reason=reason, next_try_s=pause_s)


def _who(update: Update) -> str:
    user, chat = update.effective_user, update.effective_chat
    return f"{user.id if user else ''} in {chat.id if chat else ''}"
