"""What stands in for a run that is killed: accepts jobs and keeps pictures for ever, and says what it has promised."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from storage import Database, Jobs, LearnedRecord, Members, Pictures
from tests.storage.conftest import new_job, new_picture, outcome


async def live(folder: Path, run: int) -> None:
    """Say each job and each picture once it is kept."""
    async with Database(folder / "fairbrush.db") as database, asyncio.TaskGroup() as people:
        jobs, members = Jobs(database, Pictures(folder / "pictures")), Members(database)
        for person in range(4):
            people.create_task(ask_on(jobs, members, f"{run} {person}"))


async def ask_on(jobs: Jobs, members: Members, person: str) -> None:
    """Ask for one picture after the other, each time by another account, which is linked afterwards."""
    number = 0
    while True:
        number += 1
        account = f"{person} {number}"
        job_id, _ = await jobs.accept(account, new_job(account, owner=account))
        say("job", job_id)
        await jobs.start(job_id)
        name = await jobs.add_picture(new_picture(job_id, png=f"{person} {number} ".encode() * 5000))
        say("picture", job_id, name)
        learned = LearnedRecord(card=person, model="demo", shape="64x48", facts={"jobs": number})
        await jobs.settle([outcome(job_id)], virtual_times_ms={account: 1000 * number}, learned=[learned])
        say("end", job_id)
        await members.link(account, person)
        say("link", job_id)


def say(*promise: object) -> None:
    """Say it at once."""
    sys.stdout.write(" ".join(map(str, promise)) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(live(Path(sys.argv[1]), int(sys.argv[2])))
