"""Does the queue go on after a restart as if there had been none, from what was told to be kept?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation import AccountMoved, JobRequeued, JobState, Policy, Reason
from tests.generation.studio import Studio, job, request


async def test_those_who_wait_are_served_in_the_same_order_after_a_restart(studio: Studio) -> None:
    waiting = [job(3, "ann"), job(4, "ann"), job(5, "bob"), job(6, "cem")]
    async with studio.opened():
        studio.service.submit(job(1, "ann", asked=request(images=4)))
        studio.service.submit(job(2, "bob"))
        await studio.ended(1)
        await studio.ended(2)
        studio.service.pause()
        for each in waiting:
            studio.service.submit(each)
        await studio.seen(AccountMoved, owner="cem")
        order = list((await studio.outlook(3, 4, 5, 6)).forecasts)
        kept = studio.accounts_ms()

    async with studio.opened(learned=studio.learned().values(), is_paused=True):
        await studio.service.card()
        for owner, virtual_time_ms in kept.items():
            studio.service.restore(owner, virtual_time_ms)
        for each in waiting:
            studio.service.take_back(each)
        again = list((await studio.outlook(3, 4, 5, 6)).forecasts)

    assert again == order


@pytest.mark.parametrize(("weight", "order"), [(1.0, [1, 3, 2, 4, 5]), (4.0, [1, 3, 4, 5, 2])])
async def test_a_members_weight_counts_after_a_restart(studio: Studio, weight: float, order: list[int]) -> None:
    async with studio.opened(policy=Policy(window_s=0), is_paused=True):
        studio.service.restore("bob", 0, weight)
        for job_id, owner in ((1, "ann"), (2, "ann"), (3, "bob"), (4, "bob"), (5, "bob")):
            studio.service.take_back(job(job_id, owner))

        outlook = await studio.outlook(1, 2, 3, 4, 5)

    assert list(outlook.forecasts) == order


async def test_a_boost_from_before_a_restart_holds(studio: Studio) -> None:
    async with studio.opened(is_paused=True):
        studio.service.take_back(job(1, "ann"))
        studio.service.take_back(replace(job(2, "bob"), is_boosted=True))

        outlook = await studio.outlook(1, 2)

    assert [(run.job_ids, run.reason) for run in outlook.runs] == [((2,), Reason.BOOST), ((1,), Reason.SHARE)]


async def test_who_was_lifted_is_told_so_before_anything_was_made(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1, "ann"))
        charged = await studio.ended(1)
        studio.service.pause()

        studio.service.submit(job(2, "bob"))
        moved = await studio.seen(AccountMoved, owner="bob")

    assert moved.virtual_time_ms == max(1, round(1000 * charged.gpu_seconds))


async def test_what_a_job_has_used_before_a_restart_counts(studio: Studio) -> None:
    async with studio.opened(studio.catalogue(seconds_per_step=15)):
        with studio.switched("hold"):
            studio.service.submit(job(1, asked=request(images=4)))
            await studio.held(1)
            studio.service.pause()
        part = await studio.seen(JobRequeued, job_id=1)
        first = studio.pictures(1)

    async with studio.opened():
        rest = replace(job(1, asked=request(images=4)), missing=(1, 2, 3), gpu_seconds=part.gpu_seconds)
        studio.service.take_back(rest)
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert end.gpu_seconds > part.gpu_seconds
    assert [picture.seed for picture in first + studio.pictures(1)] == [1, 2, 3, 4]
