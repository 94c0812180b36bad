"""Do limits, forecasts and replays read what was asked for, waited and used?"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import replace

import pytest

from storage import Boost, Database, JobRecord, Jobs, Ledger, Members, RecordedJob
from tests.storage.conftest import new_job, new_picture, outcome, see_the_clock_move

EVENTS = itertools.count()
REQUEST = {"prompt": "a red circle", "seed": 2**32 - 1, "images": 2}


@pytest.fixture
def ledger(database: Database) -> Ledger:
    """The ledger of the test's own database."""
    return Ledger(database)


async def accept(jobs: Jobs, *, owner: str = "console:me", images: int = 1, expected_ms: int = 100) -> int:
    """Keep a job under a key of its own."""
    job = replace(new_job(owner=owner), images=images, expected_ms=expected_ms)
    return (await jobs.accept(f"event {next(EVENTS)}", job))[0]


async def get(jobs: Jobs, job_id: int) -> JobRecord:
    """Find a job that is there."""
    record = await jobs.get(job_id)
    assert record is not None
    return record


async def end(jobs: Jobs, job_id: int, state: str = "done") -> None:
    """End a job."""
    await jobs.settle([outcome(job_id, state)], virtual_times_ms={})


async def test_pending_jobs_are_an_owners_that_wait_or_run(jobs: Jobs, ledger: Ledger) -> None:
    running, waiting, over = [await accept(jobs) for _ in range(3)]
    await accept(jobs, owner="discord:1")
    await jobs.start(running)
    await end(jobs, over)

    assert waiting
    assert await ledger.pending("console:me") == 2
    assert await ledger.pending("discord:1") == 1
    assert await ledger.pending("discord:2") == 0


async def test_pictures_count_from_a_moment_on_unless_they_were_cancelled_or_failed(jobs: Jobs, ledger: Ledger) -> None:
    old = await get(jobs, await accept(jobs, images=4))
    see_the_clock_move(old.created_ms)
    for state in ("done", "cancelled", "failed"):
        await end(jobs, await accept(jobs, images=2), state)
    await accept(jobs, images=1)
    await accept(jobs, owner="discord:1", images=4)

    assert await ledger.images_since("console:me", old.created_ms) == 7
    assert await ledger.images_since("console:me", old.created_ms + 1) == 3
    assert await ledger.images_since("console:me", 2**60) == 0


async def test_a_deletion_gives_no_quota_back(jobs: Jobs, ledger: Ledger) -> None:
    job_id = await accept(jobs, images=3)
    await end(jobs, job_id)

    await jobs.delete(job_id)

    assert await ledger.images_since("console:me", 0) == 3


async def test_a_linked_account_has_asked_for_what_its_person_has(
    jobs: Jobs, ledger: Ledger, database: Database
) -> None:
    await accept(jobs, owner="telegram:1", images=2)
    await Members(database).link("discord:1", "telegram:1")
    await accept(jobs, owner="discord:1", images=3)

    for account in ("telegram:1", "discord:1"):
        assert (await ledger.pending(account), await ledger.images_since(account, 0)) == (2, 5)


async def test_an_account_that_was_parted_has_asked_for_what_it_left_to_others(
    jobs: Jobs, ledger: Ledger, database: Database
) -> None:
    members = Members(database)
    await accept(jobs, owner="discord:1", images=3)
    await accept(jobs, owner="telegram:1", images=2)
    await members.link("discord:1", "telegram:1")
    together = (await ledger.pending("discord:1"), await ledger.images_since("discord:1", 0))

    await members.unlink("discord:1")
    await accept(jobs, owner="discord:1", images=1)

    assert together == (2, 5)
    assert (await ledger.pending("discord:1"), await ledger.images_since("discord:1", 0)) == (2, 4)
    assert (await ledger.pending("telegram:1"), await ledger.images_since("telegram:1", 0)) == (2, 5)


async def test_what_an_account_has_left_counts_for_the_person_that_it_joins_next(
    jobs: Jobs, ledger: Ledger, database: Database
) -> None:
    members = Members(database)
    await accept(jobs, owner="discord:1", images=3)
    await members.link("discord:1", "telegram:1")
    await members.unlink("discord:1")

    await members.link("discord:1", "telegram:2")

    assert await ledger.images_since("telegram:2", 0) == 3


