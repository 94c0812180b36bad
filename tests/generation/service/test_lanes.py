"""Do several workers serve one queue, each for itself, so that what befalls one of them is no other's business?"""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from generation import (
    JobRequeued,
    JobStarted,
    JobState,
    QueueStalled,
    StepDone,
    WorkerDownError,
)
from tests.generation.studio import Studio, job, request, workers

BOTH = ("cpu", "cpu")


async def test_two_workers_serve_at_once(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        with studio.switched("hold"):
            studio.service.submit(job(1, "ann"))
            studio.service.submit(job(2, "bob"))
            await studio.held(1)
            await studio.held(2)
            running = studio.service.status().running
        ends = [await studio.ended(1), await studio.ended(2)]

    assert sorted(running) == [1, 2]
    assert [end.state for end in ends] == [JobState.DONE, JobState.DONE]


async def test_a_worker_that_dies_harms_only_what_it_makes(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        with studio.switched("hold", seed=2):
            studio.service.submit(job(2, "bob"))
            await studio.held(2)
            studio.switch_on("crash", seed=1)
            studio.service.submit(job(1, "ann"))
            again = await studio.ended(1)  # on a new process, or on the other worker's if that were free
        unharmed = await studio.ended(2)

    assert (again.state, unharmed.state) == (JobState.DONE, JobState.DONE)
    assert [event.job_id for event in studio.events if isinstance(event, JobRequeued)] == [1]
    assert sum(worker.starts for worker in studio.workers) == 3


async def test_what_a_dead_worker_left_is_made_by_another_that_is_idle(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        await studio.service.load("flat")
        studio.switch_on("crash", seed=1)
        studio.service.submit(job(1))
        end = await studio.ended(1)
        resident = [worker.resident for worker in studio.workers]

    assert end.state is JobState.DONE
    assert resident == [frozenset(), {"flat"}]


async def test_a_worker_that_does_not_start_keeps_nobody_from_the_others(studio: Studio) -> None:
    async with studio.opened(devices=("cuda:7", "cpu")):
        await studio.service.check(request())
        tried = studio.workers[0].starts
        await studio.service.check(request())  # which does not wait for another try
        tried_again = studio.workers[0].starts
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)
            studio.service.submit(job(2))
            await studio.outlook(2)
        ends = [await studio.ended(1), await studio.ended(2)]
        cards = studio.service.status().cards
        waited = await studio.seen(JobStarted, job_id=2)

    assert tried_again == tried
    assert [end.state for end in ends] == [JobState.DONE, JobState.DONE]
    assert waited.foretold_s is not None  # there was somebody to foretell it by
    assert [None if card is None else card.device for card in cards] == [None, "cpu"]
    assert not any(isinstance(event, QueueStalled) for event in studio.events)


async def test_jobs_are_told_to_be_stalled_only_when_no_worker_starts(studio: Studio, tmp_path: Path) -> None:
    studio.log_file = tmp_path / "missing" / "worker.log"  # a worker that cannot log does not start
    async with studio.opened(devices=BOTH):
        with pytest.raises(WorkerDownError, match="could not be started"):
            await studio.service.check(request())
        studio.service.submit(job(1))
        stalled = await studio.seen(QueueStalled)

        assert studio.service.waits(1)
        assert studio.service.cancel(1)
    assert stalled.text == "The image worker could not be started. An admin finds the reason in the log."


async def test_a_model_is_loaded_where_there_are_fewest_and_dropped_everywhere(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        await studio.service.load("flat")
        await studio.service.load("flatter")
        apart = [worker.resident for worker in studio.workers]
        with studio.switched("hold"):
            for job_id in (1, 2, 3, 4):
                studio.service.submit(job(job_id, str(job_id)))
            await studio.held(1)
        for job_id in (1, 2, 3, 4):
            await studio.ended(job_id)

        was_there = await studio.service.unload("flat")
        left = studio.service.status().resident
        is_still_there = await studio.service.unload("flat")

    assert apart == [{"flat"}, {"flatter"}]
    assert (was_there, left, is_still_there) == (True, {"flatter"}, False)


async def test_a_model_that_is_loaded_somewhere_is_answered_for_at_once(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        await studio.service.load("flat")
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)

            assert await studio.service.load("flat") == 0  # though the worker that has it is busy


async def test_of_idle_workers_the_one_that_has_the_model_takes_the_job(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        await studio.service.load("flat")
        await studio.service.load("flatter")

        for job_id, model in ((1, "flatter"), (2, "flat"), (3, "flatter")):
            studio.service.submit(job(job_id, asked=request(model=model)))
            await studio.ended(job_id)
        resident = [worker.resident for worker in studio.workers]

    assert resident == [{"flat"}, {"flatter"}]


async def test_an_errand_waits_for_its_own_worker_alone(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)

            assert await studio.service.load("flatter") > 0
            assert studio.service.status().running == (1,)
        await studio.ended(1)


async def test_a_pause_holds_for_all_workers(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        with studio.switched("hold"):
            for job_id in (1, 2, 3):
                studio.service.submit(job(job_id, str(job_id)))
            await studio.held(1)
            await studio.held(2)
            studio.service.pause()
        await studio.ended(1)
        await studio.ended(2)
        await studio.service.load("flatter")
        waits = studio.service.waits(3)

        studio.service.resume()
        await studio.ended(3)

    assert waits
    assert studio.started() == [1, 2, 3]


async def test_one_job_on_two_workers_ends_once_with_all_its_pictures(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15), devices=BOTH):  # a picture is 60 s, they say
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=request(seed=5, images=2)))
            for index in (0, 1):
                await studio.seen(StepDone, index=index)
            running = studio.service.status().running
        end = await studio.ended(1)

    assert running == (1,)
    assert end.state is JobState.DONE
    assert sorted(picture.seed for picture in studio.pictures(1)) == [5, 6]
    assert not any(isinstance(event, JobRequeued) for event in studio.events)


async def test_one_job_on_two_workers_is_cancelled_on_both(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15), devices=BOTH):
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=request(seed=5, images=2)))
            for index in (0, 1):
                await studio.seen(StepDone, index=index)

            assert studio.service.cancel(1)
            end = await studio.ended(1)
            running = studio.service.status().running

    assert end.state is JobState.CANCELLED
    assert running == ()
    assert studio.pictures(1) == []


