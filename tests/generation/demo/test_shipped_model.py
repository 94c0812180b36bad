"""The model that ships draws what it is asked, and every setting does what its name says."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from generation.demo import train
from generation.demo.judge import judge
from generation.demo.scenes import COLOURS, HELD_OUT, SHAPES
from generation.models.catalogue import Catalogue
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Row, Step, load_pipeline
from generation.request import ImagineOptions

MEBIBYTE = 2**20
GROUNDS = ("white", "black", "blue", "yellow", "pink")


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture, and the steps that were reported on the way."""

    picture: Image.Image
    steps: list[Step]


Draw = Callable[..., Drawn]


@pytest.fixture(scope="module", params=["demo"])
def draw(request: pytest.FixtureRequest) -> Draw:
    """Give a function that draws a prompt with the options of a request."""
    catalogue, card = Catalogue.load(), find_card("cpu")
    spec = catalogue.get(request.param)
    pipeline = load_pipeline(spec, catalogue.plan_default(spec, card), card, Pantry())

    def draw_it(prompt: str, seed: int = 1, **options: object) -> Drawn:
        asked = catalogue.complete(
            ImagineOptions(prompt=prompt, **options),  # type: ignore[arg-type]
            default_model=spec.name,
            seed=seed,
        )
        steps: list[Step] = []
        return Drawn(pipeline.render([Row(asked, seed)], steps.append)[0], steps)

    return draw_it


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the mean difference of two pictures, in levels of 0 to 255."""
    return float(np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other)).mean())


def right_share(pictures: list[tuple[Image.Image, str, str, str]]) -> float:
    """Tell how many of the pictures show the colour, shape and ground beside them."""
    seen = [(judge(picture), asked) for picture, *asked in pictures]
    return float(np.mean([[verdict.colour, verdict.shape, verdict.ground] == asked for verdict, asked in seen]))


def test_it_draws_every_shape_in_pairs_of_colour_and_shape_that_it_never_saw(draw: Draw) -> None:
    asked = [
        (colour, shape, next(ground for ground in GROUNDS if ground != colour)) for colour, shape in sorted(HELD_OUT)
    ]

    pictures = [
        (draw(f"a {colour} {shape} on a {ground} background", seed).picture, colour, shape, ground)
        for seed, (colour, shape, ground) in enumerate(asked)
    ]

    assert {shape for _, shape, _ in asked} == set(SHAPES)
    assert right_share(pictures) >= 0.85


def test_it_understands_other_words_for_the_same(draw: Draw) -> None:
    picture = draw("draw a big violet disc in front of a turquoise background please").picture

    verdict = judge(picture)

    assert (verdict.colour, verdict.shape, verdict.ground) == ("purple", "circle", "cyan")


def test_large_is_larger_than_small(draw: Draw) -> None:
    large, small = (draw(f"a {size} red square on a white background", 4).picture for size in ("large", "small"))

    def inked(picture: Image.Image) -> int:
        return int((np.asarray(picture)[..., 1] < 128).sum())  # white has green in it, red has not

    assert inked(large) > 1.8 * inked(small)


@pytest.mark.parametrize("size", [(256, 192), (192, 256)])
def test_it_draws_upright_and_wide_pictures_too(draw: Draw, size: tuple[int, int]) -> None:
    asked = [("yellow", "heart", "black"), ("red", "square", "white"), ("cyan", "diamond", "purple")]

    pictures = [
        (draw(f"a {colour} {shape} on a {ground} background", size=size).picture, colour, shape, ground)
        for colour, shape, ground in asked
    ]

    assert {picture.size for picture, *_ in pictures} == {size}
    assert right_share(pictures) == 1


def test_the_same_seed_gives_the_same_pixels_and_another_seed_others(draw: Draw) -> None:
    first, again, other = (draw("a blue heart on a pink background", seed).picture for seed in (7, 7, 8))

    assert first.tobytes() == again.tobytes()
    assert first.tobytes() != other.tobytes()


def test_it_takes_as_many_steps_as_it_is_told_and_with_more_of_them_the_picture_settles(draw: Draw) -> None:
    prompt = "a green star on a white background"

    drawn = {count: draw(prompt, num_inference_steps=count) for count in (1, 10, 40)}

    assert [len(one.steps) for one in drawn.values()] == [1, 10, 40]
    assert difference(drawn[10].picture, drawn[40].picture) < difference(drawn[1].picture, drawn[40].picture)


def test_what_a_negative_prompt_names_is_kept_out(draw: Draw) -> None:
    seeds = range(6)
    grounds = [judge(draw("a star", seed).picture).ground for seed in seeds]

    others = [
        judge(draw("a star", seed, negative_prompt=f"{ground} background").picture).ground
        for seed, ground in zip(seeds, grounds, strict=True)
    ]

    assert set(grounds) <= set(COLOURS)
    assert [one for one, other in zip(grounds, others, strict=True) if one == other] == []


def test_more_guidance_takes_the_picture_farther_from_what_it_were_without_words(draw: Draw) -> None:
    prompts = ["a star", "a red circle", "orange star, blue background", "a pink cross on green"]
    wordless = [draw("a", seed, guidance_scale=1.0, num_inference_steps=10).picture for seed in range(len(prompts))]

    def distance(guidance_scale: float) -> float:
        options = {"guidance_scale": guidance_scale, "num_inference_steps": 10}
        drawn = [draw(prompt, seed, **options).picture for seed, prompt in enumerate(prompts)]
        return float(np.mean([difference(one, other) for one, other in zip(drawn, wordless, strict=True)]))

    assert distance(1.0) < distance(4.0) < distance(15.0)


def test_previews_show_early_what_is_coming(draw: Draw) -> None:
    drawn = draw("a large red square on a white background", num_inference_steps=10)

    previews = [step.preview(0) for step in drawn.steps]

    away = [difference(preview.resize(drawn.picture.size), drawn.picture) for preview in previews]
    assert judge(previews[5]).colour == "red"
    assert away[-1] < 6
    assert away[-1] < away[5] < away[0]


def test_the_weights_are_safetensors_of_at_most_20_mebibytes() -> None:
    files = [file for file in Path(train.WEIGHTS).rglob("*") if file.is_file()]

    assert {file.suffix for file in files} <= {".json", ".safetensors"}
    assert sum(file.stat().st_size for file in files) <= 20 * MEBIBYTE
