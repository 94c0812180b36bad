"""Is a request planned so that it fits the card, and no more is left out of the card than needs be?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import Card, Catalogue, DoesNotFitError, ImagineRequest, ModelSpec, Residency, VramPlan
from generation.vram import ACTIVATION_SLACK, plan, smallest_card_gib

CATALOGUE = Catalogue.load()
SDXL = CATALOGUE.get("sdxl")
REQUEST = CATALOGUE.default_request(SDXL)
FROM_PICTURE = replace(REQUEST, image="0123456789abcdef" * 4, strength=0.6)


def gpu(memory_gib: float) -> Card:
    """Give a card of that size."""
    return Card(device="cuda:0", name="a card", memory_gib=memory_gib)


@pytest.mark.parametrize(
    ("memory_gib", "given_up"),
    [
        (80, (Residency.RESIDENT, False)),
        (12, (Residency.RESIDENT, False)),
        (10, (Residency.RESIDENT, True)),
        (8, (Residency.OFFLOAD, False)),
        (6.4, (Residency.OFFLOAD, False)),
    ],
)
def test_sdxl_gives_up_on_a_smaller_card_what_costs_least(memory_gib: float, given_up: tuple[Residency, bool]) -> None:
    found = plan(REQUEST, SDXL.memory, gpu(memory_gib))

    assert (found.residency, found.tiled_decode) == given_up
    assert found.precision == "bfloat16"


def test_a_processor_computes_in_float32_and_never_offloads() -> None:
    found = plan(REQUEST, SDXL.memory, Card(device="cpu", name="a processor", memory_gib=64))

    assert (found.residency, found.precision) == (Residency.RESIDENT, "float32")
    assert found.predicted_peak_gib > 12


@pytest.mark.parametrize("memory_gib", [12, 8, 6.6])
def test_a_start_picture_takes_some_memory_more_and_the_same_card_otherwise(memory_gib: float) -> None:
    text_alone = plan(REQUEST, SDXL.memory, gpu(memory_gib))

    found = plan(FROM_PICTURE, SDXL.memory, gpu(memory_gib))

    assert text_alone.predicted_peak_gib - 0.2 < found.predicted_peak_gib <= memory_gib
    assert found.residency is text_alone.residency


def test_a_start_picture_needs_the_autoencoder_beside_the_denoiser_and_in_float32() -> None:
    vae = SDXL.memory.weights_gib["vae"]

    offloaded = smallest_card_gib(FROM_PICTURE, SDXL.memory) - smallest_card_gib(REQUEST, SDXL.memory)
    resident = [plan(asked, SDXL.memory, gpu(80)).predicted_peak_gib for asked in (REQUEST, FROM_PICTURE)]

    assert offloaded == pytest.approx(vae, abs=0.02)
    assert resident[1] - resident[0] == pytest.approx(vae, abs=0.02)


def test_on_a_processor_a_start_picture_takes_no_more_than_decoding_does() -> None:
    processor = Card(device="cpu", name="a processor", memory_gib=64)

    assert plan(FROM_PICTURE, SDXL.memory, processor) == plan(REQUEST, SDXL.memory, processor)


MODELS = st.sampled_from(list(CATALOGUE))
SIDES = st.integers(8, 32).map(lambda number: 64 * number)


def _rank(found: VramPlan) -> tuple[bool, bool]:
    """Tell how much a plan leaves out of the card; less is better."""
    return found.residency is Residency.OFFLOAD, found.tiled_decode


@given(MODELS, SIDES, SIDES, st.floats(0.5, 200), st.floats(0, 200), st.sampled_from([REQUEST, FROM_PICTURE]))
def test_a_plan_fits_and_more_memory_never_gives_a_worse_one(
    spec: ModelSpec, width: int, height: int, memory_gib: float, more_gib: float, like: ImagineRequest
) -> None:
    asked = replace(like, model=spec.name, width=width, height=height)
    try:
        found = plan(asked, spec.memory, gpu(memory_gib))
    except DoesNotFitError:
        assert smallest_card_gib(asked, spec.memory) > memory_gib
        return

    assert found.predicted_peak_gib <= memory_gib
    assert _rank(plan(asked, spec.memory, gpu(memory_gib + more_gib))) <= _rank(found)


def test_each_picture_more_in_a_call_adds_to_denoising_alone() -> None:
    peaks = [plan(REQUEST, SDXL.memory, gpu(200), rows=rows).predicted_peak_gib for rows in range(1, 33)]

    slope = SDXL.memory.denoise_gib_per_megapixel * ACTIVATION_SLACK
    assert peaks[0] == peaks[1]  # as long as decoding one picture is the peak
    assert peaks[-1] - peaks[-2] == pytest.approx(slope, abs=0.01)


@given(memory_gib=st.floats(6.4, 100))
def test_a_call_has_as_many_rows_as_fit_without_another_placement(memory_gib: float) -> None:
    card = gpu(memory_gib)
    alone = CATALOGUE.plan(REQUEST, card)

    rows = CATALOGUE.rows_that_fit(REQUEST, card)

    assert 1 <= rows <= SDXL.most_at_once
    assert CATALOGUE.plan(REQUEST, card, rows=rows).is_placed_as(alone)
    assert rows == SDXL.most_at_once or not _fits_as(alone, rows + 1, card)


def _fits_as(alone: VramPlan, rows: int, card: Card) -> bool:
    try:
        return CATALOGUE.plan(REQUEST, card, rows=rows).is_placed_as(alone)
    except DoesNotFitError:
        return False
