"""Is it known at any time when the waiting jobs start, and does what is promised come true?"""

from __future__ import annotations

import pytest

from generation import JobStarted, ModelLoading, OutlookChanged, Policy, Reason
from tests.generation.studio import Studio, job, request


class Clock:
    """A clock that a test turns on."""

    def __init__(self) -> None:
        self.time_s = 100.0

    def __call__(self) -> float:
        return self.time_s


async def test_the_outlook_says_who_goes_first_and_when(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=1), is_paused=True):
        await studio.service.load("flat")
        for job_id, owner in ((1, "ann"), (2, "ann"), (3, "bob")):
            studio.service.submit(job(job_id, owner))

        outlook = await studio.outlook(1, 2, 3)

    told = [(each.job_id, each.runs_before, each.seconds) for each in outlook.forecasts.values()]
    assert told == [(1, 0, 0), (3, 1, 4), (2, 2, 8)]
    assert [(run.job_ids, run.owners, run.load_s, run.seconds) for run in outlook.runs] == [
        ((1,), ("ann",), 0, 4),
        ((3,), ("bob",), 0, 4),
        ((2,), ("ann",), 0, 4),
    ]


async def test_two_workers_halve_the_wait(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=1), devices=("cpu", "cpu"), is_paused=True):
        await studio.service.card()
        for job_id in (1, 2, 3):
            studio.service.submit(job(job_id, str(job_id)))

        outlook = await studio.outlook(1, 2, 3)

    first, second, third = (outlook.forecasts[job_id].seconds for job_id in (1, 2, 3))
    assert first == second == 0
    assert third == pytest.approx(outlook.runs[0].seconds + outlook.runs[0].load_s)


