"""What may be asked of each model, and what is it told that asks for more?"""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation import (
    GIB,
    Card,
    Catalogue,
    DoesNotFitError,
    GenerationError,
    Host,
    ImagineOptions,
    InvalidRequestError,
)

CATALOGUE = Catalogue.load()
PROCESSOR = Card(device="cpu", name="a processor", memory_gib=16)
LARGE_GPU = Card(device="cuda:0", name="A large card", memory_gib=140)
BIG_MODELS = [spec.name for spec in CATALOGUE if spec.needs_gpu]


def test_what_is_left_open_is_filled_in_by_the_model() -> None:
    asked = CATALOGUE.complete(ImagineOptions(prompt="a cat"), default_model="sdxl", seed=5)

    assert (asked.model, asked.seed, asked.images) == ("sdxl", 5, 1)
    assert (asked.num_inference_steps, asked.guidance_scale) == (30, 5.0)
    assert (asked.width, asked.height, asked.negative_prompt) == (1024, 1024, "")


def test_what_was_typed_stands() -> None:
    options = ImagineOptions(
        prompt="a cat", model="SDXL", seed=0, num_inference_steps=1, guidance_scale=0.0, size=(768, 512), images=4
    )

    asked = CATALOGUE.complete(options, default_model="demo", seed=5)

    assert (asked.model, asked.seed, asked.num_inference_steps, asked.guidance_scale) == ("sdxl", 0, 1, 0.0)
    assert (asked.width, asked.height, asked.images) == (768, 512, 4)


HIDREAM_SIZES = "sides from 768 to 1360 in steps of 16, at most 1,048,576 pixels in all."
SIZES = "sides from 512 to 1536 in steps of 64, at most 1,572,864 pixels in all."


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"prompt": " \n"}, "The prompt is empty: say what to draw, for example: a red circle on a blue background."),
        ({"prompt": "x" * 2001}, "The prompt has 2,001 characters; at most 2,000 are allowed."),
        ({"negative_prompt": "x" * 2001}, "--no has 2,001 characters; at most 2,000 are allowed."),
        (
            {"prompt": "a\x1b[31mcat"},
            "The prompt has the control character U+001B in it; only text and line breaks are allowed.",
        ),
        (
            {"prompt": "a\udc80cat"},
            "The prompt has the control character U+DC80 in it; only text and line breaks are allowed.",
        ),
        ({"seed": -1}, "--seed -1 is out of range: from 0 to 4294967295 is allowed."),
        ({"seed": 2**32}, "--seed 4294967296 is out of range: from 0 to 4294967295 is allowed."),
        ({"num_inference_steps": 0}, "--steps 0 is out of range: from 1 to 150 is allowed."),
        ({"num_inference_steps": 10**9}, "--steps 1000000000 is out of range: from 1 to 150 is allowed."),
        ({"guidance_scale": 30.5}, "--cfg 30.5 is out of range: from 0 to 30 is allowed."),
        ({"guidance_scale": float("nan")}, "--cfg nan is out of range: from 0 to 30 is allowed."),
        ({"images": 5}, "--count 5 is out of range: from 1 to 4 is allowed."),
        ({"size": (500, 512)}, f"--size 500x512 is not possible with sdxl; allowed: {SIZES}"),
        ({"size": (1536, 1536)}, f"--size 1536x1536 is not possible with sdxl; allowed: {SIZES}"),
        ({"size": (512, 512), "aspect_ratio": (1, 1)}, "--size and --ar exclude each other: give one of the two."),
        ({"aspect_ratio": (9, 1)}, "--ar 9:1 is not possible with sdxl; allowed: from 1:3 to 3:1."),
        ({"model": "dalle"}, f"There is no model 'dalle'. Models: demo, demo-fast, {', '.join(BIG_MODELS)}."),
        (
            {"model": "flux-dev", "negative_prompt": "haze"},
            "--no is not possible with flux-dev: this model knows no negative prompt.",
        ),
        (
            {"negative_prompt": "haze", "guidance_scale": 1.0},
            "--no works by guidance: it needs --cfg above 1, not 1.",
        ),
        (
            {"model": "hidream", "size": (512, 512)},
            f"--size 512x512 is not possible with hidream; allowed: {HIDREAM_SIZES}",
        ),
    ],
)
def test_what_is_not_possible_is_refused_by_flag_value_and_what_is_allowed(
    options: dict[str, object], text: str
) -> None:
    typed = ImagineOptions(**({"prompt": "a cat"} | options))  # type: ignore[arg-type]

    with pytest.raises(GenerationError) as refusal:
        CATALOGUE.complete(typed, default_model="sdxl", seed=0)

    assert str(refusal.value) == text


