"""Do several models stay where there is room for them, and does one that left the card come back from RAM?"""

from __future__ import annotations

from dataclasses import replace

import pytest

from generation import ModelLoading, ModelsLearned
from generation.memory.card import Card
from tests.generation.small_card import SIDE, asked, big_models, card, large_job, switch_on
from tests.generation.studio import Studio

# Large enough for "big" (15.8 GiB, of which 10.6 stay) beside "third" (as large) or "bigger" (14.3 stay), not for all.
CARD = card(32)
ALL = {"big", "bigger", "third"}


def loads(studio: Studio) -> list[str]:
    """Give the models that were brought to the card by jobs, in order."""
    return [event.model for event in studio.events if isinstance(event, ModelLoading)]


async def draw(studio: Studio, *models: str) -> None:
    """Have a picture made with each of these models, one after the other."""
    first = len(studio.started()) + 1
    for job_id, model in enumerate(models, start=first):
        studio.service.submit(large_job(job_id, model))
        await studio.ended(job_id)


async def test_models_stay_together_as_long_as_the_one_that_runs_has_room_to_work(studio: Studio) -> None:
    async with studio.opened(big_models(studio), card=CARD):
        await draw(studio, "big", "bigger", "big")
        together = studio.service.status()
        await draw(studio, "third")
        crowded = studio.service.status()

    assert together.resident == {"big", "bigger"}
    assert together.resting == frozenset()
    assert loads(studio) == ["big", "bigger", "third"]
    assert len(crowded.resident) == 2
    assert crowded.resident | crowded.resting == ALL


async def test_a_model_comes_back_from_ram_without_its_checkpoint_and_that_is_learned_apart(studio: Studio) -> None:
    async with studio.opened(big_models(studio), card=card(20)):
        await draw(studio, "big", "bigger")
        switch_on(studio, "big", "broken")  # whoever reads its checkpoint now fails
        await draw(studio, "big", "bigger")

    assert len([picture for job_id in (1, 2, 3, 4) for picture in studio.pictures(job_id)]) == 4
    learned = {(each.model, each.shape): each.facts for each in studio.learned().values()}
    assert {learned[model, shape]["loads"] for model in ("big", "bigger") for shape in ("", "from RAM")} == {1}


@pytest.mark.parametrize("memory", ["processor", "unified"])
async def test_where_card_and_ram_are_one_memory_a_model_that_leaves_is_gone(studio: Studio, memory: str) -> None:
    one = Card(device="cpu", name="A processor", memory_gib=40)
    one = one if memory == "processor" else replace(card(25), is_unified=True)
    async with studio.opened(big_models(studio), card=one):
        await draw(studio, "big", "bigger")
        status = studio.service.status()

    assert (status.resident, status.resting) == ({"bigger"}, frozenset())


async def test_what_rests_beyond_the_ram_is_closed_and_loaded_anew(studio: Studio) -> None:
    async with studio.opened(big_models(studio), card=card(20, host_gib=27)):  # two of the models
        await draw(studio, "big", "bigger", "third")
        status = studio.service.status()

    assert status.resident == {"third"}
    assert len(status.resting) == 1


async def test_a_model_is_unloaded_from_ram_too(studio: Studio) -> None:
    async with studio.opened(big_models(studio), card=card(20)):
        await draw(studio, "big", "bigger")
        was_there = [await studio.service.unload("big"), await studio.service.unload("big")]
        status = studio.service.status()

    assert was_there == [True, False]
    assert (status.resident, status.resting) == ({"bigger"}, frozenset())


async def test_an_order_brings_a_resting_model_back_to_the_card(studio: Studio) -> None:
    async with studio.opened(big_models(studio), card=card(20)):
        await draw(studio, "big", "bigger")
        await studio.service.load("big")
        status = studio.service.status()
        await studio.seen(ModelsLearned)

    assert (status.resident, status.resting) == ({"big"}, {"bigger"})


@pytest.mark.parametrize(
    ("model", "memory_gib"),
    [
        ("bigger", 14),  # the larger picture leaves room for fewer blocks
        ("big", 5.2),  # and here its longer steps hide what is streamed, so that it is made in a better precision
    ],
)
async def test_a_model_whose_pictures_change_size_is_placed_anew_out_of_ram(
    studio: Studio, model: str, memory_gib: float
) -> None:
    catalogue, small, sides = big_models(studio), card(memory_gib), (SIDE // 2, SIDE, SIDE // 2, SIDE)
    half, whole = (catalogue.plan(asked(model, side=side), small) for side in sides[:2])
    async with studio.opened(catalogue, card=small):
        for job_id, side in enumerate(sides, start=1):
            studio.service.submit(large_job(job_id, model, side=side))
            await studio.ended(job_id)
            if job_id == 2:
                switch_on(studio, model, "broken")  # whoever reads its checkpoint now fails
        status = studio.service.status()

    assert not half.is_placed_as(whole)
    assert loads(studio) == [model] * 4
    assert [len(studio.pictures(job_id)) for job_id in (1, 2, 3, 4)] == [1] * 4
    assert (status.resident, status.resting) == ({model}, frozenset())


async def test_a_model_that_is_to_decode_in_tiles_from_now_on_is_not_moved(studio: Studio) -> None:
    catalogue = big_models(studio)
    switch_on(studio, "big", "oom-decode", 15)  # GiB; in tiles it takes less
    async with studio.opened(catalogue, card=card(20)):
        await draw(studio, "big", "big")

    assert studio.started() == [1, 1, 2]
    assert loads(studio) == ["big"]


async def test_the_outlook_reckons_with_the_quicker_way_out_of_ram(studio: Studio) -> None:
    switches = big_models(studio), card(20)
    for model in ("big", "bigger"):
        switch_on(studio, model, "slow-load", 0.3)
    async with studio.opened(switches[0], card=switches[1]):
        await draw(studio, "big", "bigger", "big", "bigger")
        studio.service.pause()
        studio.service.submit(large_job(5, "big"))
        outlook = await studio.outlook(5)

    (run,) = outlook.runs
    assert 0 < run.load_s < 0.3
