"""Does a start picture reach the worker, and is only its own job harmed if it does not?"""

from __future__ import annotations

import hashlib
import os
import threading
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image

from generation import (
    DispatchSettled,
    ImagineRequest,
    JobEnded,
    JobRequeued,
    JobStarted,
    JobState,
    Service,
    StepDone,
    read_metadata,
)
from tests.generation.strange_pictures import BLUE, RED, file_of
from tests.generation.studio import Studio, job, request, workers

LOST = "The start picture of this job is no longer there, so the job was given up; send the start picture anew."
CHANGED = (
    "The start picture of this job is no longer what it was, so the job was given up; send the start picture anew."
)


def picture(colour: tuple[int, int, int] = RED) -> bytes:
    """Give a small start picture."""
    return file_of(Image.new("RGB", (40, 20), colour))


def from_picture(name: str, *, seed: int = 1, strength: float = 0.5, images: int = 1) -> ImagineRequest:
    """Give a request that starts from the picture of that name."""
    return replace(request(seed=seed, images=images), image=name, strength=strength)


async def made(studio: Studio, number: int, asked: ImagineRequest) -> bytes:
    """Have a request's first picture made."""
    studio.service.submit(job(number, asked=asked))
    end = await studio.ended(number)
    assert end.state is JobState.DONE
    return studio.pictures(number)[0].png


async def test_a_picture_depends_on_the_one_it_starts_from(studio: Studio) -> None:
    red, blue = (studio.keep(picture(colour)) for colour in (RED, BLUE))
    async with studio.opened():
        asked = [from_picture(red), from_picture(red), from_picture(blue), from_picture(red, strength=0.75), request()]
        first, again, *others = [await made(studio, number, one) for number, one in enumerate(asked, start=1)]

    assert first == again
    assert len({first, *others}) == 4


async def test_only_the_steps_that_are_taken_are_told(studio: Studio) -> None:
    name = studio.keep(picture())
    async with studio.opened():
        await made(studio, 1, from_picture(name, strength=0.6))

    steps = [(event.step, event.steps) for event in studio.events if isinstance(event, StepDone)]
    assert steps == [(1, 2), (2, 2)]  # of four


async def test_the_picture_remembers_what_it_started_from(studio: Studio, tmp_path: Path) -> None:
    asked = from_picture(studio.keep(picture()))
    async with studio.opened():
        (tmp_path / "made.png").write_bytes(await made(studio, 1, asked))

    assert read_metadata(tmp_path / "made.png").request == asked


async def test_a_start_picture_that_is_gone_ends_its_job_and_nobody_elses(studio: Studio) -> None:
    name = studio.keep(picture())
    async with studio.opened(is_paused=True):
        for number in (1, 2):
            studio.service.submit(job(number, asked=from_picture(name, images=2)))
        studio.service.submit(job(3))
        studio.picture(name).unlink()
        studio.service.resume()
        ends = [await studio.ended(number) for number in (1, 2, 3)]

    assert [end.state for end in ends] == [JobState.FAILED, JobState.FAILED, JobState.DONE]
    assert [end.error for end in ends] == [LOST, LOST, ""]
    assert ends[0].gpu_seconds == ends[1].gpu_seconds == 0
    assert studio.worker.starts == 1


@pytest.mark.parametrize("damage", [b"", picture(BLUE)], ids=["empty", "another one"])
async def test_a_start_picture_that_was_changed_on_the_disk_is_not_drawn_from(studio: Studio, damage: bytes) -> None:
    name = studio.keep(picture())
    studio.picture(name).write_bytes(damage)
    async with studio.opened():
        studio.service.submit(job(1, asked=from_picture(name)))
        end = await studio.ended(1)

    assert (end.state, end.error) == (JobState.FAILED, CHANGED)


async def test_a_start_picture_that_is_a_folder_is_gone(studio: Studio) -> None:
    name = hashlib.sha256(b"").hexdigest()
    studio.picture(name).mkdir()
    async with studio.opened():
        studio.service.submit(job(1, asked=from_picture(name)))
        end = await studio.ended(1)

    assert (end.state, end.error) == (JobState.FAILED, LOST)


