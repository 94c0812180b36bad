"""What time is it on the stand-in's Discord, and which ids does it give?"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime

EPOCH_S = 1_420_070_400


class Clock:
    """The real time, which a test may move forward."""

    def __init__(self) -> None:
        self._ahead_s = 0.0
        self.moved: list[Callable[[], None]] = []  # whom to tell when time was moved

    def now(self) -> float:
        return time.time() + self._ahead_s

    def advance(self, seconds: float) -> None:
        """Lets this much time pass at once, on the server only."""
        self._ahead_s += seconds
        for tell in self.moved:
            tell()


class Snowflakes:
    """Gives ids that grow with time, as Discord's do."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._last = 0

    def next(self) -> str:
        by_time = int((self._clock.now() - EPOCH_S) * 1000) << 22
        self._last = max(self._last + 1, by_time)
        return str(self._last)


def iso(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()
