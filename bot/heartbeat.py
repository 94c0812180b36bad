"""How does somebody outside, such as a container's health check, see that the loop still turns?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import structlog

INTERVAL_S = 15.0

log = structlog.get_logger()


@contextlib.asynccontextmanager
async def beating(file: Path, *, interval_s: float = INTERVAL_S) -> AsyncIterator[None]:
    """Touch the file now and then. Should that fail, the file grows old, which is what it is for."""
    task = asyncio.create_task(_beat(file, interval_s), name="heartbeat")
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def _beat(file: Path, interval_s: float) -> None:
    while True:
        try:
            await asyncio.to_thread(file.touch)
        except OSError as error:
            log.error("no heartbeat", reason=str(error))
        await asyncio.sleep(interval_s)