@pytest.mark.parametrize(
    ("leaves", "stays", "images"), [("telegram:1", "discord:1", 2), ("discord:1", "telegram:1", 3)]
)
async def test_what_an_account_has_left_to_others_still_counts_as_asked_for_by_it(
    jobs: Jobs, ledger: Ledger, database: Database, leaves: str, stays: str, images: int
) -> None:
    members = Members(database)
    await accept(jobs, owner="telegram:1", images=2)
    await accept(jobs, owner="discord:1", images=3)

    for _ in range(2):
        await members.link("discord:1", "telegram:1")
        await members.unlink(leaves)

    assert (await ledger.pending(leaves), await ledger.images_since(leaves, 0)) == (1, images)
    assert (await ledger.pending(stays), await ledger.images_since(stays, 0)) == (2, 5)


async def test_a_boost_is_told_of_the_boosts_before_it_oldest_first(jobs: Jobs) -> None:
    told: list[Sequence[Boost]] = []
    first, second, third = [await accept(jobs, images=images, expected_ms=700) for images in (1, 4, 1)]

    await jobs.boost(first, told.append, since_ms=0)
    at_ms = (await get(jobs, first)).boosted_ms
    see_the_clock_move(at_ms)
    await jobs.boost(second, told.append, since_ms=0)
    await end(jobs, second)
    await jobs.boost(third, told.append, since_ms=0)
    await jobs.boost(third, told.append, since_ms=(at_ms or 0) + 1)

    assert [[boost.expected_ms for boost in boosts] for boosts in told] == [[], [700], [700, 2800], [2800, 700]]
    assert told[1][0].at_ms == at_ms


async def test_waits_are_those_of_the_jobs_that_started_last_with_the_newest_last(jobs: Jobs, ledger: Ledger) -> None:
    numbers = [await accept(jobs) for _ in range(6)]
    for job_id in numbers[1:5]:
        await jobs.start(job_id, foretold_ms=1000 * job_id)
        see_the_clock_move((await get(jobs, job_id)).started_ms)
    await jobs.start(numbers[0])  # nothing was foretold

    waits = await ledger.waits(limit=3)

    records = [await get(jobs, job_id) for job_id in numbers[2:5]]
    assert waits == tuple((1000 * job.id, (job.started_ms or 0) - job.created_ms) for job in records)
    assert len(await ledger.waits()) == 4


async def test_a_job_that_starts_again_keeps_the_wait_of_its_first_start(jobs: Jobs, ledger: Ledger) -> None:
    job_id = await accept(jobs)
    await jobs.start(job_id, foretold_ms=500)
    before = await ledger.waits()
    see_the_clock_move((await get(jobs, job_id)).started_ms)

    await jobs.settle([outcome(job_id, "queued")], virtual_times_ms={})
    await jobs.start(job_id, foretold_ms=900)

    assert before
    assert await ledger.waits() == before


async def test_the_past_is_recorded_with_all_that_a_replay_needs(jobs: Jobs, ledger: Ledger) -> None:
    job_id = await accept(jobs, images=2, expected_ms=2500)
    await jobs.start(job_id)
    for index, place in ((1, "2 of 2"), (0, "1 of 2")):
        await jobs.add_picture(replace(new_picture(job_id, index), provenance={"batch": place}))
    await end(jobs, job_id)
    waiting = await get(jobs, await accept(jobs, images=2, expected_ms=2500))

    past, present = await ledger.recorded(0, 10)

    job = await get(jobs, job_id)
    assert past == RecordedJob(
        owner="console:me",
        roles=("console:role:guest",),
        server="console:server",
        created_ms=job.created_ms,
        started_ms=job.started_ms,
        ended_ms=job.ended_ms,
        state="done",
        model="demo",
        request=REQUEST,
        images=2,
        gpu_ms=1500,
        expected_ms=2500,
        provenance={"batch": "1 of 2"},
    )
    unmade = replace(past, state="queued", gpu_ms=0, started_ms=None, ended_ms=None, provenance={})
    assert present == replace(unmade, created_ms=waiting.created_ms)
    assert job.started_ms is not None
    assert job.ended_ms is not None


async def test_of_a_long_past_the_newest_jobs_are_recorded(jobs: Jobs, ledger: Ledger) -> None:
    numbers = [await accept(jobs, images=images) for images in range(1, 6)]
    middle = (await get(jobs, numbers[2])).created_ms

    assert [job.images for job in await ledger.recorded(0, 2)] == [4, 5]
    assert all(job.created_ms >= middle for job in await ledger.recorded(middle, 10))
    assert await ledger.recorded(2**60, 10) == ()


async def test_what_was_deleted_is_not_recorded(jobs: Jobs, ledger: Ledger) -> None:
    gone, kept = await accept(jobs, images=1), await accept(jobs, images=2)
    for job_id in (gone, kept):
        await end(jobs, job_id)

    await jobs.delete(gone)

    assert [job.images for job in await ledger.recorded(0, 10)] == [2]
