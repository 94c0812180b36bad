"""Does a model of the SDXL family draw what is asked, step by step, and give back what it took?"""

from __future__ import annotations

import gc
import shutil
import weakref
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from generation import Catalogue, ImagineRequest, JobState, VramPlan
from generation.errors import Interrupted
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, Step, load_pipeline
from tests.generation.pipelines.tiny_sdxl import ENTRY, PROCESSOR, REQUEST, STREAMED, WHOLE, spec, write_checkpoint
from tests.generation.studio import Studio, job

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy


@pytest.fixture(scope="module")
def pipeline(checkpoint: Path) -> Pipeline:
    """One that is loaded once; no test closes it."""
    return load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())


def ignore(_: Step) -> None:
    """Let a step pass."""


def pixels(pipeline: Pipeline, asked: ImagineRequest = REQUEST, seed: int = 5) -> bytes:
    """Draw, and give the bare pixels."""
    return pipeline.render([Row(asked, seed)], ignore)[0].tobytes()


def test_a_picture_has_the_size_asked_for(pipeline: Pipeline) -> None:
    image = pipeline.render([Row(replace(REQUEST, width=192, height=64), 5)], ignore)[0]

    assert (image.size, image.mode) == ((192, 64), "RGB")


def test_the_same_seed_gives_the_same_pixels(pipeline: Pipeline, checkpoint: Path) -> None:
    again = load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())

    assert pixels(pipeline) == pixels(pipeline) == pixels(again)


@pytest.mark.parametrize(
    "changes",
    [{"prompt": "blue"}, {"negative_prompt": "haze"}, {"guidance_scale": 9.0}, {"num_inference_steps": 4}],
    ids=["prompt", "negative prompt", "guidance", "steps"],
)
def test_each_setting_changes_the_pixels(pipeline: Pipeline, changes: dict[str, object]) -> None:
    other = replace(REQUEST, **changes)  # type: ignore[arg-type]

    assert pixels(pipeline, other) != pixels(pipeline)


def test_another_seed_gives_other_pixels(pipeline: Pipeline) -> None:
    assert pixels(pipeline, seed=6) != pixels(pipeline, seed=5)


@pytest.mark.parametrize(
    "prompt", ["word " * 400, "🐈‍⬛🧑🏽‍🚀", "חתול שחור", "two\nlines"], ids=["long", "emoji", "rtl", "lines"]
)
def test_any_prompt_can_be_drawn(pipeline: Pipeline, prompt: str) -> None:
    assert pixels(pipeline, replace(REQUEST, prompt=prompt))


def test_every_step_is_told_with_a_preview_of_its_latents(pipeline: Pipeline) -> None:
    told: list[tuple[int, int]] = []
    previews: list[Image.Image] = []

    def watch(step: Step) -> None:
        told.append((step.number, step.count))
        previews.append(step.preview(0))

    pipeline.render([Row(REQUEST, 5)], watch)

    assert told == [(1, 3), (2, 3), (3, 3)]
    assert {preview.size for preview in previews} == {(64, 64)}  # 16 x 16 latents, four pixels each
    assert len({preview.tobytes() for preview in previews}) == 3


@pytest.mark.parametrize("at", [1, 3])
@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
def test_a_picture_stopped_at_a_step_leaves_the_model_usable(checkpoint: Path, at: int, plan: VramPlan) -> None:
    pipeline = load_pipeline(spec(checkpoint), plan, PROCESSOR, Pantry())
    before = pixels(pipeline)

    def stop(step: Step) -> None:
        if step.number == at:
            raise Interrupted

    with pytest.raises(Interrupted):
        pipeline.render([Row(REQUEST, 5)], stop)

    assert pixels(pipeline) == before


def test_the_catalogue_chooses_the_scheduler_and_its_options(pipeline: Pipeline, checkpoint: Path) -> None:
    other = load_pipeline(spec(checkpoint, scheduler="DDIMScheduler"), WHOLE, PROCESSOR, Pantry())
    tuned = spec(checkpoint, scheduler_options={"use_karras_sigmas": True})

    drawn = {pixels(pipeline), pixels(other), pixels(load_pipeline(tuned, WHOLE, PROCESSOR, Pantry()))}

    assert len(drawn) == 3
    assert other.provenance["scheduler"] == "DDIMScheduler"


