"""Is a request planned so that it fits card and RAM, and is nothing slower than it need be?"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import Card, Catalogue, DoesNotFitError, Host, ImagineRequest, Phase, Precision, VramPlan, named_card
from generation.memory.experience import BEST_FIRST, NO_EXPERIENCE, Concessions, Experience
from generation.memory.vram import plan, smallest_card_gib

CATALOGUE = Catalogue.load()
SDXL, FLUX, HIDREAM = CATALOGUE.get("sdxl"), CATALOGUE.get("flux-dev"), CATALOGUE.get("hidream")
REQUEST = CATALOGUE.default_request(SDXL)
PICTURE = "0123456789abcdef" * 4
FROM_PICTURE = replace(REQUEST, image=PICTURE, strength=0.6)
PROCESSOR = Card(device="cpu", name="a processor", memory_gib=64)


def gpu(memory_gib: float, *, ram_gib: float = 60.0, tflops: float = 71.0, bus: float = 23.0) -> Card:
    """Give a card of that size in a machine with so much RAM for models."""
    return Card(
        device="cuda:0",
        name="a card",
        memory_gib=memory_gib,
        host=Host(memory_gib=ram_gib),
        tflops=tflops,
        transfer_gib_s=bus,
    )


def of(model: str, card: Card, **changes: object) -> VramPlan:
    """Plan a model's default request on a card, with changes to the card."""
    spec = CATALOGUE.get(model)
    return plan(CATALOGUE.default_request(spec), spec, replace(card, **changes))  # type: ignore[arg-type]


MODELS = st.sampled_from(list(CATALOGUE))
SIDES = st.integers(8, 32).map(lambda number: 64 * number)
CARDS = st.builds(
    gpu,
    st.floats(1, 100),
    ram_gib=st.floats(0, 100),
    tflops=st.floats(5, 800),
    bus=st.floats(2, 50),
)
REQUESTS = st.builds(
    lambda spec, width, height, steps, image, fast: replace(
        CATALOGUE.default_request(spec),
        width=width,
        height=height,
        num_inference_steps=steps,
        image=PICTURE if image else "",
        strength=0.6 if image else 0.0,
        is_fast=fast,
    ),
    MODELS,
    SIDES,
    SIDES,
    st.integers(2, 60),
    st.booleans(),
    st.booleans(),
)
EXPERIENCES = st.builds(
    lambda tiled, alone, share, best, correction: Experience(
        concessions=Concessions(tiled_decode=tiled, is_alone=alone, resident_share=share, best_precision=best),
        corrections=dict.fromkeys(Phase, correction),
    ),
    st.booleans(),
    st.booleans(),
    st.sampled_from([1.0, 0.8, 0.3, 0.0]),
    st.sampled_from([None, Precision.INT8, Precision.NF4]),
    st.floats(0.8, 2.5),
)


def tried(
    request: ImagineRequest, card: Card, rows: int = 1, experience: Experience = NO_EXPERIENCE
) -> VramPlan | None:
    """Give the plan, None if there is none."""
    try:
        return plan(request, CATALOGUE.get(request.model), card, rows=rows, experience=experience)
    except DoesNotFitError:
        return None


@given(REQUESTS, CARDS, st.integers(1, 4), EXPERIENCES)
def test_a_plan_fits_card_and_ram_in_every_phase_and_concedes_what_it_must(
    request_: ImagineRequest, card: Card, rows: int, experience: Experience
) -> None:
    found = tried(request_, card, rows, experience)
    if found is None:
        return

    assert found.predicted_peak_gib <= card.memory_gib
    assert found.host_gib <= card.host.memory_gib
    assert all(found.gib(phase) > found.resident_gib + found.overhead_gib for phase in Phase)
    assert 0 < found.predicted_seconds < math.inf
    _check_concessions(found, request_, experience.concessions)


