"""What time is it in the stand-in, when a test may stop the clock and turn it on?"""

from __future__ import annotations

import time


class Clock:
    """Runs as the real one does, from now on; `advance` skips a stretch of time at once."""

    def __init__(self) -> None:
        self._base = time.time() - time.monotonic()
        self._stopped_at: float | None = None

    def now(self) -> float:
        return self._base + (time.monotonic() if self._stopped_at is None else self._stopped_at)

    def advance(self, seconds: float) -> None:
        self._base += seconds

    def stop(self) -> None:
        """From here on only `advance` moves the clock."""
        self._stopped_at = time.monotonic()
