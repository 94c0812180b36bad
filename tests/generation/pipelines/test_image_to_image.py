"""Does a model of the SDXL family start from a picture, on the weights that it has loaded anyway?"""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation import Catalogue, ImagineRequest, JobState, Precision, VramPlan
from generation.errors import Interrupted
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, Step, load_pipeline
from tests.generation.pipelines.tiny_sdxl import (
    ENTRY,
    PROCESSOR,
    REQUEST,
    STREAMED,
    WHOLE,
    placed,
    spec,
    write_checkpoint,
)
from tests.generation.strange_pictures import file_of, quarters
from tests.generation.studio import Studio, job

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

START = quarters(128)
ASKED = replace(REQUEST, num_inference_steps=4, image="0123456789abcdef" * 4, strength=0.5)


@pytest.fixture(scope="module")
def pipeline(checkpoint: Path) -> Pipeline:
    """One that is loaded once; no test closes it."""
    return load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())


def ignore(_: Step) -> None:
    """Let a step pass."""


def draw(
    pipeline: Pipeline, asked: ImagineRequest = ASKED, start: Image.Image | None = START, seed: int = 5
) -> np.ndarray[Any, Any]:
    """Draw, and give the levels of the pixels."""
    return np.asarray(pipeline.render([Row(asked, seed, start if asked.image else None)], ignore)[0]).astype(int)


def test_the_same_start_picture_and_seed_give_the_same_pixels(pipeline: Pipeline, checkpoint: Path) -> None:
    again = load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())

    assert (draw(pipeline) == draw(pipeline)).all()
    assert (draw(pipeline) == draw(again)).all()


@pytest.mark.parametrize(
    ("changes", "start", "seed"),
    [
        ({}, START.rotate(90), 5),
        ({}, START, 6),
        ({"strength": 0.75}, START, 5),
        ({"prompt": "blue"}, START, 5),
        ({"negative_prompt": "haze"}, START, 5),
        ({"image": "", "strength": 0.0}, None, 5),
    ],
    ids=["start picture", "seed", "strength", "prompt", "negative prompt", "none"],
)
def test_each_setting_changes_the_pixels(
    pipeline: Pipeline, changes: dict[str, object], start: Image.Image | None, seed: int
) -> None:
    other = draw(pipeline, replace(ASKED, **changes), start, seed)  # type: ignore[arg-type]

    assert (other != draw(pipeline)).any()


@pytest.mark.parametrize("size", [(128, 128), (192, 64), (64, 256)])
def test_the_picture_has_the_size_of_its_start_picture(pipeline: Pipeline, size: tuple[int, int]) -> None:
    asked = replace(ASKED, width=size[0], height=size[1])

    assert pipeline.render([Row(asked, 5, START.resize(size))], ignore)[0].size == size


@pytest.mark.parametrize("scheduler", ["EulerDiscreteScheduler", "DDIMScheduler", "UniPCMultistepScheduler"])
@pytest.mark.parametrize(("strength", "steps"), [(0.25, 1), (0.5, 2), (0.99, 3), (1.0, 4)])
def test_the_steps_that_are_told_are_those_that_are_taken(
    checkpoint: Path, scheduler: str, strength: float, steps: int
) -> None:
    pipeline = load_pipeline(spec(checkpoint, scheduler=scheduler), WHOLE, PROCESSOR, Pantry())
    asked, told = replace(ASKED, strength=strength), []

    pipeline.render([Row(asked, 5, START)], told.append)

    assert [(step.number, step.count) for step in told] == [(number, steps) for number in range(1, steps + 1)]
    assert asked.steps_taken == steps


@pytest.mark.parametrize("strength", [0.01 * part for part in range(1, 101)])
def test_a_request_counts_steps_as_diffusers_does(pipeline: Pipeline, strength: float) -> None:
    twin = pipeline._assembly.pipe_for(Row(ASKED, 5, START))  # type: ignore[attr-defined]
    for steps in (1, 7, 30, 100, 150):
        twin.scheduler.set_timesteps(steps)
        asked = replace(ASKED, num_inference_steps=steps, strength=strength)

        assert asked.steps_taken == len(twin.get_timesteps(steps, strength, "cpu")[0])


