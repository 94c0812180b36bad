"""Is what was measured believed, quickly where it says more, slowly where it says less, and kept as it was?"""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import Learned, Phase, Placement, Precision, VramPlan
from generation.memory.experience import (
    HIGHEST_CORRECTION,
    LOWEST_CORRECTION,
    Concessions,
    Experience,
    Experiences,
    is_of_memory,
)
from tests.generation.studio import request

WEIGHTS_GIB, OVERHEAD_GIB = 6.0, 1.0
FACTORS = st.floats(0.1, 5.0)
CONCESSIONS = st.builds(
    Concessions,
    tiled_decode=st.booleans(),
    most_rows=st.none() | st.integers(1, 8),
    is_alone=st.booleans(),
    resident_share=st.sampled_from([1.0, 0.8, 0.55, 0.0]),
    best_precision=st.none() | st.sampled_from(Precision),
)


def planned(experience: Experience, working_gib: float = 2.0) -> VramPlan:
    """Give the plan of a model with everything resident, whose phases are guessed to work with so much more."""
    unet = Placement(
        part="unet",
        precision=Precision.BFLOAT16,
        blocks=10,
        resident_blocks=10,
        resident_gib=WEIGHTS_GIB,
        host_gib=WEIGHTS_GIB,
    )
    encode, denoise, decode = (
        WEIGHTS_GIB + OVERHEAD_GIB + experience.correction(phase) * working_gib for phase in Phase
    )
    return VramPlan(
        placements={"unet": unet},
        tiled_decode=False,
        encode_gib=encode,
        denoise_gib=denoise,
        decode_gib=decode,
        overhead_gib=OVERHEAD_GIB,
        predicted_seconds=1.0,
    )


def measured(experience: Experience, *factors: float) -> Experience:
    """Let calls take so many times what denoising was guessed to work with, one after the other."""
    for factor in factors:
        experience = experience.measured(planned(experience), {Phase.DENOISE: WEIGHTS_GIB + 2.0 * factor})
    return experience


def test_a_peak_above_the_prediction_is_believed_at_once() -> None:
    known = measured(Experience(), 1.4)

    assert known.correction(Phase.DENOISE) == pytest.approx(1.4)
    assert known.correction(Phase.DECODE) == 1.0


def test_a_peak_below_the_prediction_is_believed_little_by_little() -> None:
    known = measured(Experience(), 1.4, 0.9)

    assert known.correction(Phase.DENOISE) == pytest.approx(1.4 - 0.05 * 0.5)


def test_what_was_not_measured_teaches_nothing() -> None:
    known = Experience(corrections={Phase.DECODE: 1.2})

    assert known.measured(planned(known), {}) == known


@given(st.lists(FACTORS, min_size=1, max_size=20), FACTORS)
def test_a_correction_never_falls_below_what_the_latest_call_took_within_bounds(
    before: list[float], last: float
) -> None:
    known = measured(Experience(), *before, last)

    bounded = min(HIGHEST_CORRECTION, max(LOWEST_CORRECTION, last))
    assert known.correction(Phase.DENOISE) >= bounded - 1e-6
    assert LOWEST_CORRECTION <= known.correction(Phase.DENOISE) <= HIGHEST_CORRECTION


@given(FACTORS, st.integers(200, 300))
def test_the_same_peak_again_and_again_is_believed_in_the_end(truth: float, calls: int) -> None:
    known = measured(Experience(), 2.0, *[truth] * calls)

    bounded = min(HIGHEST_CORRECTION, max(LOWEST_CORRECTION, truth))
    assert known.correction(Phase.DENOISE) == pytest.approx(bounded, abs=0.01)


@given(CONCESSIONS, st.dictionaries(st.sampled_from(Phase), st.floats(0.8, 2.5)))
def test_an_experience_comes_back_from_storage_as_it_was(
    conceded: Concessions, corrections: dict[Phase, float]
) -> None:
    known = Experience(concessions=conceded, corrections=corrections)

    assert Experience.from_json(json.loads(json.dumps(known.to_json()))) == known


def test_experiences_are_told_from_speeds_and_apart_by_card_model_and_shape() -> None:
    conceded = Experience(concessions=Concessions(tiled_decode=True))
    before = Experiences()
    learned = before.note(request(), "RTX 4060", conceded)
    speed = Learned(card="RTX 4060", model="flat", shape="64x64", facts={"factors": {}, "singles": 0})

    after = Experiences([speed, learned])

    assert [is_of_memory(each) for each in (speed, learned)] == [False, True]
    assert after.of(request(seed=9, prompt="blue"), "RTX 4060") == conceded
    assert after.of(request(model="flatter"), "RTX 4060") == Experience()
    assert after.of(request(), "RTX 4090") == Experience()


@pytest.mark.parametrize(
    ("conceded", "words"),
    [
        (Concessions(), ""),
        (Concessions(tiled_decode=True, best_precision=Precision.INT8), "decodes in tiles, int8 at best"),
        (
            Concessions(most_rows=2, is_alone=True, resident_share=0.6),
            "at most 2 at once, alone on the card, at most 60% of its blocks on the card",
        ),
    ],
)
def test_concessions_are_said_in_words(conceded: Concessions, words: str) -> None:
    assert conceded.described() == words