def test_whatever_decides_the_pixels_is_recorded(pipeline: Pipeline) -> None:
    assert pipeline.provenance.keys() >= {
        "model_revision",
        "scheduler",
        "precision",
        "torch",
        "diffusers",
        "transformers",
    }
    assert (pipeline.provenance["decode"], pipeline.provenance["resident_blocks"]) == ("whole", "4 of 4")


def test_the_revision_names_the_content_of_the_checkpoint(pipeline: Pipeline, checkpoint: Path, tmp_path: Path) -> None:
    same, changed = tmp_path / "same", tmp_path / "changed"
    shutil.copytree(checkpoint, same)
    shutil.copytree(checkpoint, changed)
    config = changed / "scheduler" / "scheduler_config.json"
    config.write_text(config.read_text().replace("0.00085", "0.0009"))

    revisions = [
        load_pipeline(spec(copy), WHOLE, PROCESSOR, Pantry()).provenance["model_revision"] for copy in (same, changed)
    ]

    assert revisions[0] == pipeline.provenance["model_revision"]
    assert revisions[1] != revisions[0]


def test_a_tiled_plan_decodes_a_large_picture_in_tiles(pipeline: Pipeline, checkpoint: Path) -> None:
    tiled = load_pipeline(spec(checkpoint), replace(WHOLE, tiled_decode=True), PROCESSOR, Pantry())
    one_tile = replace(REQUEST, width=512, height=512, num_inference_steps=1)
    large = replace(one_tile, width=576)

    in_tiles, whole = (np.asarray(one.render([Row(large, 5)], ignore)[0]).astype(int) for one in (tiled, pipeline))

    assert 0 < np.abs(in_tiles - whole).mean() < 5
    assert pixels(tiled, one_tile) == pixels(pipeline, one_tile)
    assert tiled.provenance["decode"] == "tiled"


def test_an_offloaded_model_draws_the_same_but_for_rounding(pipeline: Pipeline, checkpoint: Path) -> None:
    offloaded = load_pipeline(spec(checkpoint), STREAMED, PROCESSOR, Pantry())

    one, other = (np.asarray(each.render([Row(REQUEST, 5)], ignore)[0]).astype(int) for each in (offloaded, pipeline))

    assert np.abs(one - other).max() <= 2


def modules() -> list[torch.nn.Module]:
    """Give every module of torch that is alive."""
    return [thing for thing in gc.get_objects() if issubclass(type(thing), torch.nn.Module)]


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
def test_a_closed_model_gives_all_its_weights_back(checkpoint: Path, plan: VramPlan) -> None:
    gc.collect()
    before = {id(module) for module in modules()}
    pipeline = load_pipeline(spec(checkpoint), plan, PROCESSOR, Pantry())
    pixels(pipeline)
    loaded = [weakref.ref(module) for module in modules() if id(module) not in before]

    pipeline.close()

    assert len(loaded) > 100
    assert not [module for module in loaded if module() is not None]


def test_an_autoencoder_tiny_serves_as_well(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, is_vae_tiny=True)
    previews = []

    pipeline = load_pipeline(spec(tmp_path), WHOLE, PROCESSOR, Pantry())
    image = pipeline.render([Row(REQUEST, 5)], lambda step: previews.append(step.preview(0)))[0]

    assert image.size == (128, 128)
    assert [preview.size for preview in previews] == [(64, 64)] * 3


async def test_the_worker_process_draws_with_it_and_keeps_what_libraries_print_to_its_log(
    studio: Studio, checkpoint: Path, pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    file = studio.folder / "tiny.toml"
    file.write_text(ENTRY.format(checkpoint=checkpoint))
    asked = replace(REQUEST, model="tiny", seed=5, images=2)
    async with studio.opened(Catalogue.load(extra=file, default="tiny")):
        studio.service.submit(job(1, asked=asked))
        end = await studio.ended(1)
        assert studio.service.status().resident == {"tiny"}
        await studio.service.unload("tiny")
        assert studio.service.status().resident == frozenset()

    assert (end.state, end.error) == (JobState.DONE, "")
    assert [(picture.seed, picture.width, picture.height) for picture in studio.pictures(1)] == [
        (5, 128, 128),
        (6, 128, 128),
    ]
    assert studio.pictures(1)[0].provenance["model_revision"] == pipeline.provenance["model_revision"]
    assert capfd.readouterr() == ("", "")