async def test_the_outlook_says_why_a_job_goes_first(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        await studio.service.load("flat")
        studio.service.submit(job(1, "ann", asked=request(model="flatter")))
        studio.service.submit(job(2, "bob"))

        outlook = await studio.outlook(1, 2)

    assert [(run.job_ids, run.reason) for run in outlook.runs] == [((2,), Reason.RESIDENT), ((1,), Reason.SHARE)]
    assert outlook.runs[1].load_s > 0


async def test_a_new_outlook_is_told_whenever_jobs_come_start_end_or_are_given_up(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            studio.service.submit(job(2))
            await studio.held(1)
            await studio.foreseen(lambda outlook: list(outlook.forecasts) == [2])
            studio.service.cancel(2)
            rest = await studio.foreseen(lambda outlook: not outlook.forecasts)
        await studio.foreseen(lambda outlook: not outlook.under_way)

    assert [run.job_ids for run in rest.under_way] == [(1,)]


async def test_outlooks_keep_their_distance(studio: Studio) -> None:
    async with studio.opened(is_paused=True, outlook_pause_s=3600):
        studio.service.submit(job(1))
        await studio.outlook(1)  # the first one comes at once

        studio.service.submit(job(2))
        assert await studio.service.load("flat") > 0
        told = [event for event in studio.events if isinstance(event, OutlookChanged)]

        assert len(told) == 1
        assert set(studio.service.outlook().forecasts) == {1}


async def test_after_idling_the_first_outlook_comes_at_once(studio: Studio) -> None:
    async with studio.opened(outlook_pause_s=3600):
        await studio.service.card()
        await studio.seen(OutlookChanged)  # there is nothing to foretell
        studio.service.pause()
        studio.service.submit(job(1))

        assert list((await studio.outlook(1)).forecasts) == [1]


async def test_a_job_that_no_outlook_knows_yet_has_a_rough_prospect(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=1), is_paused=True, outlook_pause_s=3600):
        studio.service.submit(job(1))
        await studio.outlook(1)
        studio.service.submit(job(2))

        known, rough, none = (studio.service.prospect(job_id) for job_id in (1, 2, 3))

    assert known is not None
    assert rough is not None
    assert (known.runs_before, known.p50_s) == (0, 0)
    assert rough.runs_before is None
    assert 0 < rough.p50_s < rough.p90_s
    assert none is None


async def test_a_prospect_counts_down_until_there_is_a_newer_one(studio: Studio) -> None:
    clock = Clock()
    async with studio.opened(studio.catalogue(seconds_per_step=10), is_paused=True, now=clock):
        await studio.service.load("flat")
        studio.service.submit(job(1, "ann"))
        studio.service.submit(job(2, "bob"))
        await studio.outlook(1, 2)
        spans = []
        for clock.time_s in (100.0, 130.0, 200.0):
            prospect = studio.service.prospect(2)
            assert prospect is not None
            spans.append((prospect.p50_s, prospect.p90_s))

    assert spans == [(40, 90), (10, 30), (0, 10)]


async def test_a_start_tells_what_was_foretold_and_what_came_of_it(studio: Studio) -> None:
    clock = Clock()
    async with studio.opened(studio.catalogue(seconds_per_step=10), now=clock):
        with studio.switched("hold"):
            studio.service.submit(job(1, "ann"))
            await studio.held(1)
            studio.service.submit(job(2, "bob"))
            await studio.outlook(2)
            clock.time_s += 70
            studio.service.submit(job(3, "cem"))
            await studio.outlook(3)  # what is foretold later does not count
        await studio.ended(2)
        told = await studio.seen(JobStarted, job_id=2)

    assert told.foretold_s is not None
    assert 40 <= told.foretold_s < 50
    assert told.waited_s == 70


async def test_waits_of_earlier_runs_widen_what_is_promised(studio: Studio) -> None:
    waits = [(0.0, 20.0)] * 30 + [(0.0, 50.0)] * 10
    async with studio.opened(waits=waits, is_paused=True):
        studio.service.submit(job(1))
        await studio.outlook(1)

        prospect = studio.service.prospect(1)

    assert prospect is not None
    assert (prospect.p50_s, prospect.p90_s) == (20, 50)


@pytest.mark.parametrize("is_paused_first", [True, False])
async def test_a_wait_during_a_pause_says_nothing_about_forecasts(studio: Studio, *, is_paused_first: bool) -> None:
    async with studio.opened(is_paused=is_paused_first):
        with studio.switched("hold"):
            if not is_paused_first:
                studio.service.submit(job(1))
                await studio.held(1)
            studio.service.submit(job(2))
            await studio.outlook(2)
            if not is_paused_first:
                studio.service.pause()
        studio.service.resume()
        await studio.ended(2)
        told = await studio.seen(JobStarted, job_id=2)

    assert told.foretold_s is None


async def test_a_wait_from_before_a_restart_says_nothing_about_forecasts(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)
            studio.service.take_back(job(2))
            await studio.outlook(2)
        await studio.ended(2)
        told = await studio.seen(JobStarted, job_id=2)

    assert told.foretold_s is None


async def test_other_parameters_hold_from_the_next_outlook_on(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=1), policy=Policy(window_s=60), is_paused=True):
        await studio.service.load("flat")
        studio.service.submit(job(1, "ann", asked=request(model="flatter")))
        studio.service.submit(job(2, "bob"))
        before = list((await studio.outlook(1, 2)).forecasts)

        studio.service.restore("bob", 5000)
        studio.service.set_policy(Policy(window_s=0))
        await studio.foreseen(lambda outlook: list(outlook.forecasts) == [1, 2])

        assert studio.service.policy == Policy(window_s=0)
    assert before == [2, 1]


async def test_the_first_guess_of_a_pictures_cost_is_the_catalogues_until_it_was_measured(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        guessed_s = studio.service.expected_s(request())
        studio.service.submit(job(1))
        await studio.ended(1)

        assert guessed_s == 60
        assert studio.service.expected_s(request()) < 10


async def test_what_was_learned_of_the_machine_is_known_after_a_restart(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        with studio.switched("hold-load"):
            studio.service.submit(job(1))
            await studio.seen(ModelLoading)
        await studio.ended(1)
        known_s = studio.service.expected_s(request())
        card = (await studio.service.card()).name
        learned = studio.learned()

    async with studio.opened(studio.catalogue(seconds_per_step=15), learned=learned.values(), is_paused=True):
        await studio.service.card()
        studio.service.submit(job(2))
        outlook = await studio.outlook(2)

        assert studio.service.expected_s(request()) == known_s
    assert {(each.card, each.model) for each in learned.values()} == {(card, "flat")}
    assert outlook.runs[0].load_s == learned[card, "flat", ""].facts["load_s"]
