"""Does the queue go on after a restart as if there had been none, from what was told to be kept?"""

from __future__ import annotations

from dataclasses import replace

from generation import AccountMoved, JobEnded, JobRequeued, JobState
from tests.generation.studio import Studio, job, request


def accounts(studio: Studio) -> dict[str, int]:
    """Give the accounts as whoever listens has kept them."""
    told = [event for event in studio.events if isinstance(event, AccountMoved | JobEnded)]
    return {event.owner: event.virtual_time_ms for event in told}


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
        order = [told.job_id for told in studio.service.forecast()]
        kept = accounts(studio)

    async with studio.opened(is_paused=True):
        for owner, virtual_time_ms in kept.items():
            studio.service.restore(owner, virtual_time_ms)
        for each in waiting:
            studio.service.take_back(each)
        again = [told.job_id for told in studio.service.forecast()]

    assert again == order
    assert set(order) == {3, 4, 5, 6}


async def test_who_was_lifted_is_told_so_before_anything_was_made(studio: Studio) -> None:
    async with studio.opened():
        studio.service.submit(job(1, "ann"))
        charged = await studio.ended(1)
        studio.service.pause()

        studio.service.submit(job(2, "bob"))
        moved = await studio.seen(AccountMoved, owner="bob")

    assert moved.virtual_time_ms == charged.virtual_time_ms


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
