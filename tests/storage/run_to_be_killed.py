"""What stands in for a run that is killed: accepts jobs and keeps pictures for ever, and says what it has promised."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from storage import Database, Jobs, Pictures
from tests.storage.conftest import new_job, new_picture


async def live(folder: Path, run: int) -> None:
    """Say each job and each picture once it is kept."""
    async with Database(folder / "fairbrush.db") as database, asyncio.TaskGroup() as people:
        jobs = Jobs(database, Pictures(folder / "pictures"))
        for person in range(4):
            people.create_task(ask_on(jobs, f"{run} {person}"))


async def ask_on(jobs: Jobs, person: str) -> None:
    """Ask for one picture after the other."""
    number = 0
    while True:
        number += 1
        job_id, _ = await jobs.accept(f"{person} {number}", new_job(owner=person))
        say("job", job_id)
        await jobs.start(job_id)
        name = await jobs.add_picture(new_picture(job_id, png=f"{person} {number} ".encode() * 5000))
        say("picture", job_id, name)
        await jobs.end(job_id, "done", gpu_seconds=1, error="", owner=person, virtual_time_ms=1000 * number)
        say("end", job_id)


def say(*promise: object) -> None:
    """Say it at once."""
    sys.stdout.write(" ".join(map(str, promise)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
