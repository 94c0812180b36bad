"""Do pictures of several people share a call where that saves time, and is nobody harmed by what befalls another's?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation import DispatchSettled, JobRequeued, JobState, Seat
from tests.generation.studio import Studio, job, request

THRIFTY = 0.7  # of a picture's time, a call takes once
PEOPLE = {1: "ann", 2: "bob", 3: "cem"}


def submit_all(studio: Studio) -> None:
    """Let three people ask for a picture each, at the same moment."""
    for job_id, owner in PEOPLE.items():
        studio.service.submit(job(job_id, owner))
    studio.service.resume()


def batches(studio: Studio, job_id: int) -> list[str]:
    """Say in which rows of which calls the pictures of a job were made."""
    return [picture.provenance["batch"] for picture in studio.pictures(job_id)]


def settled(studio: Studio) -> list[DispatchSettled]:
    """Give what came of each dispatch."""
    return [event for event in studio.events if isinstance(event, DispatchSettled)]


async def test_pictures_of_several_people_are_made_in_one_call_and_settled_at_once(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        submit_all(studio)
        ends = [await studio.ended(job_id) for job_id in PEOPLE]

    (call,) = settled(studio)
    assert [end.state for end in ends] == [JobState.DONE] * 3
    assert [batches(studio, job_id) for job_id in PEOPLE] == [["1 of 3"], ["2 of 3"], ["3 of 3"]]
    assert [studio.pictures(job_id)[0].seed for job_id in PEOPLE] == [1, 2, 3]
    assert call.outcomes == tuple(ends)
    assert set(call.virtual_times_ms) == set(PEOPLE.values())
    assert len(set(call.virtual_times_ms.values())) == 1


async def test_where_it_saves_no_time_nobody_shares_a_call(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=0), is_paused=True):
        submit_all(studio)
        for job_id in PEOPLE:
            await studio.ended(job_id)

    assert [batches(studio, job_id) for job_id in PEOPLE] == [["1 of 1"]] * 3


async def test_only_pictures_of_one_shape_share_a_call(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        studio.service.submit(job(1, "ann"))
        studio.service.submit(job(2, "bob", asked=replace(request(seed=2), width=128)))
        studio.service.submit(job(3, "cem", asked=request(seed=3, prompt="something else")))
        studio.service.resume()
        for job_id in PEOPLE:
            await studio.ended(job_id)

    assert [batches(studio, job_id) for job_id in PEOPLE] == [["1 of 2"], ["1 of 1"], ["2 of 2"]]


async def test_whoever_gives_up_in_a_shared_call_harms_nobody_else(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        with studio.switched("hold"):
            submit_all(studio)
            await studio.held(3)
            assert studio.service.cancel(2)
            running = studio.service.status().running
        ends = {job_id: await studio.ended(job_id) for job_id in PEOPLE}

    assert running == (1, 2, 3)
    assert [end.state for end in ends.values()] == [JobState.DONE, JobState.CANCELLED, JobState.DONE]
    assert [len(studio.pictures(job_id)) for job_id in PEOPLE] == [1, 0, 1]
    assert [batches(studio, job_id) for job_id in (1, 3)] == [["1 of 3"], ["3 of 3"]]
    assert studio.accounts_ms()["bob"] > 0  # the call took as long as with all three


async def test_a_call_is_broken_off_when_nobody_wants_it_any_more(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        with studio.switched("hold"):
            submit_all(studio)
            await studio.held(3)
            for job_id in PEOPLE:
                studio.service.cancel(job_id)
            ends = [await studio.ended(job_id) for job_id in PEOPLE]

    assert [end.state for end in ends] == [JobState.CANCELLED] * 3
    assert not any(each.shape for each in studio.learned().values())  # it says nothing about speeds


async def test_a_picture_that_fails_in_a_shared_call_harms_only_its_own_job(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        with studio.switched("error", seed=2):
            submit_all(studio)
            ends = [await studio.ended(job_id) for job_id in PEOPLE]

    first = settled(studio)[0]
    assert [end.state for end in ends] == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert ends[1].error == "The model failed on this request. An admin finds the reason in the log."
    assert first.outcomes == tuple(JobRequeued(job_id=job_id, attempts=1, gpu_seconds=0.0) for job_id in PEOPLE)
    assert set(first.virtual_times_ms.values()) == {0}
    assert [batches(studio, job_id) for job_id in PEOPLE] == [["1 of 1"], [], ["1 of 1"]]
    assert studio.worker.starts == 1


async def test_a_worker_that_dies_under_a_shared_call_loses_nobodys_job(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        studio.switch_on("crash", seed=2)
        submit_all(studio)
        ends = [await studio.ended(job_id) for job_id in PEOPLE]

    assert [end.state for end in ends] == [JobState.DONE] * 3
    assert [len(studio.pictures(job_id)) for job_id in PEOPLE] == [1, 1, 1]
    assert sorted(studio.started()) == [1, 1, 2, 2, 3, 3]
    assert studio.worker.starts == 2


async def test_a_job_that_kills_every_worker_is_given_up_and_nobody_elses(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        studio.switch_on("crash-always", seed=2)
        submit_all(studio)
        ends = [await studio.ended(job_id) for job_id in PEOPLE]

    assert [end.state for end in ends] == [JobState.DONE, JobState.FAILED, JobState.DONE]
    assert ends[1].error.startswith("The image worker broke down 3 times on this job")
    assert studio.started().count(2) == 3
    assert studio.started().count(1) == studio.started().count(3) == 2


async def test_two_workers_make_a_call_each_and_one_that_dies_harms_only_its_own(studio: Studio) -> None:
    people = {job_id: f"member {job_id}" for job_id in range(1, 9)}
    devices = ("cpu", "cpu")
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), devices=devices, is_paused=True):
        with studio.switched("hold", seed=1):
            for job_id, owner in people.items():
                studio.service.submit(job(job_id, owner))
            studio.switch_on("crash", seed=8)
            studio.service.resume()
            ends = [await studio.ended(job_id) for job_id in range(5, 9)]
            is_held = studio.service.status().running
        ends += [await studio.ended(job_id) for job_id in range(1, 5)]

    assert is_held == (1, 2, 3, 4)
    assert [end.state for end in ends] == [JobState.DONE] * 8
    assert {event.job_id for event in studio.events if isinstance(event, JobRequeued)} == {5, 6, 7, 8}
    assert [batches(studio, job_id) for job_id in range(1, 5)] == [[f"{row} of 4"] for row in range(1, 5)]


async def test_too_little_memory_halts_nobody_and_is_remembered(studio: Studio) -> None:
    studio.switch_on("oom", number=2)  # rows that fit
    catalogue = studio.catalogue(batch_fixed_share=THRIFTY)
    async with studio.opened(catalogue):
        studio.service.submit(job(1, asked=request(images=4)))
        first = await studio.ended(1)
        learned = studio.learned()
        attempts = {event.attempts for event in studio.events if isinstance(event, JobRequeued)}

    async with studio.opened(catalogue, learned=learned.values()):
        studio.service.submit(job(2, asked=request(images=4)))
        again = await studio.ended(2)

    assert (first.state, again.state) == (JobState.DONE, JobState.DONE)
    assert batches(studio, 2) == ["1 of 2", "2 of 2"] * 2
    assert attempts == {0}  # too many pictures at once are not the job's fault
    assert len(settled(studio)) == 2  # none was lost again


async def test_memory_that_was_too_little_is_charged_to_nobody(studio: Studio) -> None:
    studio.switch_on("oom", number=1)
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        submit_all(studio)
        ends = [await studio.ended(job_id) for job_id in PEOPLE]

    lost = settled(studio)[0]
    assert [end.state for end in ends] == [JobState.DONE] * 3
    assert {outcome.job_id for outcome in lost.outcomes} == set(PEOPLE)
    assert set(lost.virtual_times_ms.values()) == {0}
    assert [each.facts["most_rows"] for each in lost.learned if each.shape] == [2]


async def test_a_picture_is_repeated_in_its_old_seat_to_the_byte(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        submit_all(studio)
        await studio.ended(3)
        seat = Seat.from_text(batches(studio, 2)[0])
        again, alone = job(4, "bob", seed=2), job(5, "bob", seed=2)
        studio.service.submit(replace(again, seats={0: seat}))
        studio.service.submit(alone)
        await studio.ended(4)
        await studio.ended(5)

    made, repeated, other = (studio.pictures(job_id)[0] for job_id in (2, 4, 5))
    assert repeated.png == made.png
    assert repeated.provenance["batch"] == "2 of 3"
    assert other.png != made.png


async def test_a_seat_that_does_not_fit_any_more_is_given_up_for_the_picture(studio: Studio) -> None:
    studio.switch_on("oom", number=2)
    async with studio.opened():
        studio.service.submit(replace(job(1), seats={0: Seat(2, 4)}))
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert batches(studio, 1) == ["1 of 1"]


@pytest.mark.parametrize("attempts", [0, 1])
async def test_a_job_that_broke_before_a_restart_is_still_made_alone(studio: Studio, attempts: int) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY), is_paused=True):
        studio.service.take_back(replace(job(1, "ann"), attempts=attempts))
        studio.service.take_back(job(2, "bob"))
        studio.service.resume()
        await studio.ended(1)
        await studio.ended(2)

    assert batches(studio, 1) == (["1 of 1"] if attempts else ["1 of 2"])


async def test_a_shared_call_is_faster_than_one_by_one(studio: Studio) -> None:
    studio.switch_on("slow", number=0.2)  # seconds that a call takes, whatever it makes
    spans = {}
    for share in (0.0, THRIFTY):
        async with studio.opened(studio.catalogue(batch_fixed_share=share), is_paused=True):
            submit_all(studio)
            ends = [await studio.ended(job_id) for job_id in PEOPLE]
            spans[share] = sum(end.gpu_seconds for end in ends)

    assert spans[THRIFTY] < 0.6 * spans[0.0]


async def test_a_member_with_forty_jobs_leaves_a_seat_to_whoever_has_one(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(batch_fixed_share=THRIFTY)):
        with studio.switched("hold"):
            for job_id in range(1, 41):
                studio.service.submit(job(job_id, "hoarder"))
            await studio.held(1)
            studio.service.submit(job(41, "modest"))
        await studio.ended(41)
        studio.service.pause()

    assert studio.started()[:5] == [1, 2, 3, 4, 41]
    assert batches(studio, 41) == ["1 of 4"]
