"""What stands in for a bot that is killed: runs one job for ever on a worker of its own, or leaves the worker idle."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from tests.generation.studio import Studio, job, workers


async def live(folder: Path, *, is_idle: bool) -> None:
    """Say the number of the worker's process once it is busy, or idle; then wait to be killed."""
    studio = Studio(folder)
    async with studio.opened():
        await studio.service.load("flat")
        if not is_idle:
            studio.switch_on("hang")
            studio.service.submit(job(1))
            await studio.held(1)
        (worker,) = workers()
        sys.stdout.write(f"{worker.pid}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), is_idle=sys.argv[2] == "idle"))
