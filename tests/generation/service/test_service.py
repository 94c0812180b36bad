"""Are jobs made, cancelled and charged as their owners were told?"""

from __future__ import annotations

from io import BytesIO
from time import monotonic

import pytest
from PIL import Image

from generation import JobEnded, JobRequeued, JobStarted, JobState, ModelLoading, OutlookChanged, PictureMade, StepDone
from tests.generation.studio import Studio, job, request


async def test_a_job_is_started_stepped_and_ended_with_all_its_pictures(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1, asked=request(seed=7, images=3)))

        end = await studio.ended(1)

    assert end.state is JobState.DONE
    told = [type(event) for event in studio.events if not isinstance(event, OutlookChanged)]
    assert told[:2] == [JobStarted, ModelLoading]
    assert [(picture.index, picture.seed) for picture in studio.pictures(1)] == [(0, 7), (1, 8), (2, 9)]
    steps = [(event.index, event.pictures, event.step) for event in studio.events if isinstance(event, StepDone)]
    assert steps == [(0, 3, step) for step in range(1, 5)]
    assert end.gpu_seconds > 0
    assert studio.accounts_ms() == {"ann": pytest.approx(1000 * end.gpu_seconds, abs=2)}


async def test_the_same_request_gives_the_same_file_and_another_seed_another(studio: Studio) -> None:
    async with studio.opened():
        for job_id, seed in ((1, 5), (2, 5), (3, 6)):
            studio.service.submit(job(job_id, seed=seed))
            await studio.ended(job_id)

    first, again, other = (studio.pictures(job_id)[0].png for job_id in (1, 2, 3))
    assert first == again
    assert first != other


