"""What does a request become that starts from a picture, whether it was sent or made here before?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import (
    MOST_IMAGES,
    Catalogue,
    GenerationError,
    ImagineOptions,
    ImagineRequest,
    InvalidRequestError,
)
from generation.errors import UnknownModelError

CATALOGUE = Catalogue.load()
NAME = "0123456789abcdef" * 4
MADE = "fedcba9876543210" * 4
SDXL_SIZES = "sides from 512 to 1536 in steps of 64, at most 1,572,864 pixels in all."
ENLARGED_SIZES = "sides from 512 to 3072 in steps of 64, at most 6,291,456 pixels in all."
SENT = ImagineOptions(prompt="a cat", image=NAME)


def complete(options: ImagineOptions, model: str = "sdxl") -> ImagineRequest:
    """Complete what was typed; where no seed was typed it is 5."""
    return CATALOGUE.complete(options, default_model=model, seed=5)


def test_a_start_picture_brings_a_strength_of_six_tenths() -> None:
    asked = complete(SENT)

    assert (asked.image, asked.strength) == (NAME, 0.6)


def test_a_strength_that_was_typed_stands() -> None:
    assert complete(replace(SENT, strength=1.0)).strength == 1.0


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (
            {"image": "", "strength": 0.5},
            "--strength says how far from a start picture it may go: it needs --image.",
        ),
        ({"strength": 0.0}, "--strength 0 is out of range: above 0 and up to 1 is allowed."),
        ({"strength": 1.01}, "--strength 1.01 is out of range: above 0 and up to 1 is allowed."),
        ({"strength": -0.5}, "--strength -0.5 is out of range: above 0 and up to 1 is allowed."),
        ({"strength": float("nan")}, "--strength nan is out of range: above 0 and up to 1 is allowed."),
        (
            {"strength": 0.05, "num_inference_steps": 12},
            "--strength 0.05 leaves none of --steps 12 to take: --strength from 0.084 to 1 is allowed.",
        ),
        (
            {"model": "hidream"},
            "hidream cannot start from a picture: this version has no image-to-image for the family hidream.",
        ),
        (
            {"size": (2048, 1024)},
            f"--size 2048x1024 is not possible with sdxl; allowed: {SDXL_SIZES}",
        ),
        (
            {"size": (4096, 4096), "strength": 0.4},
            f"--size 4096x4096 is not possible with sdxl; allowed: {ENLARGED_SIZES}",
        ),
    ],
)
def test_what_is_not_possible_is_refused_by_what_is_allowed(options: dict[str, object], text: str) -> None:
    with pytest.raises(GenerationError) as refusal:
        complete(replace(SENT, **options))  # type: ignore[arg-type]

    assert str(refusal.value) == text


@given(st.integers(1, 150))
def test_the_least_strength_that_is_named_takes_a_step_and_none_below_it_does(steps: int) -> None:
    with pytest.raises(InvalidRequestError) as refusal:
        complete(replace(SENT, strength=0.0001, num_inference_steps=steps))
    least = float(str(refusal.value).partition("--strength from ")[2].partition(" to 1")[0])

    asked = complete(replace(SENT, strength=least, num_inference_steps=steps))

    assert asked.steps_taken == 1
    assert int(steps * (least - 0.001)) == 0


@pytest.mark.parametrize(
    ("image_size", "size"),
    [
        ((1536, 1024), (1536, 1024)),  # a size of the model stays
        ((768, 512), (768, 512)),
        ((300, 300), (1024, 1024)),
        ((4000, 3000), (1152, 896)),
        ((1080, 1920), (768, 1344)),
        ((2048, 1), (1536, 512)),  # the widest there is
        ((1, 2048), (512, 1536)),
    ],
)
def test_a_start_picture_decides_the_size_as_near_as_the_model_gets(
    image_size: tuple[int, int], size: tuple[int, int]
) -> None:
    asked = complete(replace(SENT, image_size=image_size))

    assert asked.width / asked.height == pytest.approx(size[0] / size[1], rel=0.1)
    assert asked.width * asked.height == pytest.approx(size[0] * size[1], rel=0.2)


def test_a_size_or_ratio_that_was_typed_goes_before_the_start_pictures() -> None:
    sent = replace(SENT, image_size=(1024, 512))

    by_size, by_ratio = complete(replace(sent, size=(512, 640))), complete(replace(sent, aspect_ratio=(1, 1)))

    assert (by_size.width, by_size.height) == (512, 640)
    assert (by_ratio.width, by_ratio.height) == (1024, 1024)


@given(st.tuples(st.integers(1, 2048), st.integers(1, 2048)), st.sampled_from(["demo", "sdxl"]))
def test_any_start_picture_leads_to_a_size_that_may_be_typed(image_size: tuple[int, int], model: str) -> None:
    asked = complete(replace(SENT, image_size=image_size), model)

    again = complete(ImagineOptions(prompt="a", size=(asked.width, asked.height)), model)
    assert (again.width, again.height) == (asked.width, asked.height)


def made(model: str = "sdxl", **options: object) -> ImagineRequest:
    """Give a request of which the pictures are made."""
    typed = ImagineOptions(prompt="a cat", negative_prompt="haze", images=4, **options)  # type: ignore[arg-type]
    return complete(typed, model)


def test_variations_have_the_same_words_and_settings_from_the_chosen_picture_with_a_new_seed() -> None:
    asked = CATALOGUE.varied(replace(made(size=(768, 512), seed=7), images=1), MADE, 99)

    assert asked == replace(made(size=(768, 512)), seed=99, images=MOST_IMAGES, image=MADE, strength=0.7)


def test_an_upscaled_picture_is_twice_as_large_with_its_own_seed() -> None:
    asked = CATALOGUE.upscaled(made(seed=7), 2, MADE)

    assert asked == replace(made(), width=2048, height=2048, seed=9, images=1, image=MADE, strength=0.2)


@pytest.mark.parametrize("steps", range(1, 12))
def test_few_steps_are_raised_to_what_takes_at_least_one(steps: int) -> None:
    request = made(num_inference_steps=steps)

    varied, upscaled = CATALOGUE.varied(request, MADE, 1), CATALOGUE.upscaled(request, 0, MADE)

    assert (varied.num_inference_steps, upscaled.num_inference_steps) == (max(2, steps), max(5, steps))
    assert min(varied.steps_taken, upscaled.steps_taken) >= 1


def test_what_was_upscaled_is_not_upscaled_again() -> None:
    once = CATALOGUE.upscaled(made("demo"), 0, MADE)

    with pytest.raises(InvalidRequestError) as refusal:
        CATALOGUE.upscaled(once, 0, NAME)

    assert str(refusal.value) == (
        "Twice the size is 1024x1024, which is not possible with demo; allowed: "
        "sides from 192 to 512 in steps of 64, at most 262,144 pixels in all."
    )


def test_variations_of_what_was_upscaled_have_a_size_of_the_model() -> None:
    once = CATALOGUE.upscaled(made("demo", size=(256, 192)), 0, MADE)

    asked = CATALOGUE.varied(once, NAME, 1)

    assert (once.width, once.height) == (512, 384)
    assert (asked.width, asked.height) == (256, 192)


def test_what_was_upscaled_may_be_typed_again_with_its_flags() -> None:
    once = CATALOGUE.upscaled(made(), 0, MADE)

    typed = replace(SENT, negative_prompt="haze", image=MADE, strength=once.strength, size=(once.width, once.height))

    assert complete(typed) == once


@pytest.mark.parametrize("model", ["hidream", "hidream-fast"])
def test_a_model_without_image_to_image_says_so(model: str) -> None:
    request = complete(ImagineOptions(prompt="a cat"), model)

    for ask in (lambda: CATALOGUE.varied(request, MADE, 1), lambda: CATALOGUE.upscaled(request, 0, MADE)):
        with pytest.raises(InvalidRequestError, match=f"^{model} cannot start from a picture: this version has no"):
            ask()


def test_a_model_that_has_left_the_catalogue_is_named() -> None:
    request = replace(made(), model="gone")

    with pytest.raises(UnknownModelError, match="There is no model 'gone'"):
        CATALOGUE.varied(request, MADE, 1)
    with pytest.raises(UnknownModelError, match="There is no model 'gone'"):
        CATALOGUE.upscaled(request, 0, MADE)


def test_the_families_that_can_start_from_a_picture_are_told_apart() -> None:
    without = {spec.name for spec in CATALOGUE if not spec.has_image_to_image}

    assert without == {"hidream", "hidream-dev", "hidream-fast"}