def _check_concessions(found: VramPlan, request_: ImagineRequest, conceded: Concessions) -> None:
    spec = CATALOGUE.get(request_.model)
    denoiser = found.placements[spec.denoiser_name]
    assert found.tiled_decode or not conceded.tiled_decode
    assert denoiser.resident_blocks <= conceded.most_resident(denoiser.blocks)
    assert conceded.allows(denoiser.precision) or not denoiser.blocks
    assert not conceded.is_alone or all(
        found.placements[name].is_streamed for name, part in spec.encoders.items() if part.blocks
    )


@given(REQUESTS, CARDS, st.floats(0, 60), st.floats(0, 60), EXPERIENCES)
def test_more_memory_on_the_card_or_beside_it_never_makes_a_plan_slower(
    request_: ImagineRequest, card: Card, more_gib: float, more_ram_gib: float, experience: Experience
) -> None:
    found = tried(request_, card, experience=experience)
    if found is None:
        return
    larger = replace(card, memory_gib=card.memory_gib + more_gib)
    roomier = replace(card, host=Host(memory_gib=card.host.memory_gib + more_ram_gib))

    for other in (larger, roomier):
        again = tried(request_, other, experience=experience)
        assert again is not None
        assert again.predicted_seconds <= found.predicted_seconds


@given(REQUESTS, CARDS)
def test_whatever_is_refused_needs_a_larger_card_or_more_ram(request_: ImagineRequest, card: Card) -> None:
    needed = smallest_card_gib(request_, CATALOGUE.get(request_.model))

    if card.memory_gib < needed:
        assert tried(request_, card) is None
    else:
        assert tried(request_, replace(card, host=Host(memory_gib=200))) is not None


@pytest.mark.parametrize(
    ("model", "gigabytes"),
    [("sdxl", 6), ("sd3.5-large", 10), ("flux-dev", 12), ("flux-schnell", 12), ("hidream", 16)],
)
def test_the_stated_minima_hold_with_a_quarter_of_a_gib_to_spare(model: str, gigabytes: int) -> None:
    found = of(model, gpu(gigabytes - 0.25, ram_gib=28))

    assert found.predicted_peak_gib <= gigabytes - 0.25


@pytest.mark.parametrize("model", ["sdxl", "sd3.5-large", "flux-dev", "flux-schnell", "hidream"])
def test_all_five_run_on_eight_gigabytes_beside_32_of_ram(model: str) -> None:
    assert of(model, named_card("RTX 4060")).predicted_peak_gib <= 7.75


def test_with_room_for_all_of_it_nothing_is_given_up() -> None:
    found = of("flux-dev", named_card("H100"))

    assert {placed.precision for placed in found.placements.values()} == {Precision.BFLOAT16}
    assert not any(placed.is_streamed for placed in found.placements.values())
    assert not found.tiled_decode


def test_blocks_are_streamed_rather_than_quantised_where_the_bus_keeps_up_with_the_card() -> None:
    slow, quick = (of("flux-dev", gpu(15.6, tflops=tflops)).placements["transformer"] for tflops in (44, 400))

    assert (slow.precision, slow.is_streamed) == (Precision.BFLOAT16, True)
    assert (quick.precision, quick.is_streamed) == (Precision.INT8, False)


def test_too_little_ram_for_a_copy_costs_precision() -> None:
    kept = [of("flux-dev", gpu(11.7, ram_gib=ram)).placements["transformer"].precision for ram in (28, 20, 12)]

    assert kept == [Precision.BFLOAT16, Precision.INT8, Precision.NF4]


def test_text_encoders_have_four_bits_only_where_the_ram_allows_nothing_else() -> None:
    enough, scarce = (of("hidream", gpu(15.6, ram_gib=ram)) for ram in (25, 21))

    assert {enough.placements[name].precision for name in ("text_encoder_3", "text_encoder_4")} == {Precision.INT8}
    assert {scarce.placements[name].precision for name in ("text_encoder_3", "text_encoder_4")} == {Precision.NF4}
    assert enough.placements["transformer"].precision is scarce.placements["transformer"].precision is Precision.NF4


