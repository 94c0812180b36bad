"""How often may messages of one channel be edited, and who goes first when it is too often?"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque

from bot.chat import NotNowError

# Discord publishes no figures, but its headers have been seen to allow five. Where none is left the library sleeps, and
# for longer than it has to: hence one less.
EDITS = 4
WINDOW_S = 5.0
RESERVED = 1  # of them, which progress leaves to what is final
MOST_CHANNELS = 256


class Budget:
    """Counts the edits of each channel. Progress is refused early, so that what is final hardly ever waits."""

    def __init__(self) -> None:
        self._edits: defaultdict[str, deque[float]] = defaultdict(deque)

    def spend_on_progress(self, channel: str) -> None:
        """Count an edit that may as well be left out.

        Raises:
            NotNowError: what is left is reserved.
        """
        edits = self._recent(channel)
        if len(edits) >= EDITS - RESERVED:
            raise NotNowError("the channel's edits are used up", after_s=self._wait_s(edits, EDITS - RESERVED))
        edits.append(time.monotonic())

    async def spend(self, channel: str) -> None:
        """Count an edit that has to be made, as soon as there is room for it."""
        edits = self._recent(channel)
        while len(edits) >= EDITS:  # somebody else may have taken what became free
            pause = self._wait_s(edits, EDITS)
            await asyncio.sleep(pause)
            edits = self._recent(channel)
        edits.append(time.monotonic())

    def _recent(self, channel: str) -> deque[float]:
        if len(self._edits) > MOST_CHANNELS:
            self._forget_idle()
        edits = self._edits[channel]
        while edits and edits[0] <= time.monotonic() - WINDOW_S:
            edits.popleft()
        return edits

    def _wait_s(self, edits: deque[float], limit: int) -> float:
        """Tell when fewer than `limit` edits will be left in the window."""
        return max(0.0, edits[len(edits) - limit] + WINDOW_S - time.monotonic())

    def _forget_idle(self) -> None:
        start = time.monotonic() - WINDOW_S
        for channel in [channel for channel, edits in self._edits.items() if not edits or edits[-1] <= start]:
            del self._edits[channel]
