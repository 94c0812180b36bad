"""How often does the bot begin a session with Discord, which resets the token of who does so 1,000 times a day?"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Sequence

import structlog

from storage import Settings

NOTE = "discord sessions begun"  # the setting that keeps their times over a restart
FREE = 5  # so many within an hour may follow each other at once
FREE_WINDOW_S = 3600.0
PAUSE_S = 90.0  # between those beyond that: 960 a day

log = structlog.get_logger()


class Identifies:
    """Counts the sessions that were begun, over restarts too, and makes whoever begins too many wait."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def wait(self) -> None:
        """Wait until a session may be begun."""
        while (wait_s := await self.wait_s()) > 0:
            log.warning("waiting before the next session, since too many were begun", seconds=round(wait_s, 1))
            await asyncio.sleep(wait_s)

    async def wait_s(self) -> float:
        """Tell how long it takes until a session may be begun."""
        return _wait_s(await self._times(), time.time())

    async def note(self) -> None:
        """Count a session that is about to begin."""
        times = [*await self._times(), time.time()]
        await self._settings.put(NOTE, json.dumps(times[-FREE:]))

    async def _times(self) -> list[float]:
        kept = await self._settings.get(NOTE)
        return [] if kept is None else [float(moment) for moment in json.loads(kept)]


def _wait_s(times: Sequence[float], now: float) -> float:
    """A moment in the future comes from a clock that was set back: it counts as now."""
    recent = [min(moment, now) for moment in times if moment > now - FREE_WINDOW_S]
    return 0.0 if len(recent) < FREE else max(0.0, recent[-1] + PAUSE_S - now)