async def test_what_is_no_picture_fails_its_job_in_words(studio: Studio) -> None:
    name = studio.keep(b"no picture at all")
    async with studio.opened():
        studio.service.submit(job(1, asked=from_picture(name)))
        studio.service.submit(job(2, "bob"))
        failed, done = await studio.ended(1), await studio.ended(2)

    assert failed.state is JobState.FAILED
    assert failed.error.startswith("The start picture is not a PNG, JPEG or WEBP file that can be read")
    assert done.state is JobState.DONE


async def test_a_service_that_never_sees_pictures_says_so(studio: Studio) -> None:
    catalogue = studio.catalogue()
    async with studio.another_worker(catalogue) as worker, Service(catalogue, [worker]) as service:
        service.submit(job(1, asked=from_picture("0" * 64)))
        (end,) = await anext(event.outcomes async for event in service.events() if isinstance(event, DispatchSettled))

    assert isinstance(end, JobEnded)
    assert end.error == "Start pictures are not possible here: this service was set up for text alone."


async def test_a_job_from_a_picture_is_made_again_from_it_when_the_worker_dies(studio: Studio) -> None:
    name = studio.keep(picture())
    async with studio.opened():
        first = await made(studio, 1, from_picture(name))
        studio.switch_on("crash")
        again = await made(studio, 2, from_picture(name))
        await studio.seen(JobRequeued, job_id=2)

    assert again == first


async def test_a_job_from_a_picture_is_cancelled_between_two_steps(studio: Studio) -> None:
    name = studio.keep(picture())
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=from_picture(name)))
            await studio.held(1)
            assert studio.service.cancel(1)
            end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert studio.pictures(1) == []


async def test_a_job_cancelled_while_its_start_picture_is_read_makes_no_picture(studio: Studio) -> None:
    name = hashlib.sha256(picture()).hexdigest()
    os.mkfifo(studio.picture(name))  # which is read until somebody has written into it
    async with studio.opened():
        studio.service.submit(job(1, asked=from_picture(name)))
        await studio.seen(JobStarted, job_id=1)
        assert studio.service.cancel(1)
        studio.picture(name).write_bytes(picture())
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert studio.pictures(1) == []


async def test_the_queue_is_alive_while_a_start_picture_is_read(studio: Studio) -> None:
    name = hashlib.sha256(picture()).hexdigest()
    os.mkfifo(studio.picture(name))
    async with studio.opened():
        studio.service.submit(job(1, asked=from_picture(name)))
        await studio.seen(JobStarted, job_id=1)
        studio.service.submit(job(2, "bob"))
        waiting = studio.service.status().waiting
        studio.picture(name).write_bytes(picture())
        await studio.ended(2)

    assert waiting == 1
    assert len(studio.pictures(1)) == 1


async def test_a_worker_that_takes_no_order_is_replaced_even_if_the_start_picture_is_large(studio: Studio) -> None:
    noise = Image.frombytes("RGB", (1024, 1024), os.urandom(3 * 2**20))
    name = studio.keep(file_of(noise))  # 3 MiB, far more than a pipe holds
    async with studio.opened(step_timeout_s=2.0):
        await studio.service.card()
        (process,) = workers()
        psutil.Process(process.pid).suspend()
        studio.service.submit(job(1, asked=from_picture(name)))
        await studio.seen(JobRequeued, job_id=1)
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert studio.worker.starts == 2


async def test_leaving_while_a_large_start_picture_is_sent_takes_the_worker_along(studio: Studio) -> None:
    noise = Image.frombytes("RGB", (1024, 1024), os.urandom(3 * 2**20))
    name = studio.keep(file_of(noise))
    async with studio.opened():
        await studio.service.card()
        (process,) = workers()
        psutil.Process(process.pid).suspend()
        studio.service.submit(job(1, asked=from_picture(name)))
        await studio.seen(JobStarted, job_id=1)

    assert workers() == []
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("worker ")]


async def test_a_forecast_counts_only_the_steps_that_are_taken(studio: Studio) -> None:
    name = studio.keep(picture())
    async with studio.opened(studio.catalogue(seconds_per_step=1), is_paused=True):
        for number, strength in ((1, 0.25), (2, 1.0), (3, 0.5)):
            studio.service.submit(job(number, asked=from_picture(name, strength=strength)))

        outlook = await studio.outlook(1, 2, 3)

    assert [run.seconds for run in outlook.runs] == [1, 4, 2]