@pytest.mark.parametrize("prompt", ["x" * 2000, "🐈" * 2000, "two\nlines\tand a tab", "שלום"])
def test_a_prompt_may_be_long_and_of_any_script(prompt: str) -> None:
    assert CATALOGUE.complete(ImagineOptions(prompt=prompt), default_model="demo", seed=0).prompt == prompt


@pytest.mark.parametrize(
    ("ratio", "size"),
    [
        ((1, 1), (1024, 1024)),
        ((16, 9), (1344, 768)),
        ((9, 16), (768, 1344)),
        ((3, 2), (1248, 832)),
        ((4, 3), (1152, 896)),
        ((3, 1), (1536, 512)),
    ],
)
def test_a_ratio_gives_about_the_models_own_area(ratio: tuple[int, int], size: tuple[int, int]) -> None:
    asked = CATALOGUE.complete(ImagineOptions(prompt="a", aspect_ratio=ratio), default_model="sdxl", seed=0)

    ours = asked.width * asked.height / 1024**2
    assert asked.width / asked.height == pytest.approx(ratio[0] / ratio[1], rel=0.05)
    assert 0.7 < ours < 1.3
    assert abs(asked.width - size[0]) <= 192


SIDE_OF_RATIO = st.integers(1, 99_999)


def size_of(ratio: tuple[int, int], model: str) -> tuple[int, int] | str:
    """Give the size that a ratio leads to, or the refusal."""
    try:
        asked = CATALOGUE.complete(ImagineOptions(prompt="a", aspect_ratio=ratio), default_model=model, seed=0)
    except InvalidRequestError as refusal:
        return str(refusal)
    return asked.width, asked.height


@given(st.tuples(SIDE_OF_RATIO, SIDE_OF_RATIO), st.sampled_from([spec.name for spec in CATALOGUE]))
def test_a_ratio_gives_an_allowed_size_or_a_refusal(ratio: tuple[int, int], model: str) -> None:
    size = size_of(ratio, model)

    if isinstance(size, str):
        assert f"--ar {ratio[0]}:{ratio[1]} is not possible with {model}; allowed: from 1:" in size
    else:
        again = CATALOGUE.complete(ImagineOptions(prompt="a", size=size), default_model=model, seed=0)
        assert (again.width, again.height) == size
        assert (size[0] > size[1]) <= (ratio[0] > ratio[1])


def test_a_model_is_found_whatever_its_case() -> None:
    assert CATALOGUE.get("Flux-DEV").name == "flux-dev"


@pytest.mark.parametrize(
    ("model", "weights_gib", "facts", "licence"),
    [
        ("sdxl", 6.46, (False, 30, 5.0, True), "OpenRAIL"),
        ("sd3.5-large", 25.7, (True, 28, 7.0, True), "Stability Community"),
        ("sd3.5-medium", 15.2, (True, 40, 4.5, True), "Stability Community"),
        ("flux-dev", 31.4, (True, 28, 3.5, False), "Non-Commercial"),
        ("flux-schnell", 31.4, (True, 4, 0.0, False), "Apache-2.0"),
        ("hidream", 57.4, (True, 50, 5.0, True), "MIT"),
        ("hidream-dev", 57.4, (True, 28, 0.0, False), "MIT"),
        ("hidream-fast", 57.4, (True, 16, 0.0, False), "MIT"),
        ("z-image-turbo", 19.1, (False, 9, 0.0, False), "Apache-2.0"),
        ("flux2-klein-4b", 14.9, (False, 4, 1.0, False), "Apache-2.0"),
        ("qwen-image", 53.7, (False, 50, 4.0, True), "Apache-2.0"),
        ("chroma", 25.6, (False, 35, 5.0, True), "Apache-2.0"),
    ],
)
def test_the_big_models_stand_in_the_catalogue_with_their_facts(
    model: str, weights_gib: float, facts: tuple[bool, int, float, bool], licence: str
) -> None:
    spec = CATALOGUE.get(model)
    numbers = sum(part.parameters + part.buffers for part in spec.components.values())

    assert (spec.gated, spec.num_inference_steps, spec.guidance_scale, spec.has_negative_prompt) == facts
    assert numbers * 2 / GIB == pytest.approx(weights_gib, abs=0.1)
    assert licence in spec.licence
    assert spec.licence_url.startswith("https://")
    assert (spec.width, spec.height) == (1024, 1024)


def test_models_share_what_is_known_to_be_the_same_weights_and_no_denoiser() -> None:
    flux, schnell, hidream = (CATALOGUE.get(model).components for model in ("flux-dev", "flux-schnell", "hidream"))
    denoisers = [CATALOGUE.get(model).denoiser.name for model in BIG_MODELS]

    assert flux["text_encoder_2"].name == schnell["text_encoder_2"].name == hidream["text_encoder_3"].name == "t5-xxl"
    assert flux["vae"].name == hidream["vae"].name
    assert len(set(denoisers)) == len(denoisers)


