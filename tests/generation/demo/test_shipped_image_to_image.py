"""The model that ships starts from pictures: it changes what is asked for, varies what was left open, and enlarges."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from generation.demo.judge import judge
from generation.models.catalogue import Catalogue
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Row, load_pipeline
from generation.request import ImagineOptions, ImagineRequest
from generation.worker.start_image import fit
from tests.generation.strange_pictures import file_of

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

NAME = "0123456789abcdef" * 4
CATALOGUE = Catalogue.load()

Draw = Callable[[ImagineRequest, Image.Image | None], Image.Image]


@pytest.fixture(scope="module", params=["demo", pytest.param("demo-fast", marks=pytest.mark.slow)])
def model(request: pytest.FixtureRequest) -> str:
    """The name of a model that ships."""
    return str(request.param)


@pytest.fixture(scope="module")
def draw(model: str) -> Draw:
    """Give a function that draws a request's first picture, as the worker does."""
    spec, card = CATALOGUE.get(model), find_card("cpu")
    pipeline = load_pipeline(spec, CATALOGUE.plan_default(spec, card), card, Pantry())

    def draw_it(asked: ImagineRequest, start: Image.Image | None = None) -> Image.Image:
        fitted = None if start is None else fit(file_of(start), (asked.width, asked.height))
        return pipeline.render([Row(asked, asked.seed, fitted)], lambda _: None)[0]

    return draw_it


def complete(model: str, prompt: str, seed: int, **options: object) -> ImagineRequest:
    """Complete what was typed."""
    typed = ImagineOptions(prompt=prompt, **options)  # type: ignore[arg-type]
    return CATALOGUE.complete(typed, default_model=model, seed=seed)


def seen(picture: Image.Image) -> tuple[str, str, str]:
    """Tell colour, shape and ground."""
    verdict = judge(picture)
    return verdict.colour, verdict.shape, verdict.ground


def difference(one: Image.Image, other: Image.Image) -> float:
    """Give the mean difference of two pictures, in levels of 0 to 255."""
    return float(np.abs(np.asarray(one, dtype=np.float64) - np.asarray(other.resize(one.size))).mean())


@pytest.mark.parametrize("model", ["demo"], indirect=True)  # in its few steps demo-fast leaves a tinge of what was
def test_at_the_default_strength_new_words_win_and_what_they_do_not_name_stays(model: str, draw: Draw) -> None:
    circle = draw(complete(model, "a red circle on a blue background", 3), None)
    star = draw(complete(model, "a yellow star on a black background", 4), None)

    green = draw(complete(model, "a green circle", 1000, image=NAME), circle)
    heart = draw(complete(model, "a yellow heart", 1000, image=NAME), star)

    assert seen(circle) == ("red", "circle", "blue")
    assert seen(green) == ("green", "circle", "blue")
    assert seen(heart) == ("yellow", "heart", "black")


def test_the_stronger_the_farther_from_the_start_picture(model: str, draw: Draw) -> None:
    start = draw(complete(model, "a red square on a white background", 3), None)

    away = [
        difference(start, draw(complete(model, "a blue star on black", 9, image=NAME, strength=strength), start))
        for strength in (0.2, 0.6, 1.0)
    ]

    assert away[0] < away[1] < away[2]


def test_at_full_strength_nothing_of_the_start_picture_is_left(model: str, draw: Draw) -> None:
    asked = complete(model, "a blue star on a black background", 9, image=NAME, strength=1.0)

    white, red = (draw(asked, Image.new("RGB", (256, 256), colour)) for colour in ("white", "red"))

    assert difference(white, red) < 2


def test_variations_differ_visibly_and_are_recognisably_related(model: str, draw: Draw) -> None:
    request = complete(model, "a circle on blue", 4)
    chosen = draw(request, None)
    asked = CATALOGUE.varied(request, NAME, 1000)

    varied = [draw(replace(asked, seed=asked.seed_of(index)), chosen) for index in range(asked.images)]
    anew = [draw(replace(request, seed=asked.seed_of(index)), None) for index in range(asked.images)]

    assert len({picture.tobytes() for picture in varied}) == 4
    assert all(seen(picture)[1:] == ("circle", "blue") for picture in varied)
    assert all(difference(chosen, picture) > 0.5 for picture in varied)
    related, unrelated = (np.mean([difference(chosen, one) for one in group]) for group in (varied, anew))
    assert related < unrelated / 2


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        ("a red circle on a blue background", ("red", "circle", "blue")),
        ("a yellow star on a black background", ("yellow", "star", "black")),
        ("a green heart on a white background", ("green", "heart", "white")),
    ],
)
def test_an_upscaled_picture_is_the_same_with_sharper_edges(
    model: str, draw: Draw, prompt: str, expected: tuple[str, str, str]
) -> None:
    request = complete(model, prompt, 4)
    small = draw(request, None)

    large = draw(CATALOGUE.upscaled(request, 0, NAME), small)

    enlarged = small.resize((512, 512), Image.Resampling.LANCZOS)
    assert large.size == (512, 512)
    assert seen(large) == seen(small) == expected
    assert difference(large, enlarged) < 6
    assert sharpness(large) > 1.2 * sharpness(enlarged)


def sharpness(picture: Image.Image) -> float:
    """Tell how steep the steepest places are, from one pixel to the next."""
    steps = np.abs(np.diff(np.asarray(picture, dtype=np.float64), axis=1)).max(axis=2)
    return float(np.mean(np.sort(steps.ravel())[-1000:]))