async def test_one_job_on_two_workers_that_fails_on_one_is_given_up_on_the_other(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15), devices=BOTH):
        studio.switch_on("error", seed=7)
        with studio.switched("hold", seed=6):
            studio.service.submit(job(1, asked=request(seed=6, images=2)))
            end = await studio.ended(1)

    assert end.state is JobState.FAILED
    assert end.error == "The model failed on this request. An admin finds the reason in the log."


async def test_a_request_is_measured_by_the_smallest_card(studio: Studio) -> None:
    async with studio.opened(devices=BOTH):
        card = await studio.service.card()
        offered_gib = [each.memory_gib for each in studio.service.status().cards if each is not None]

    assert len(offered_gib) == 2
    assert card.memory_gib == min(offered_gib)


async def test_leaving_takes_all_workers_along(studio: Studio) -> None:
    studio.switch_on("hang")
    async with studio.opened(devices=BOTH):
        for job_id in (1, 2):
            studio.service.submit(job(job_id, str(job_id)))
        await studio.held(1)
        await studio.held(2)
        waiting = asyncio.create_task(studio.service.load("flatter"))
        await asyncio.wait([waiting], timeout=0)

    with pytest.raises(WorkerDownError, match="being shut down"):
        await waiting
    assert workers() == []


async def test_each_job_is_told_to_start_where_it_starts(studio: Studio) -> None:
    async with studio.opened(devices=BOTH, is_paused=True):
        for job_id in range(1, 7):
            studio.service.submit(job(job_id, f"member {job_id}"))
        studio.service.resume()
        for job_id in range(1, 7):
            await studio.ended(job_id)

    assert sorted(event.job_id for event in studio.events if isinstance(event, JobStarted)) == list(range(1, 7))
