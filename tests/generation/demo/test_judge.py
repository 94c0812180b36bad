"""The judge of the demo model's pictures is itself put to the test, on drawings and on what is no shape."""

import math

import numpy as np
import pytest
from PIL import Image, ImageDraw

from generation.demo.evaluate import judge_rate
from generation.demo.judge import NONE, judge
from generation.demo.scenes import COLOURS, SHAPES, Scene, Thing, draw, draw_outlines


def test_the_judge_is_right_on_99_of_100_drawings() -> None:
    assert judge_rate(150, np.random.default_rng(5)) >= 0.99


@pytest.mark.parametrize("shape", SHAPES)
def test_each_shape_is_told_from_the_others_at_any_place_and_size(shape: str) -> None:
    places = [(x, y, radius) for x in (-0.1, 0.1) for y in (-0.08, 0.08) for radius in (0.2, 0.3, 0.38)]
    things = [Thing(shape=shape, colour="orange", x=x, y=y, radius=radius) for x, y, radius in places]
    scenes = [Scene(ground="blue", things=(thing,)) for thing in things]

    assert {judge(draw(scene, 256, 192)).shape for scene in scenes} == {shape}


@pytest.mark.parametrize("shape", SHAPES)
def test_each_outline_is_told_from_filled_shapes_and_from_other_outlines(shape: str) -> None:
    things = [Thing(shape=shape, colour="orange", x=0.05, radius=radius) for radius in (0.22, 0.26, 0.31, 0.38)]
    scenes = [Scene(ground="blue", things=(thing,)) for thing in things]

    verdicts = [(judge(draw(scene, 256, 256)), judge(draw_outlines(scene, 256, 256))) for scene in scenes]

    assert {(filled.shape, filled.is_outline) for filled, _ in verdicts} == {(shape, False)}
    assert {(outline.shape, outline.is_outline, outline.colour) for _, outline in verdicts} == {(shape, True, "orange")}


def test_a_flat_picture_shows_nothing() -> None:
    verdict = judge(Image.new("RGB", (256, 256), COLOURS["green"]))

    assert (verdict.shape, verdict.colour, verdict.ground) == (NONE, NONE, "green")


def test_noise_shows_nothing() -> None:
    noise = np.random.default_rng(6).integers(0, 256, (256, 256, 3), dtype=np.uint8)

    assert judge(Image.fromarray(noise)).shape == NONE


@pytest.mark.parametrize("lobes", [2, 3, 4, 6, 7])
def test_a_wobbly_blob_is_no_shape(lobes: int) -> None:
    picture = Image.new("RGB", (256, 256), COLOURS["blue"])
    turns = np.linspace(0, 2 * math.pi, 90)
    radii = 70 * (1 + 0.3 * np.sin(lobes * turns + 0.7) + 0.12 * np.sin(5 * turns))
    outline = [(128 + r * math.cos(turn), 128 + r * math.sin(turn)) for r, turn in zip(radii, turns, strict=True)]
    ImageDraw.Draw(picture).polygon(outline, fill=COLOURS["yellow"])

    verdict = judge(picture)

    assert verdict.shape == NONE
    assert (verdict.colour, verdict.ground) == ("yellow", "blue")


def test_a_colour_that_is_none_of_ours_is_named_none() -> None:
    picture = Image.new("RGB", (256, 256), (128, 128, 128))

    assert judge(picture).ground == NONE