async def test_a_long_job_shows_previews(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            while (preview := (await studio.seen(StepDone, after=len(studio.events))).preview) is None:
                pass
        await studio.ended(1)

    assert Image.open(BytesIO(preview)).size == (8, 8)


async def test_who_asks_for_one_picture_is_not_kept_waiting_by_who_asked_for_many(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        for job_id in (1, 2, 3, 4):
            studio.service.submit(job(job_id, "greedy"))
        studio.service.submit(job(5, "modest"))
        studio.service.resume()

        await studio.ended(4)

    assert studio.started() == [1, 5, 2, 3, 4]


async def test_a_waiting_job_is_cancelled_at_once_and_free_of_charge(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        studio.service.submit(job(1))
        assert studio.service.cancel(1)
        end = await studio.ended(1)

        studio.service.resume()
        studio.service.submit(job(2))
        await studio.ended(2)

    assert (end.state, end.gpu_seconds) == (JobState.CANCELLED, 0)
    assert studio.started() == [2]


async def test_a_running_job_is_cancelled_between_two_steps_and_charged_what_it_used(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)

            assert studio.service.cancel(1)
            end = await studio.ended(1)
        studio.service.submit(job(2))
        await studio.ended(2)

    assert end.state is JobState.CANCELLED
    assert end.gpu_seconds > 0
    assert studio.pictures(1) == []
    assert len(studio.pictures(2)) == 1
    assert studio.worker.starts == 1


async def test_a_job_cancelled_while_its_model_loads_makes_no_step(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold-load"):
            studio.service.submit(job(1))
            await studio.seen(JobStarted, job_id=1)
            studio.service.cancel(1)
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert not any(isinstance(event, StepDone) for event in studio.events)


async def test_a_picture_that_is_finished_after_the_cancel_is_not_shown(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold-decode"):
            studio.service.submit(job(1))
            await studio.seen(StepDone, step=4)
            studio.service.cancel(1)
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert studio.pictures(1) == []


async def test_a_cancel_that_came_too_late_does_not_stop_the_same_job_when_it_is_run_again(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold-decode"):
            studio.service.submit(job(1))
            await studio.seen(StepDone, step=4)
            studio.service.cancel(1)
        await studio.ended(1)
        before = len(studio.events)

        studio.service.submit(job(1))
        end = await studio.ended(1, after=before)

    assert end.state is JobState.DONE
    assert len(studio.pictures(1)) == 1


async def test_a_job_too_long_for_one_dispatch_lets_others_go_in_between(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15), is_paused=True):  # a picture is 60 s, they say
        studio.service.submit(job(1, "greedy", asked=request(images=4)))
        studio.service.submit(job(2, "modest"))
        studio.service.resume()

        end = await studio.ended(1)

    assert studio.started() == [1, 2, 1]
    assert [picture.index for picture in studio.pictures(1)] == [0, 1, 2, 3]
    between = next(event for event in studio.events if isinstance(event, JobRequeued))
    assert between.attempts == 0
    assert 0 < between.gpu_seconds < end.gpu_seconds


async def test_the_rest_of_a_job_can_be_cancelled_while_it_waits(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=request(images=4)))
            await studio.held(1)
            studio.service.pause()
        part = await studio.seen(JobRequeued, job_id=1)

        assert studio.service.cancel(1)
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert end.gpu_seconds == part.gpu_seconds


async def test_a_running_job_is_cancelled_with_its_waiting_rest(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=request(images=4)))
            await studio.held(1)
            studio.service.cancel(1)
            await studio.ended(1)

        assert studio.service.status().waiting == 0
        assert not studio.service.cancel(1)
    assert [event.job_id for event in studio.events if isinstance(event, JobEnded)] == [1]


async def test_a_job_that_is_unknown_or_over_cannot_be_cancelled(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1))
        await studio.ended(1)

        assert not studio.service.cancel(1)
        assert not studio.service.cancel(99)


async def test_what_the_model_cannot_do_fails_its_job_in_words_and_nobody_elses(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("error", seed=1):
            studio.service.submit(job(1))
            studio.service.submit(job(2, "bob"))
            failed, done = await studio.ended(1), await studio.ended(2)

    assert failed.state is JobState.FAILED
    assert failed.error == "The model failed on this request. An admin finds the reason in the log."
    assert "the fake was told to fail" in studio.log_file.read_text()
    assert done.state is JobState.DONE
    assert studio.worker.starts == 1


async def test_a_checkpoint_that_cannot_be_read_fails_the_job_free_of_charge(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("broken"):
            studio.service.submit(job(1))
            failed = await studio.ended(1)
        studio.service.submit(job(2))
        done = await studio.ended(2)

    assert failed.state is JobState.FAILED
    assert failed.error == "flat: its checkpoint cannot be read; fetch it anew or ask an admin."
    assert failed.gpu_seconds == 0
    assert done.state is JobState.DONE


async def test_loading_a_model_is_charged_to_nobody(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold-load"):
            studio.service.submit(job(1))
            await studio.seen(ModelLoading, model="flat")
            began = monotonic()
            async with studio.another_worker() as other:
                await other.start()  # which takes a moment
            held_s = monotonic() - began
        end = await studio.ended(1)

    assert 0 < end.gpu_seconds < held_s


async def test_a_job_that_does_not_fit_fails_with_the_reason_and_what_would(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(weights_gib=9000)):
        studio.service.submit(job(1))
        end = await studio.ended(1)

    assert end.state is JobState.FAILED
    assert end.error.startswith("flat at 64x64 needs about 18000.")
    assert "What runs here: demo (about 1 s), demo-fast (about 1 s)." in end.error


async def test_a_job_whose_model_has_left_the_catalogue_fails_in_words(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1, asked=request(model="gone")))
        studio.service.submit(job(2))
        failed, done = await studio.ended(1), await studio.ended(2)

    assert failed.state is JobState.FAILED
    assert failed.error.startswith("There is no model 'gone'. Models: demo,")
    assert done.state is JobState.DONE


async def test_a_paused_queue_finishes_what_runs_and_starts_nothing(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            studio.service.submit(job(2))
            await studio.held(1)
            studio.service.pause()
        await studio.ended(1)
        assert await studio.service.load("flatter") >= 0  # whatever was to be started after job 1 is decided by now
        waiting = studio.service.status()

        studio.service.resume()
        await studio.ended(2)

    assert (waiting.is_paused, waiting.running, waiting.waiting) == (True, (), 1)


@pytest.mark.parametrize("images", [1, 4])
async def test_the_account_grows_by_what_was_measured_and_not_by_the_estimate(studio: Studio, images: int) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        studio.service.submit(job(1, asked=request(images=images)))
        end = await studio.ended(1)

    account_ms = studio.accounts_ms()["ann"]
    assert account_ms < 10_000
    assert account_ms == pytest.approx(1000 * end.gpu_seconds, abs=1.5)
    assert {type(event) for event in studio.events} >= {PictureMade, JobEnded}
