"""Is everything that was promised there after a kill at any moment?"""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from pathlib import Path

from storage import Database, JobRecord, Jobs, Measurements, Members, Pictures
from tests.storage.sqlite_file import is_sound

ROOT = Path(__file__).parents[2]


def killed_run(folder: Path, run: int, promises: int) -> list[list[str]]:
    """Let a run make that many promises, kill it, and give all that it had made by then."""
    command = [sys.executable, "-m", "tests.storage.run_to_be_killed", str(folder), str(run)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        made = [process.stdout.readline() for _ in range(promises)]
        process.kill()
        made += process.stdout.readlines()
    return [line.split() for line in made if line.endswith("\n")]


async def test_what_was_promised_before_a_kill_is_kept(tmp_path: Path) -> None:
    promised = []
    for run, promises in enumerate((1, 2, 5, 9, 14, 20, 27, 35)):
        promised += killed_run(tmp_path, run, promises)
        assert is_sound(tmp_path / "fairbrush.db")

    pictures = Pictures(tmp_path / "pictures")
    async with Database(tmp_path / "fairbrush.db") as database:
        records = {int(job_id): await Jobs(database, pictures).get(int(job_id)) for _, job_id, *_ in promised}

    for kind, job_id, *name in promised:
        record = records[int(job_id)]
        assert record is not None
        assert [picture.sha256 for picture in record.pictures] == name or kind != "picture"
        assert record.state == "done" or kind != "end"
    kept = [picture.sha256 for record in records.values() if record is not None for picture in record.pictures]
    assert len(kept) > 20
    assert all(pictures.save(pictures.path(name).read_bytes()) == name for name in kept)


async def test_of_a_settlement_and_of_a_link_all_is_kept_or_nothing(tmp_path: Path) -> None:
    promised = [promise for run in range(4) for promise in killed_run(tmp_path, run, 9 + 7 * run)]

    async with Database(tmp_path / "fairbrush.db") as database:
        jobs = await all_jobs(Jobs(database, Pictures(tmp_path / "pictures")))
        accounts, links = await Members(database).accounts(), await Members(database).links()
        learned = {record.card: record.facts["jobs"] for record in await Measurements(database).all()}

    for job in jobs:
        account, (person, _, number) = job.prompt, job.prompt.rpartition(" ")
        assert (job.owner, links.get(account)) in {(person, person), (account, None)}
        if job.owner == account and job.state == "done":
            assert accounts[account].virtual_time_ms == 1000 * int(number)
    for person, count in Counter(links.values()).items():
        assert accounts[person].virtual_time_ms == 1000 * count
    assert learned == Counter(job.prompt.rpartition(" ")[0] for job in jobs if job.state == "done")
    assert len(links) >= sum(kind == "link" for kind, *_ in promised) > 10


async def all_jobs(jobs: Jobs) -> list[JobRecord]:
    """Give all jobs, oldest first."""
    found: list[JobRecord] = []
    while (job := await jobs.get(len(found) + 1)) is not None:
        found.append(job)
    return found