@pytest.mark.parametrize(
    ("model", "gigabytes"), [("sdxl", 3), ("sd3.5-large", 3), ("flux-dev", 3), ("flux-schnell", 3), ("hidream", 5)]
)
def test_a_big_model_says_on_a_machine_without_gpu_what_it_needs_and_what_runs(model: str, gigabytes: int) -> None:
    with pytest.raises(DoesNotFitError) as refusal:
        CATALOGUE.plan_default(CATALOGUE.get(model), PROCESSOR)

    assert str(refusal.value) == (
        f"{model} needs a GPU with {gigabytes} GB or more; this machine has none. "
        "What runs here: demo (about 1 s), demo-fast (about 1 s)."
    )
    assert refusal.value.nearest is not None
    assert (refusal.value.nearest.model, refusal.value.nearest.prompt) == ("demo", model)


@pytest.mark.parametrize("model", BIG_MODELS)
def test_every_model_runs_on_the_largest_card(model: str) -> None:
    assert CATALOGUE.plan_default(CATALOGUE.get(model), LARGE_GPU).predicted_peak_gib < 140


def test_a_card_that_is_too_small_hears_how_much_is_missing_and_which_other_model_runs() -> None:
    small = Card(device="cuda:0", name="A small card", memory_gib=4, host=Host(memory_gib=28))
    asked = CATALOGUE.complete(
        ImagineOptions(prompt="a cat", model="hidream", seed=5, aspect_ratio=(16, 9)), default_model="demo", seed=0
    )

    with pytest.raises(
        DoesNotFitError,
        match=r"^hidream at \d+x\d+ needs about 4\.9 GiB; A small card offers 4\.0 GiB\. What runs here: ",
    ) as refusal:
        CATALOGUE.plan(asked, small)

    nearest, seconds = refusal.value.nearest, refusal.value.nearest_seconds
    assert nearest is not None
    assert seconds is not None
    assert (nearest.model, nearest.prompt, nearest.seed, nearest.num_inference_steps) == ("sdxl", "a cat", 5, 30)
    assert nearest.width / nearest.height == pytest.approx(16 / 9, rel=0.05)
    assert CATALOGUE.plan(nearest, small).predicted_seconds == seconds
    assert f"sdxl (about {round(seconds)} s)" in str(refusal.value)


def test_a_size_that_is_too_large_hears_the_largest_that_runs() -> None:
    spec = CATALOGUE.get("flux2-klein-4b")
    wide = CATALOGUE.complete(ImagineOptions(prompt="a", size=(1536, 1024)), default_model=spec.name, seed=0)
    card = Card(device="cuda:0", name="A card", memory_gib=2.76, host=Host(memory_gib=28))

    with pytest.raises(
        DoesNotFitError, match=r"flux2-klein-4b runs here at 1\d+x\d+, about .* What else runs"
    ) as refusal:
        CATALOGUE.plan(wide, card)

    nearest = refusal.value.nearest
    assert nearest is not None
    assert (nearest.model, nearest.prompt, nearest.seed) == ("flux2-klein-4b", "a", 0)
    assert nearest.width / nearest.height == pytest.approx(1.5, abs=0.1)
    next_size = replace(nearest, width=nearest.width + 64, height=round((nearest.width + 64) / 1.5 / 64) * 64)
    with pytest.raises(DoesNotFitError):
        CATALOGUE.plan(next_size, card)


def test_where_nothing_fits_nothing_is_offered() -> None:
    with pytest.raises(DoesNotFitError, match=r"What runs here: nothing\.$") as refusal:
        CATALOGUE.plan_default(CATALOGUE.get("demo"), Card(device="cuda:0", name="A card", memory_gib=0.5))

    assert (refusal.value.nearest, refusal.value.nearest_seconds) == (None, None)


def test_what_starts_from_a_picture_is_offered_only_where_that_is_possible() -> None:
    small = Card(device="cuda:0", name="A small card", memory_gib=4, host=Host(memory_gib=28))
    typed = ImagineOptions(prompt="a cat", model="qwen-image", image="0123456789abcdef" * 4, image_size=(1024, 1024))
    asked = CATALOGUE.complete(typed, default_model="demo", seed=0)

    with pytest.raises(DoesNotFitError) as refusal:
        CATALOGUE.plan(asked, small)

    nearest = refusal.value.nearest
    assert nearest is not None
    assert (nearest.model, nearest.image, nearest.strength > 0) == ("sdxl", asked.image, True)
    assert "hidream" not in str(refusal.value)
