"""What becomes of jobs, and of the worker process, when the worker dies, hangs or does not start?"""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from generation import JobRequeued, JobStarted, JobState, StepDone, WorkerDownError
from tests.generation.studio import Studio, job, request, workers


async def test_a_job_is_made_again_with_its_seed_when_the_worker_dies_under_it(studio: Studio) -> None:
    async with studio.opened():
        studio.switch_on("crash")
        studio.service.submit(job(1, seed=5))
        end = await studio.ended(1)
        again = await studio.seen(JobRequeued, job_id=1)

    assert end.state is JobState.DONE
    assert [picture.seed for picture in studio.pictures(1)] == [5]
    assert (again.attempts, again.gpu_seconds) == (1, 0)
    assert studio.worker.starts == 2


async def test_pictures_made_before_the_worker_died_are_not_made_again(studio: Studio) -> None:
    studio.switch_on("drawn")
    async with studio.opened(studio.catalogue(seconds_per_step=15)):  # a picture is 60 s, they say: a call of its own
        studio.switch_on("crash", seed=11)
        studio.service.submit(job(1, asked=request(seed=10, images=3)))
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert [picture.index for picture in studio.pictures(1)] == [0, 1, 2]
    assert (studio.folder / "switches" / "drawn").read_text().split().count("10") == 1


async def test_a_job_that_kills_the_worker_three_times_is_given_up_and_nobody_elses(studio: Studio) -> None:
    async with studio.opened():
        studio.switch_on("crash-always", seed=1)
        studio.service.submit(job(1))
        studio.service.submit(job(2, "bob"))
        poison, other = await studio.ended(1), await studio.ended(2)

    assert poison.state is JobState.FAILED
    assert (
        poison.error == "The image worker broke down 3 times on this job, so it was given up; the log has the reason."
    )
    assert studio.started().count(1) == 3
    assert other.state is JobState.DONE
    assert not [event for event in studio.events if isinstance(event, JobRequeued) and event.job_id == 2]


async def test_attempts_from_before_a_restart_count(studio: Studio) -> None:
    async with studio.opened():
        studio.switch_on("crash-always", seed=1)
        studio.service.take_back(replace(job(1), attempts=2))
        end = await studio.ended(1)

    assert end.state is JobState.FAILED
    assert studio.started() == [1]


async def test_a_broken_dispatch_is_charged_to_nobody_and_keeps_its_turn(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        studio.switch_on("crash", seed=1)
        studio.service.submit(job(1, "ann"))
        studio.service.submit(job(2, "bob"))
        studio.service.resume()
        first, _ = await studio.ended(1), await studio.ended(2)

    assert studio.started() == [1, 1, 2]
    assert studio.accounts_ms()["ann"] == max(1, round(1000 * first.gpu_seconds))


async def test_a_step_that_hangs_kills_the_worker_and_the_job_is_made_again(studio: Studio) -> None:
    async with studio.opened(step_timeout_s=1.0):
        with studio.switched("hang"):
            studio.service.submit(job(1))
            await studio.seen(JobRequeued, job_id=1, attempts=1)
        end = await studio.ended(1)
        alive = workers()

    assert end.state is JobState.DONE
    assert studio.worker.starts == 2
    assert len(alive) == 1


async def test_a_job_that_hangs_three_times_is_given_up_and_nobody_elses(studio: Studio) -> None:
    async with studio.opened(step_timeout_s=1.0):
        studio.switch_on("hang", seed=1)
        studio.service.submit(job(1))
        studio.service.submit(job(2, "bob"))
        poison, other = await studio.ended(1), await studio.ended(2)

    assert (poison.state, other.state) == (JobState.FAILED, JobState.DONE)


async def test_a_hanging_job_that_was_cancelled_is_not_made_again(studio: Studio) -> None:
    async with studio.opened(step_timeout_s=1.0):
        studio.switch_on("hang", seed=1)
        studio.service.submit(job(1))
        await studio.held(1)
        studio.service.cancel(1)
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert studio.started() == [1]


async def test_loading_may_take_longer_than_a_step_but_not_for_ever(studio: Studio) -> None:
    async with studio.opened(step_timeout_s=0.3, load_timeout_s=1.0):
        with studio.switched("hold-load"):
            studio.service.submit(job(1))
            await studio.seen(JobRequeued, job_id=1, attempts=1)
        end = await studio.ended(1)

    assert end.state is JobState.DONE


async def test_a_worker_that_died_idle_is_replaced_for_the_next_job_at_no_attempt(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1))
        await studio.ended(1)
        (process,) = workers()
        process.kill()
        process.wait(10)

        studio.service.submit(job(2))
        end = await studio.ended(2)

    assert end.state is JobState.DONE
    assert not [event for event in studio.events if isinstance(event, JobRequeued)]
    assert studio.worker.starts == 2


async def test_models_are_known_to_be_gone_with_the_worker_that_held_them(studio: Studio) -> None:
    async with studio.opened():
        await studio.service.load("flatter")
        studio.switch_on("crash")
        studio.service.submit(job(1))
        await studio.ended(1)

        assert studio.service.status().resident == {"flat"}


async def test_a_worker_that_does_not_start_is_tried_again_and_its_jobs_wait_meanwhile(
    studio: Studio, tmp_path: Path
) -> None:
    studio.log_file = tmp_path / "missing" / "worker.log"  # a worker that cannot log does not start
    async with studio.opened():
        studio.service.submit(job(1))
        with pytest.raises(WorkerDownError, match="could not be started"):
            await studio.service.card()
        assert studio.service.status().waiting == 1

        studio.log_file.parent.mkdir()
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert studio.started() == [1]
    assert studio.worker.starts > 1


async def test_a_device_that_is_not_there_is_named_to_whoever_asks(studio: Studio) -> None:
    async with studio.opened(devices=("cuda:7",)):
        with pytest.raises(
            WorkerDownError, match=r"There is no device cuda:7 here, torch finds \d+ GPUs: use auto or cpu"
        ):
            await studio.service.check(request())


async def test_leaving_in_the_midst_of_a_step_takes_the_worker_along(studio: Studio) -> None:
    studio.switch_on("hang")
    async with studio.opened():
        studio.service.submit(job(1))
        await studio.held(1)
        (process,) = workers()

    assert not process.is_running()
    assert workers() == []


async def test_leaving_answers_whoever_waits_for_the_worker(studio: Studio) -> None:
    with studio.switched("hold"):
        async with studio.opened():
            studio.service.submit(job(1))
            await studio.held(1)
            waiting = asyncio.create_task(studio.service.load("flatter"))
            await studio.seen(StepDone, after=len(studio.events))

        with pytest.raises(WorkerDownError, match="being shut down"):
            await waiting
        with pytest.raises(WorkerDownError, match="being shut down"):
            await studio.service.load("flatter")


async def test_the_worker_does_not_hear_ctrl_c(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.seen(JobStarted)
            (process,) = workers()
            os.kill(process.pid, signal.SIGINT)
            await studio.held(1)
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert studio.worker.starts == 1