def test_every_step_has_a_preview(pipeline: Pipeline) -> None:
    previews: list[Image.Image] = []

    pipeline.render([Row(ASKED, 5, START)], lambda step: previews.append(step.preview(0)))

    assert [preview.size for preview in previews] == [(64, 64)] * 2
    assert previews[0].tobytes() != previews[1].tobytes()


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
def test_a_picture_stopped_at_a_step_leaves_the_model_usable_for_both(checkpoint: Path, plan: VramPlan) -> None:
    pipeline = load_pipeline(spec(checkpoint), plan, PROCESSOR, Pantry())
    before = draw(pipeline), draw(pipeline, REQUEST)

    def stop(_: Step) -> None:
        raise Interrupted

    with pytest.raises(Interrupted):
        pipeline.render([Row(ASKED, 5, START)], stop)

    assert (draw(pipeline) == before[0]).all()
    assert (draw(pipeline, REQUEST) == before[1]).all()


def test_an_offloaded_model_draws_the_same_but_for_rounding(pipeline: Pipeline, checkpoint: Path) -> None:
    offloaded = load_pipeline(spec(checkpoint), STREAMED, PROCESSOR, Pantry())

    assert np.abs(draw(offloaded) - draw(pipeline)).max() <= 2


def test_a_model_that_computes_in_half_precision_does_so_before_and_after(checkpoint: Path) -> None:
    half = load_pipeline(spec(checkpoint), placed(precision=Precision.BFLOAT16), PROCESSOR, Pantry())
    before = draw(half, REQUEST)

    draw(half)  # for which diffusers turns the autoencoder to float32

    assert (draw(half, REQUEST) == before).all()


def modules() -> list[torch.nn.Module]:
    """Give every module of torch that is alive."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
def test_it_has_no_weights_of_its_own_and_gives_all_back(checkpoint: Path, plan: VramPlan) -> None:
    gc.collect()
    before = {id(module) for module in modules()}
    pipeline = load_pipeline(spec(checkpoint), plan, PROCESSOR, Pantry())
    draw(pipeline)
    draw(pipeline, REQUEST)
    loaded = [weakref.ref(module) for module in modules() if id(module) not in before]
    denoisers = sum(type(module()).__name__ == "UNet2DConditionModel" for module in loaded)

    pipeline.close()

    assert denoisers == 1
    assert len(loaded) > 100
    assert not [module for module in loaded if module() is not None]


def test_an_autoencoder_tiny_serves_as_well(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, is_vae_tiny=True)
    pipeline = load_pipeline(spec(tmp_path), WHOLE, PROCESSOR, Pantry())

    image = pipeline.render([Row(ASKED, 5, START)], ignore)[0]

    assert image.size == (128, 128)
    assert (draw(pipeline) != draw(pipeline, ASKED, START.rotate(90))).any()


async def test_the_worker_process_starts_from_a_picture_of_any_size(
    studio: Studio, checkpoint: Path, pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    file = studio.folder / "tiny.toml"
    file.write_text(ENTRY.format(checkpoint=checkpoint))
    name = studio.keep(file_of(quarters(300)))
    asked = replace(ASKED, model="tiny", image=name)
    async with studio.opened(Catalogue.load(extra=file, default="tiny")):
        studio.service.submit(job(1, asked=asked))
        studio.service.submit(job(2, asked=replace(asked, image="", strength=0.0)))
        ends = [await studio.ended(number) for number in (1, 2)]

    assert [(end.state, end.error) for end in ends] == [(JobState.DONE, "")] * 2
    made = studio.pictures(1)[0]
    assert (made.width, made.height) == (128, 128)
    assert made.provenance["model_revision"] == pipeline.provenance["model_revision"]
    assert capfd.readouterr() == ("", "")
