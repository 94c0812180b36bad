"""Are models loaded and unloaded on order, between the jobs?"""

from __future__ import annotations

import asyncio

import pytest

from generation import GenerationError, JobEnded, JobState, ModelsLearned, StepDone, WorkerDownError
from tests.generation.studio import Studio, job


async def test_a_model_is_loaded_once_and_unloaded_once(studio: Studio) -> None:
    async with studio.opened():
        assert await studio.service.load("FLATTER") > 0
        assert studio.service.status().resident == {"flatter"}
        assert await studio.service.load("flatter") == 0

        assert await studio.service.unload("flatter")
        assert studio.service.status().resident == frozenset()
        assert not await studio.service.unload("flatter")


async def test_what_loading_took_is_learned_though_no_job_was_made(studio: Studio) -> None:
    studio.switch_on("slow-load", number=0.1)
    async with studio.opened():
        card = (await studio.service.card()).name
        seconds = await studio.service.load("flat")
        assert await studio.service.load("flat") == 0  # which says nothing about loading
        await studio.seen(ModelsLearned)

    assert [(each.card, each.model, each.facts) for each in studio.learned().values()] == [
        (card, "flat", {"load_s": seconds, "loads": 1})
    ]


async def test_the_least_recently_used_model_makes_room(studio: Studio) -> None:
    async with studio.opened():
        card = await studio.service.card()
    resident = []
    for share in (0.3, 0.6):  # of the card, said to be taken by each of the two; on a processor twice the size in bf16
        async with studio.opened(studio.catalogue(weights_gib=card.memory_gib * share / 2)):
            await studio.service.load("flat")
            await studio.service.load("flatter")
            resident.append(studio.service.status().resident)

    assert resident == [{"flat", "flatter"}, {"flatter"}]


async def test_a_model_that_is_unknown_too_large_or_broken_is_refused_in_words(studio: Studio) -> None:
    async with studio.opened(studio.catalogue()):
        with pytest.raises(GenerationError, match=r"There is no model 'gone'\. Models: demo, .*flat, flatter"):
            await studio.service.load("gone")
        with pytest.raises(GenerationError, match="sdxl needs a GPU with 3 GB or more"):
            await studio.service.load("sdxl")
        with studio.switched("broken"), pytest.raises(GenerationError, match="flat: its checkpoint cannot be read"):
            await studio.service.load("flat")

        assert await studio.service.load("flat") > 0
    assert studio.worker.starts == 1


async def test_an_order_waits_for_the_job_that_runs(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold"):
            studio.service.submit(job(1))
            await studio.held(1)
            order = asyncio.create_task(studio.service.load("flatter"))
            await studio.seen(StepDone, after=len(studio.events))  # the job goes on meanwhile
            assert not order.done()
        await order

        assert [event.state for event in studio.events if isinstance(event, JobEnded)] == [JobState.DONE]


async def test_a_worker_that_dies_or_hangs_over_an_order_is_replaced(studio: Studio) -> None:
    async with studio.opened(load_timeout_s=0.5):
        with studio.switched("crash-load"), pytest.raises(WorkerDownError, match="broke down"):
            await studio.service.load("flat")
        with studio.switched("hold-load"), pytest.raises(WorkerDownError, match="stopped answering"):
            await studio.service.load("flat")

        assert await studio.service.load("flat") > 0
    assert studio.worker.starts == 3


async def test_an_admin_who_does_not_wait_for_the_answer_harms_nothing(studio: Studio) -> None:
    async with studio.opened():
        with studio.switched("hold-load"):
            order = asyncio.create_task(studio.service.load("flatter"))
            await asyncio.wait([order], timeout=0)
            order.cancel()
        studio.service.submit(job(1))
        end = await studio.ended(1)

    assert end.state is JobState.DONE