def test_a_smaller_picture_is_made_in_the_precisions_of_the_models_own_size_if_that_is_as_quick() -> None:
    spec = CATALOGUE.get("z-image-turbo")
    usual = CATALOGUE.default_request(spec)

    plans = [plan(replace(usual, width=side, height=side), spec, gpu(22)) for side in (1024, 512)]

    # With the smaller working memory it would fit in bfloat16 as well.
    assert [each.placements["text_encoder"].precision for each in plans] == [Precision.INT8] * 2
    assert not any(each.placements["text_encoder"].is_streamed for each in plans)


def test_ram_that_holds_no_copy_at_all_is_told() -> None:
    with pytest.raises(DoesNotFitError) as refusal:
        of("hidream", gpu(15.6, ram_gib=12))

    assert str(refusal.value) == (
        "hidream at 1024x1024 needs about 20.1 GiB of RAM beside the card; this machine offers 12.0 GiB."
    )


def test_a_processor_computes_in_float32_and_keeps_all_where_it_is() -> None:
    found = of("sdxl", PROCESSOR)

    assert {placed.precision for placed in found.placements.values()} == {Precision.FLOAT32}
    assert not any(placed.is_streamed for placed in found.placements.values())
    assert (found.host_gib, found.predicted_peak_gib > 12) == (0, True)
    assert found.predicted_seconds == SDXL.seconds_per_step * REQUEST.num_inference_steps


def test_where_card_and_ram_are_one_memory_nothing_is_moved_nor_kept_twice() -> None:
    found = of("flux-dev", named_card("DGX Spark"))

    assert not any(placed.is_streamed for placed in found.placements.values())
    assert found.host_gib == 0
    assert found.placements["transformer"].precision is Precision.BFLOAT16


def test_five_large_models_lie_side_by_side_on_a_dgx_spark_in_eight_bits() -> None:
    spark = named_card("DGX Spark")
    parts: dict[Precision, dict[str, float]] = {Precision.INT8: {}, Precision.BFLOAT16: {}}
    for precision, resident in parts.items():
        for model in ("sdxl", "sd3.5-large", "flux-dev", "flux-schnell", "hidream"):
            placed = of(model, spark, precision=precision).placements.values()
            resident |= {each.part: each.resident_gib for each in placed}

    in_eight_bits, in_sixteen = (sum(resident.values()) for resident in parts.values())
    assert in_eight_bits < 100 < spark.memory_gib
    assert in_sixteen > spark.memory_gib


@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.INT8, Precision.NF4, Precision.FP8])
def test_the_operators_precision_is_that_of_the_denoiser(precision: Precision) -> None:
    found = of("flux-dev", named_card("RTX 4090"), precision=precision)

    assert found.placements["transformer"].precision is precision
    assert found.placements["vae"].precision is Precision.BFLOAT16


def test_a_precision_that_a_card_cannot_have_is_refused_in_words() -> None:
    with pytest.raises(DoesNotFitError) as refusal:
        of("flux-dev", named_card("RTX 3090"), precision=Precision.FP8)

    assert str(refusal.value) == (
        "RTX 3090 24 GB is set to keep models in fp8, which it or the libraries here cannot; "
        "FAIRBRUSH_GENERATION__PRECISION can be auto, bfloat16, int8, nf4."
    )


def test_a_card_without_bfloat16_runs_sdxl_with_its_autoencoder_in_float32_and_nothing_else() -> None:
    turing = named_card("RTX 2080 Ti")

    found = of("sdxl", turing)

    assert {name: placed.precision for name, placed in found.placements.items()} == {
        "unet": Precision.FLOAT16,
        "text_encoder": Precision.FLOAT16,
        "text_encoder_2": Precision.FLOAT16,
        "vae": Precision.FLOAT32,
    }
    with pytest.raises(DoesNotFitError, match="RTX 2080 Ti 11 GB does not compute in bfloat16, and flux-dev fails in"):
        of("flux-dev", turing)


