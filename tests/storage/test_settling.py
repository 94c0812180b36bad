"""Is all that a dispatch led to kept in one transaction: ends, returns to the queue, charges, what it taught?"""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from storage import AccountRecord, Database, JobOutcome, JobRecord, Jobs, LearnedRecord, Measurements, Members
from tests.storage.conftest import new_job, outcome

FACTS: dict[str, Any] = {
    "card": "H100",
    "model": "demo",
    "shape": "64x48, 8 steps",
    "facts": {"picture_s": 2.5, "at_once": 4},
}
SPEED = LearnedRecord(**FACTS)


async def accept(jobs: Jobs, *prompts: str) -> list[int]:
    """Keep a job for each prompt, and let it start."""
    numbers = [
        (await jobs.accept(f"event of {prompt}", new_job(prompt, owner=f"console:{prompt}")))[0] for prompt in prompts
    ]
    for job_id in numbers:
        await jobs.start(job_id)
    return numbers


async def get(jobs: Jobs, job_id: int) -> JobRecord:
    """Find a job that is there."""
    record = await jobs.get(job_id)
    assert record is not None
    return record


async def test_all_that_a_dispatch_led_to_is_found_again(jobs: Jobs, database: Database) -> None:
    whole, partial, cancelled = await accept(jobs, "a", "b", "c")

    await jobs.settle(
        [outcome(whole), outcome(partial, "queued", gpu_ms=700), outcome(cancelled, "cancelled", gpu_ms=0)],
        virtual_times_ms={"console:a": 1500, "console:b": 700},
        learned=[SPEED],
    )

    found = [await get(jobs, job_id) for job_id in (whole, partial, cancelled)]
    assert [(job.state, job.gpu_ms) for job in found] == [("done", 1500), ("queued", 700), ("cancelled", 0)]
    assert await Members(database).accounts() == {
        "console:a": AccountRecord(virtual_time_ms=1500, weight=1),
        "console:b": AccountRecord(virtual_time_ms=700, weight=1),
    }
    assert await Measurements(database).all() == (SPEED,)


async def test_a_job_that_is_over_owes_its_message_and_one_that_waits_again_does_not(jobs: Jobs) -> None:
    over, waiting = await accept(jobs, "a", "b")
    error = "The model ran out of memory."

    await jobs.settle(
        [JobOutcome(job_id=over, state="failed", gpu_ms=40, error=error), outcome(waiting, "queued")],
        virtual_times_ms={},
    )

    (owed,) = await jobs.owed()
    assert (owed.id, owed.error, owed.want_rev, owed.shown_rev) == (over, error, 2, 0)
    assert owed.ended_ms is not None
    assert owed.ended_ms >= owed.created_ms
    again = await get(jobs, waiting)
    assert (again.want_rev, again.ended_ms, again.error) == (1, None, "")


async def test_the_workers_that_were_lost_under_a_job_are_counted_where_that_is_told(jobs: Jobs) -> None:
    (job_id,) = await accept(jobs, "a")

    await jobs.settle([outcome(job_id, "queued", attempts=2, gpu_ms=3250)], virtual_times_ms={})
    first = await get(jobs, job_id)
    await jobs.settle([outcome(job_id, gpu_ms=4000)], virtual_times_ms={})

    assert (first.state, first.attempts, first.gpu_ms) == ("queued", 2, 3250)
    assert (await get(jobs, job_id)).attempts == 2


@pytest.mark.parametrize("end", ["done", "failed", "cancelled"])
async def test_what_has_ended_is_never_changed_again(jobs: Jobs, end: str) -> None:
    (job_id,) = await accept(jobs, "a")
    await jobs.settle([outcome(job_id, end)], virtual_times_ms={})
    before = await get(jobs, job_id)

    await jobs.start(job_id, foretold_ms=5)
    await jobs.pass_over(job_id)
    await jobs.boost(job_id, lambda _: None, since_ms=0)
    await jobs.settle([outcome(job_id, "queued", attempts=1, gpu_ms=9)], virtual_times_ms={})
    await jobs.settle([outcome(job_id, "done", gpu_ms=9)], virtual_times_ms={})

    assert await get(jobs, job_id) == before


async def test_a_charge_that_comes_with_a_job_that_is_over_already_is_kept(jobs: Jobs, database: Database) -> None:
    (job_id,) = await accept(jobs, "a")
    await jobs.settle([outcome(job_id, "cancelled")], virtual_times_ms={})

    await jobs.settle([outcome(job_id)], virtual_times_ms={"console:a": 20})

    assert (await Members(database).accounts())["console:a"].virtual_time_ms == 20


async def test_of_a_settlement_that_is_refused_nothing_is_kept(jobs: Jobs, database: Database) -> None:
    (job_id,) = await accept(jobs, "a")
    before = await get(jobs, job_id)
    impossible = JobOutcome(job_id=job_id, state=None, gpu_ms=1)  # type: ignore[arg-type]

    with pytest.raises(IntegrityError):
        await jobs.settle(
            [outcome(job_id, "queued", gpu_ms=5), impossible], virtual_times_ms={"console:a": 5}, learned=[SPEED]
        )

    assert await get(jobs, job_id) == before
    assert await Members(database).accounts() == {}
    assert await Measurements(database).all() == ()


async def test_an_account_moves_without_a_job_too_and_may_be_corrected_downwards(
    jobs: Jobs, database: Database
) -> None:
    await jobs.move_account("telegram:1", 100)
    await jobs.move_account("telegram:1", 50)

    assert await Members(database).accounts() == {"telegram:1": AccountRecord(virtual_time_ms=50, weight=1)}


async def test_what_was_learned_last_replaces_what_was_known_of_the_same_shape(jobs: Jobs, database: Database) -> None:
    measurements = Measurements(database)
    other = [LearnedRecord(**{**FACTS, name: "other"}) for name in ("card", "model", "shape")]
    await measurements.put([SPEED, *other])

    newer = LearnedRecord(**{**FACTS, "facts": {"picture_s": 3}})
    await jobs.settle((), virtual_times_ms={}, learned=[newer])

    known = {(record.card, record.model, record.shape): record.facts for record in await measurements.all()}
    assert known.pop(("H100", "demo", "64x48, 8 steps")) == {"picture_s": 3}
    assert sorted(known) == sorted((record.card, record.model, record.shape) for record in other)
    assert all(facts == SPEED.facts for facts in known.values())
