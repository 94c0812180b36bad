"""How many messages may a bot send and edit before it has to wait?"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from tests.standins.telegram.clock import Clock
from tests.standins.telegram.refusal import flooded

MINUTE_S = 60.0
LONGEST_WAIT_S = 3600
GRACE_S = 0.25  # what was on its way already when the first refusal was spoken ignores nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Rates:
    """What Telegram lets pass. It publishes no exact figures; these are what its FAQ and its users tell."""

    chat_per_s: float = 1.0
    chat_burst: int = 6
    group_per_minute: int = 20
    overall_per_s: int = 30


UNLIMITED = Rates(chat_per_s=math.inf, chat_burst=1, group_per_minute=10**9, overall_per_s=10**9)


@dataclass(frozen=True, slots=True, kw_only=True)
class Flood:
    """A refusal: in which chat (0 is all of them), when, and for how long."""

    chat_id: int
    at: float
    retry_after: int


class Limits:
    """Counts what is sent and edited. Whoever does not wait as told is told to wait longer, twice as long each time."""

    def __init__(self, clock: Clock, rates: Rates) -> None:
        self._clock = clock
        self.rates = rates
        self.floods: list[Flood] = []
        self._free_at: dict[int, float] = {}  # when a chat would have its whole burst again
        self._minutes: dict[int, deque[float]] = {}
        self._second: deque[float] = deque()
        self._waits: dict[int, Flood] = {}

    def admit(self, chat_id: int, *, is_group: bool, messages: int = 1) -> None:
        """Lets messages or edits pass, or refuses them."""
        now = self._clock.now()
        self._obey(0, now)
        self._obey(chat_id, now)
        minute = self._minutes.setdefault(chat_id, deque()) if is_group else deque()
        self._refuse(0, now, _window_wait(self._second, self.rates.overall_per_s, messages, now, 1.0))
        self._refuse(chat_id, now, _window_wait(minute, self.rates.group_per_minute, messages, now, MINUTE_S))
        self._refuse(chat_id, now, self._burst_wait(chat_id, messages, now))
        self._free_at[chat_id] = max(self._free_at.get(chat_id, now), now) + messages / self.rates.chat_per_s
        for window in (self._second, minute):
            window.extend([now] * messages)

    def flood(self, chat_id: int, retry_after: int) -> None:
        """Makes a chat wait, as if too much had been sent there; chat 0 stands for all of them."""
        self._refuse(chat_id, self._clock.now(), retry_after)

    def _burst_wait(self, chat_id: int, messages: int, now: float) -> float:
        debt_s = max(self._free_at.get(chat_id, now) - now, 0.0)
        spare = max(self.rates.chat_burst - messages, 0)  # a whole album passes where nothing else was sent
        return debt_s - spare / self.rates.chat_per_s

    def _obey(self, chat_id: int, now: float) -> None:
        told = self._waits.get(chat_id)
        if told is None:
            return
        left_s = told.at + told.retry_after - now
        if left_s <= 0:
            del self._waits[chat_id]
        elif now - told.at < GRACE_S:
            raise flooded(math.ceil(left_s))
        else:
            self._refuse(chat_id, now, min(2 * told.retry_after, LONGEST_WAIT_S))

    def _refuse(self, chat_id: int, now: float, wait_s: float) -> None:
        if wait_s <= 0:
            return
        flood = Flood(chat_id=chat_id, at=now, retry_after=math.ceil(wait_s))
        self._waits[chat_id] = flood
        self.floods.append(flood)
        raise flooded(flood.retry_after)


def _window_wait(window: deque[float], most: int, messages: int, now: float, length_s: float) -> float:
    while window and window[0] <= now - length_s:
        window.popleft()
    surplus = len(window) + messages - most
    if surplus <= 0 or not window:
        return 0.0
    return window[min(surplus, len(window)) - 1] + length_s - now