@pytest.mark.parametrize("memory_gib", [80, 12, 8, 6])
def test_a_start_picture_adds_to_denoising_what_encoding_it_takes_beyond_that(memory_gib: float) -> None:
    text_alone, found = (plan(asked, SDXL, gpu(memory_gib)) for asked in (REQUEST, FROM_PICTURE))

    assert found.placements.keys() == text_alone.placements.keys()
    assert found.predicted_peak_gib <= memory_gib
    assert found.predicted_seconds < text_alone.predicted_seconds  # it takes 18 steps of 30


def test_a_model_that_sees_its_start_picture_takes_twice_as_much_for_the_steps() -> None:
    klein = CATALOGUE.get("flux2-klein-4b")
    text_alone = CATALOGUE.default_request(klein)
    from_picture = replace(text_alone, image=PICTURE, strength=1.0)

    alone, seen = (plan(asked, klein, gpu(80)) for asked in (text_alone, from_picture))

    assert 1.5 * alone.predicted_seconds < seen.predicted_seconds < 2.5 * alone.predicted_seconds
    assert seen.denoise_gib > alone.denoise_gib


def test_a_model_that_pads_takes_as_long_for_a_smaller_picture() -> None:
    asked = CATALOGUE.default_request(HIDREAM)
    smaller = replace(asked, width=768, height=768)

    whole, small = (plan(each, HIDREAM, gpu(80)) for each in (asked, smaller))

    assert whole.predicted_seconds - small.predicted_seconds < 0.5  # of decoding
    assert whole.denoise_gib == small.denoise_gib


def test_each_picture_more_in_a_call_adds_to_denoising_alone() -> None:
    plans = [plan(REQUEST, SDXL, gpu(80), rows=rows) for rows in range(1, 9)]

    steps = [after.denoise_gib - before.denoise_gib for before, after in pairwise(plans)]
    assert steps == pytest.approx([steps[0]] * 7)
    assert {(each.encode_gib, each.decode_gib) for each in plans} == {(plans[0].encode_gib, plans[0].decode_gib)}


def test_adapters_and_skipping_steps_take_memory_too() -> None:
    plain = plan(REQUEST, SDXL, gpu(80))

    with_lora = plan(REQUEST, SDXL, gpu(80), lora_gib=0.5)
    fast = plan(replace(REQUEST, is_fast=True), SDXL, gpu(80))

    assert with_lora.denoise_gib == pytest.approx(plain.denoise_gib + 0.5)
    assert fast.denoise_gib > plain.denoise_gib
    assert fast.decode_gib == plain.decode_gib


def test_what_was_measured_corrects_what_is_taken_beyond_resident_weights() -> None:
    plain = plan(REQUEST, SDXL, gpu(80))
    taught = Experience(corrections={Phase.DECODE: 1.5})

    corrected = plan(REQUEST, SDXL, gpu(80), experience=taught)

    beyond = plain.decode_gib - plain.resident_gib - plain.overhead_gib
    assert corrected.decode_gib == pytest.approx(plain.decode_gib + beyond / 2)
    assert corrected.denoise_gib == plain.denoise_gib


def test_a_call_that_has_conceded_all_there_is_is_refused_in_words() -> None:
    spent = Experience(concessions=Concessions(best_precision=Precision.NF4))

    with pytest.raises(DoesNotFitError, match="has run out of memory in every way that a card could try"):
        plan(CATALOGUE.default_request(FLUX), FLUX, replace(gpu(8), precision=Precision.INT8), experience=spent)
    assert BEST_FIRST[-1] is Precision.NF4


@given(memory_gib=st.floats(6.4, 100))
def test_a_call_has_as_many_rows_as_fit_without_another_placement(memory_gib: float) -> None:
    card = gpu(memory_gib)
    alone = CATALOGUE.plan(REQUEST, card)

    rows = CATALOGUE.rows_that_fit(REQUEST, card)

    assert 1 <= rows <= SDXL.most_at_once
    assert CATALOGUE.plan(REQUEST, card, rows=rows).is_placed_as(alone)
    assert rows == SDXL.most_at_once or not _fits_as(alone, rows + 1, card)


def _fits_as(alone: VramPlan, rows: int, card: Card) -> bool:
    found = tried(REQUEST, card, rows)
    return found is not None and found.is_placed_as(alone)
