"""When the card turns out to be smaller than planned: is the picture made nevertheless, at nobody else's expense?"""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from generation import DispatchSettled, JobRequeued, JobState, ModelLoading, Phase
from generation.memory.experience import Concessions, Experience
from generation.memory.placement import Precision
from tests.generation.small_card import asked, big_models, card, large_job, switch_off, switch_on
from tests.generation.studio import Studio

CARD = card(20)
TILES = Concessions(tiled_decode=True)
ALONE = Concessions(is_alone=True)
RESIDENCY = replace(ALONE, resident_share=0.8, best_precision=Precision.BFLOAT16)
PRECISION = replace(RESIDENCY, best_precision=Precision.INT8)


def settled(studio: Studio) -> list[DispatchSettled]:
    """Give what came of each dispatch."""
    return [event for event in studio.events if isinstance(event, DispatchSettled)]


def conceded(studio: Studio, model: str = "big") -> Concessions:
    """Give what is kept of what was given up."""
    kept = [each for each in studio.learned().values() if each.model == model and each.shape.startswith("memory")]
    return Experience.from_json(kept[-1].facts).concessions if kept else Concessions()


@pytest.mark.parametrize(
    ("phase", "enough", "steps"),
    [
        (Phase.DECODE, TILES, 1),
        (Phase.ENCODE, ALONE, 1),
        (Phase.DENOISE, ALONE, 1),
        (Phase.DENOISE, RESIDENCY, 2),
        (Phase.ENCODE, RESIDENCY, 2),
        (Phase.DENOISE, PRECISION, 3),
        (Phase.ENCODE, PRECISION, 3),
    ],
)
async def test_a_job_is_made_at_the_first_lower_plan_that_fits_whatever_phase_was_too_large(
    studio: Studio, phase: Phase, enough: Concessions, steps: int
) -> None:
    catalogue = big_models(studio)
    lower = catalogue.plan(asked(), CARD, experience=Experience(concessions=enough))
    switch_on(studio, "big", f"oom-{phase}", lower.gib(phase) + 0.01)  # what the card has in truth
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        studio.service.submit(large_job(2, "bigger"))
        ends = [await studio.ended(1), await studio.ended(2)]

    lost = settled(studio)[:steps]
    (picture,) = studio.pictures(1)
    assert [end.state for end in ends] == [JobState.DONE] * 2
    assert picture.seed == 1
    assert [each.outcomes for each in lost] == [(JobRequeued(job_id=1, attempts=0, gpu_seconds=0.0),)] * steps
    assert {each.virtual_times_ms["ann"] for each in lost} == {0}
    assert conceded(studio) == enough
    assert conceded(studio, "bigger") == Concessions()
    assert picture.provenance["precision"] == ("int8" if enough is PRECISION else "bfloat16")
    assert studio.worker.starts == 1


async def test_what_was_given_up_holds_after_a_restart_for_requests_of_that_shape_alone(studio: Studio) -> None:
    catalogue = big_models(studio)
    lower = catalogue.plan(asked(), CARD, experience=Experience(concessions=PRECISION))
    switch_on(studio, "big", "oom-denoise", lower.denoise_gib + 0.01)
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        await studio.ended(1)
        learned = studio.learned().values()

    async with studio.opened(catalogue, card=CARD, learned=learned):
        studio.service.submit(large_job(2))
        await studio.ended(2)
        switch_off(studio, "big", "oom-denoise")
        studio.service.submit(large_job(3, side=512))
        await studio.ended(3)

    assert len(settled(studio)) == 2  # none was lost again
    precisions = [studio.pictures(job_id)[0].provenance["precision"] for job_id in (2, 3)]
    assert precisions == ["int8", "bfloat16"]


async def test_a_picture_that_fits_in_no_way_fails_its_job_in_one_sentence_and_nobody_elses(studio: Studio) -> None:
    catalogue = big_models(studio)
    switch_on(studio, "big", "oom-denoise", 0.5)
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        studio.service.submit(large_job(2, "bigger"))
        ends = [await studio.ended(1), await studio.ended(2)]

    assert [end.state for end in ends] == [JobState.FAILED, JobState.DONE]
    assert ends[0].gpu_seconds == 0
    assert re.fullmatch(
        r"big ran out of memory at 1024x1024 on this machine \(Small card\), whatever was given up for it: "
        r"try --size 704x704 or --model [\w.-]+\.",
        ends[0].error,
    )


async def test_a_call_that_is_too_large_is_split_before_the_model_is_placed_worse(studio: Studio) -> None:
    catalogue = big_models(studio)
    switch_on(studio, "big", "oom", 1)  # picture at once
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1, images=4))
        end = await studio.ended(1)

    assert end.state is JobState.DONE
    assert [picture.provenance["batch"] for picture in studio.pictures(1)] == ["1 of 1"] * 4
    assert conceded(studio) == Concessions(most_rows=1)


async def test_who_runs_out_of_memory_in_company_gets_the_card_alone_and_the_other_comes_back_from_ram(
    studio: Studio,
) -> None:
    catalogue, wide = big_models(studio), card(60)
    async with studio.opened(catalogue, card=wide):
        await studio.service.load("bigger")
        switch_on(studio, "big", "oom-crowded")
        studio.service.submit(large_job(1))
        end = await studio.ended(1)
        status = studio.service.status()
        studio.service.submit(large_job(2, "bigger"))
        await studio.ended(2)

    assert end.state is JobState.DONE
    assert (status.resident, status.resting) == ({"big"}, {"bigger"})
    assert conceded(studio).is_alone
    assert {each.shape for each in studio.learned().values() if each.model == "bigger"} >= {"", "from RAM"}


async def test_a_model_that_does_not_even_enter_the_card_is_placed_lower_too(studio: Studio) -> None:
    catalogue = big_models(studio)
    switch_on(studio, "big", "oom-wake")
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        end = await studio.ended(1)

        switch_off(studio, "big", "oom-wake")
        studio.service.submit(large_job(2))
        again = await studio.ended(2)

    assert (end.state, again.state) == (JobState.FAILED, JobState.DONE)
    assert conceded(studio) == PRECISION
    assert sum(isinstance(event, ModelLoading) and event.model == "big" for event in studio.events) == 5


async def test_a_job_that_is_cancelled_while_it_runs_out_of_memory_is_not_tried_again(studio: Studio) -> None:
    catalogue = big_models(studio)
    switch_on(studio, "big", "oom-decode", 1)
    switch_on(studio, "big", "hold")
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        await studio.held(1)
        studio.service.cancel(1)
        end = await studio.ended(1)

    assert end.state is JobState.CANCELLED
    assert studio.started() == [1]


async def test_a_peak_above_the_prediction_makes_the_next_plan_smaller(studio: Studio) -> None:
    catalogue = big_models(studio)
    planned = catalogue.plan(asked(), CARD)
    switch_on(studio, "big", "peak-decode", 19.5)  # of 20 GiB, overhead not counted
    async with studio.opened(catalogue, card=CARD):
        studio.service.submit(large_job(1))
        await studio.ended(1)

    known = Experience.from_json(
        next(each.facts for each in studio.learned().values() if each.shape.startswith("memory"))
    )
    factor = (19.5 - planned.resident_gib) / (planned.decode_gib - planned.resident_gib - planned.overhead_gib)
    assert known.corrections[Phase.DECODE] == pytest.approx(factor)
    again = catalogue.plan(asked(), CARD, experience=known)
    assert again.resident_gib < planned.resident_gib
    assert again.predicted_peak_gib <= CARD.memory_gib
