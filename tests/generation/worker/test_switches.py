"""Is a switch from one model to another put off while that saves time, and never for too long?"""

from __future__ import annotations

from dataclasses import replace

from generation import JobPassedOver, Learned, ModelLoading, Policy
from tests.generation.studio import Studio, job, request

LOAD_S = 10.0  # what loading a model is said to take
POLICY = Policy(window_s=1000, staleness=4)


class Clock:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


async def learned(studio: Studio) -> list[Learned]:
    """Give what is to be believed of how long the fake models take to load on this machine."""
    async with studio.opened():
        card = (await studio.service.card()).name
    return [
        Learned(card=card, model=model, shape="", facts={"load_s": LOAD_S, "loads": 1}) for model in ("flat", "flatter")
    ]


def submit_all(studio: Studio) -> None:
    """Let one member wait with many pictures of the loaded model, and one with a picture of the other model."""
    studio.service.submit(job(1, "ann"))
    studio.service.submit(job(2, "bob", asked=request(model="flatter", seed=2)))
    for job_id in (3, 4, 5):
        studio.service.submit(job(job_id, "ann"))


async def test_the_loaded_model_goes_first_within_the_window(studio: Studio) -> None:
    known = await learned(studio)
    async with studio.opened(learned=known, policy=POLICY, is_paused=True, now=Clock()):
        submit_all(studio)
        studio.service.resume()
        await studio.ended(2)

    assert studio.started() == [1, 3, 4, 5, 2]
    assert [event.job_id for event in studio.events if isinstance(event, JobPassedOver)] == [2]
    assert [event.model for event in studio.events if isinstance(event, ModelLoading)] == ["flat", "flatter"]


async def test_without_a_window_everyone_takes_turns_whatever_that_costs(studio: Studio) -> None:
    known = await learned(studio)
    async with studio.opened(learned=known, policy=Policy(window_s=0), is_paused=True, now=Clock()):
        submit_all(studio)
        studio.service.resume()
        await studio.ended(5)

    assert studio.started()[:2] == [1, 2]
    assert not any(isinstance(event, JobPassedOver) for event in studio.events)


async def test_a_switch_that_was_put_off_for_long_enough_is_made(studio: Studio) -> None:
    known, clock = await learned(studio), Clock()
    async with studio.opened(learned=known, policy=POLICY, is_paused=True, now=clock):
        with studio.switched("hold", seed=3):
            submit_all(studio)
            studio.service.resume()
            await studio.held(3)
            clock.time_s += POLICY.staleness * LOAD_S
        await studio.ended(2)
        await studio.ended(5)

    assert studio.started() == [1, 3, 2, 4, 5]


async def test_how_long_a_switch_was_put_off_before_a_restart_counts(studio: Studio) -> None:
    known = await learned(studio)
    overdue = replace(job(2, "bob", asked=request(model="flatter")), passed_over_s=POLICY.staleness * LOAD_S)
    async with studio.opened(learned=known, policy=POLICY, is_paused=True, now=Clock()):
        await studio.service.load("flat")
        studio.service.restore("ann", 500)
        for each in (job(1, "ann"), overdue, job(3, "ann")):
            studio.service.take_back(each)
        studio.service.resume()
        await studio.ended(3)

    assert studio.started() == [2, 1, 3]


async def test_a_boosted_job_is_next_at_its_owners_expense(studio: Studio) -> None:
    known = await learned(studio)
    async with studio.opened(learned=known, policy=POLICY, is_paused=True, now=Clock()):
        submit_all(studio)
        is_boosted = [studio.service.boost(job_id) for job_id in (5, 99)]
        studio.service.resume()
        await studio.ended(2)
        used_ms = studio.accounts_ms()

    assert is_boosted == [True, False]
    assert studio.started()[0] == 5
    assert used_ms["ann"] > 0


async def test_who_waits_with_forty_jobs_keeps_nobody_waiting_with_one(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            for job_id in range(1, 41):
                studio.service.submit(job(job_id, "hoarder"))
            await studio.held(1)
            studio.service.submit(job(41, "modest"))
        await studio.ended(41)
        studio.service.pause()

    assert studio.started()[:2] == [1, 41]


async def test_two_accounts_of_one_person_take_turns_as_one(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        for job_id, owner in ((1, "ann"), (2, "ann too"), (3, "ann"), (4, "ann too"), (5, "bob")):
            studio.service.submit(job(job_id, owner))
        studio.service.merge("ann too", "ann")
        studio.service.resume()
        ends = [await studio.ended(job_id) for job_id in range(1, 6)]

    assert studio.started() == [1, 5, 2, 3, 4]
    assert {end.owner for end in ends} == {"ann", "bob"}
    assert set(studio.accounts_ms()) == {"ann", "bob"}


async def test_twice_the_weight_halves_what_a_picture_counts(studio: Studio) -> None:
    async with studio.opened():
        studio.service.set_weight("ann", 2.0)
        studio.service.submit(job(1, "ann"))
        end = await studio.ended(1)

    assert abs(studio.accounts_ms()["ann"] - 500 * end.gpu_seconds) <= 1
