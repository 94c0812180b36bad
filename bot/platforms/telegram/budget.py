"""How many calls may a chat get, and which of them go first?

Telegram publishes no exact limits. What it says and what is known: about one call a second to a chat, twenty a minute
to a group, thirty a second over all; and it punishes whoever goes on after a refusal. So all is counted here first.
"""

from __future__ import annotations

import asyncio
import heapq
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import IntEnum
from itertools import count

from bot.chat import NotNowError

QUIET_S = 300.0  # no progress for so long in a chat after Telegram refused a call there
MOST_CHATS = 1000
IDLE_S = 120.0


class Urgency(IntEnum):
    """What goes first when a chat's budget is short. Progress comes after these and never waits."""

    ACKNOWLEDGEMENT = 0
    FINAL = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """At most `calls` in `seconds`, of which `reserved` are kept from progress."""

    seconds: float
    calls: int
    reserved: int


# Slower than allowed, and in small bites: what is sent evenly does not arrive evenly.
CHAT = Pace(seconds=6.2, calls=6, reserved=2)
GROUP = Pace(seconds=60.5, calls=20, reserved=5)
OVERALL = Pace(seconds=0.4, calls=9, reserved=3)
RESERVED = 2  # of the calls over all chats, which even results leave to whoever has just asked for something
MESSAGE_S = 2.0  # between two progress edits of one message
GROUP_S = 6.0  # between two progress edits anywhere in a group
PATIENCE = 3  # how much rarer a message of a job that waits is refreshed than that of one under way


