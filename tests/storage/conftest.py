"""What do the tests of the storage room share?"""

from __future__ import annotations

import contextlib
import resource
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from storage import Database, JobOutcome, Jobs, NewJob, NewPicture, Pictures


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    """An open database of one's own; its file is `tmp_path / "fairbrush.db"`."""
    async with Database(tmp_path / "fairbrush.db") as opened:
        yield opened


@pytest.fixture
def pictures(tmp_path: Path) -> Pictures:
    """Pictures of one's own."""
    return Pictures(tmp_path / "pictures")


@pytest.fixture
def jobs(database: Database, pictures: Pictures) -> Jobs:
    """Jobs of one's own."""
    return Jobs(database, pictures)


def new_job(prompt: str = "a red circle", *, owner: str = "console:me", rerun_of: int | None = None) -> NewJob:
    """Give a job to accept."""
    return NewJob(
        owner=owner,
        place={"platform": "console", "channel": "chat"},
        model="demo",
        prompt=prompt,
        request={"prompt": prompt, "seed": 2**32 - 1, "images": 2},
        images=2,
        expected_ms=2500,
        roles=("console:role:guest",),
        server="console:server",
        rerun_of=rerun_of,
    )


def outcome(job_id: int, state: str = "done", *, gpu_ms: int = 1500, attempts: int | None = None) -> JobOutcome:
    """Give what a dispatch led to for a job."""
    return JobOutcome(job_id=job_id, state=state, gpu_ms=gpu_ms, attempts=attempts)


def see_the_clock_move(moment_ms: int | None) -> None:
    """Go on once the clock shows a later millisecond, which is at once."""
    assert moment_ms is not None
    while time.time_ns() // 1_000_000 <= moment_ms:
        pass


def new_picture(job_id: int, index: int = 0, png: bytes = b"pixels") -> NewPicture:
    """Give a picture to keep."""
    return NewPicture(
        job_id=job_id, index=index, png=png, seed=7 + index, width=64, height=48, provenance={"torch": "2"}
    )


@pytest.fixture
def small_disk() -> Callable[[int], AbstractContextManager[None]]:
    """Give what lets no file of this process grow beyond some bytes: what a full disk does to whoever writes."""

    @contextlib.contextmanager
    def limited(most_bytes: int) -> Iterator[None]:
        before = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, before[1]))
        try:
            yield
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, before)

    return limited