class Window:
    """Counts the calls of the last while. All of it is told the time and never waits."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._calls: deque[float] = deque()

    def wait_s(self, now: float, *, reserved: int = 0) -> float:
        """Say how long until one call more is allowed."""
        while self._calls and self._calls[0] <= now - self._pace.seconds:
            self._calls.popleft()
        surplus = len(self._calls) + 1 + reserved - self._pace.calls
        return 0.0 if surplus <= 0 else self._calls[surplus - 1] + self._pace.seconds - now

    def progress_wait_s(self, now: float) -> float:
        """Say the same for progress, which leaves some calls to what matters more."""
        return self.wait_s(now, reserved=self._pace.reserved)

    def spend(self, now: float) -> None:
        """Count a call."""
        self._calls.append(now)


class ChatBudget:
    """What one chat was sent lately, and what it may be sent now."""

    def __init__(self, *, is_group: bool) -> None:
        self._windows = [Window(CHAT), Window(GROUP)] if is_group else [Window(CHAT)]
        self._progress_s = GROUP_S if is_group else 0.0
        self._progress_at = float("-inf")
        self._edited_at: dict[int, float] = {}
        self._quiet_until = float("-inf")
        self.refused_until = float("-inf")
        self.used_at = float("-inf")

    def wait_s(self, now: float) -> float:
        """Say how long until an acknowledgement, an answer or a final may go out."""
        return max(window.wait_s(now) for window in self._windows)

    def progress_wait_s(self, now: float, message: int, *, is_under_way: bool = True) -> float:
        """Say how long until progress of this message may; that of a job which only waits lets the others go first."""
        patience = 1 if is_under_way else PATIENCE
        return max(
            *(window.progress_wait_s(now) for window in self._windows),
            self._quiet_until - now,
            self._progress_at + patience * self._progress_s - now,
            self._edited_at.get(message, float("-inf")) + patience * MESSAGE_S - now,
        )

    def spend(self, now: float) -> None:
        """Count a call."""
        self.used_at = now
        for window in self._windows:
            window.spend(now)

    def spend_progress(self, now: float, message: int) -> None:
        """Count a progress edit."""
        self.spend(now)
        self._progress_at = now
        self._edited_at = {other: at for other, at in self._edited_at.items() if at > now - PATIENCE * MESSAGE_S} | {
            message: now
        }

    def refused(self, now: float, retry_after_s: float) -> None:
        """Keep away for as long as Telegram says, and from progress for longer."""
        self.refused_until = max(self.refused_until, now + retry_after_s)
        self._quiet_until = max(self._quiet_until, self.refused_until + QUIET_S)


@dataclass(slots=True)
class _Queue:
    """The calls that wait for a chat, most urgent first."""

    tickets: list[tuple[Urgency, int, asyncio.Future[None]]] = field(default_factory=list)
    timer: asyncio.TimerHandle | None = None


class Budget:
    """All chats' budgets, in the time of the running loop, and the lines of calls that wait for them."""

    def __init__(self) -> None:
        self._overall = Window(OVERALL)
        self._chats: dict[int, ChatBudget] = {}
        self._queues: dict[int, _Queue] = {}
        self._numbers: Iterator[int] = count()

    async def wait(self, chat_id: int, urgency: Urgency) -> None:
        """Wait for the turn of a call and count it.

        Raises:
            NotNowError: Telegram told the bot to keep away from this chat for a while.
        """
        queue = self._queues.setdefault(chat_id, _Queue())
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(queue.tickets, (urgency, next(self._numbers), future))
        self._serve(chat_id)
        await future

    def progress(self, chat_id: int, message: int, *, is_under_way: bool = True) -> None:
        """Count a call that shows progress.

        Raises:
            NotNowError: the budget is needed for something else.
        """
        now = asyncio.get_running_loop().time()
        chat = self._chat(chat_id, now)
        is_contended = chat_id in self._queues
        wait_s = max(
            chat.progress_wait_s(now, message, is_under_way=is_under_way),
            self._overall.progress_wait_s(now),
            float(is_contended),
        )
        if wait_s > 0:
            raise NotNowError("the chat's budget is kept for results", after_s=wait_s)
        chat.spend_progress(now, message)
        self._overall.spend(now)

    def count(self, chat_id: int) -> None:
        """Count a call that did not wait, since it belongs to one that did."""
        now = asyncio.get_running_loop().time()
        self._chat(chat_id, now).spend(now)
        self._overall.spend(now)

    def refused(self, chat_id: int, retry_after_s: float) -> None:
        """Note that Telegram refused a call to a chat; it has no effect on others."""
        now = asyncio.get_running_loop().time()
        self._chat(chat_id, now).refused(now, retry_after_s)
        self._serve(chat_id)

    def _chat(self, chat_id: int, now: float) -> ChatBudget:
        if chat_id not in self._chats:
            if len(self._chats) >= MOST_CHATS:
                self._chats = {other: chat for other, chat in self._chats.items() if _is_remembered(chat, now)}
            self._chats[chat_id] = ChatBudget(is_group=chat_id < 0)
        return self._chats[chat_id]

    def _serve(self, chat_id: int) -> None:
        """Let those go ahead whose turn it is, and come back for the others."""
        loop = asyncio.get_running_loop()
        queue = self._queues.get(chat_id)
        if queue is None:
            return
        if queue.timer is not None:
            queue.timer.cancel()
        now = loop.time()
        chat = self._chat(chat_id, now)
        while queue.tickets:
            urgency, _, future = queue.tickets[0]
            reserved = 0 if urgency is Urgency.ACKNOWLEDGEMENT else RESERVED
            wait_s = max(chat.wait_s(now), self._overall.wait_s(now, reserved=reserved))
            if future.done():
                pass  # whoever waited was cancelled
            elif chat.refused_until > now:
                future.set_exception(NotNowError("Telegram wants a pause", after_s=chat.refused_until - now))
            elif wait_s > 0:
                queue.timer = loop.call_later(wait_s, self._serve, chat_id)
                return
            else:
                chat.spend(now)
                self._overall.spend(now)
                future.set_result(None)
            heapq.heappop(queue.tickets)
        del self._queues[chat_id]


def _is_remembered(chat: ChatBudget, now: float) -> bool:
    return max(chat.used_at + IDLE_S, chat.refused_until + QUIET_S) > now
