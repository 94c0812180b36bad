"""Is every picture of a call its own, whatever the others of it are?"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from generation import Catalogue, ImagineOptions, ImagineRequest, VramPlan
from generation.errors import CardFullError, Interrupted
from generation.pipelines.card import find_card
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, Step, load_pipeline
from tests.generation.pipelines.tiny_sdxl import PROCESSOR, REQUEST, STREAMED, WHOLE, spec, write_checkpoint
from tests.generation.strange_pictures import quarters

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

ROUNDING = 2  # levels of 255: a product of matrices with other rows is summed up in another order
SCHEDULERS = ("EulerAncestralDiscreteScheduler", "DPMSolverMultistepScheduler", "UniPCMultistepScheduler")
MINE = Row(replace(REQUEST, prompt="a red circle"), 5)
OTHERS = (
    Row(replace(REQUEST, prompt="a green star", negative_prompt="a ring, haze"), 9),
    Row(replace(REQUEST, prompt="word " * 100), 2**53),
    Row(replace(REQUEST, prompt="a cross", negative_prompt="blue"), 5),
)
START = quarters(128)


@pytest.fixture(scope="module")
def pipeline(checkpoint: Path) -> Pipeline:
    """One that is loaded once; no test closes it."""
    return load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())


def ignore(_: Step) -> None:
    """Let a step pass."""


def pictures(pipeline: Pipeline, *rows: Row) -> list[np.ndarray[Any, Any]]:
    """Make a call and give the levels of its pictures."""
    return [np.asarray(image).astype(int) for image in pipeline.render(rows, ignore)]


def beside(others: Sequence[Row], mine: Row, *, place: int, size: int) -> list[Row]:
    """Lay out a call of this size with one row in its place and others in the rest."""
    rows = [others[number % len(others)] for number in range(size)]
    rows[place] = mine
    return rows


def shipped(model: str) -> tuple[Pipeline, ImagineRequest]:
    """Load a model that ships, and give a request for it of few steps."""
    catalogue, card = Catalogue.load(), find_card("cpu")
    entry = catalogue.get(model)
    options = ImagineOptions(prompt="a red circle on a blue background", num_inference_steps=4)
    asked = catalogue.complete(options, default_model=model, seed=5)
    return load_pipeline(entry, catalogue.plan_default(entry, card), card, Pantry()), asked


@pytest.mark.parametrize(("place", "size"), [(0, 2), (1, 2), (2, 3), (1, 4), (7, 8)])
def test_in_the_same_seat_a_picture_is_the_same_to_the_byte_whatever_the_others_are(
    pipeline: Pipeline, place: int, size: int
) -> None:
    calls = [
        pictures(pipeline, *beside(others, MINE, place=place, size=size))[place]
        for others in (OTHERS, OTHERS[1:], [MINE])
    ]

    assert all((other == calls[0]).all() for other in calls)


@pytest.mark.parametrize("model", ["demo", "demo-fast"])
def test_so_it_is_with_the_model_that_ships(model: str) -> None:
    pipeline, asked = shipped(model)
    mine = Row(asked, 7)
    others = [
        Row(replace(asked, prompt="a green star", negative_prompt="a ring"), 8),
        Row(replace(asked, prompt="a yellow heart"), 9),
    ]

    calls = [pictures(pipeline, *beside(rest, mine, place=1, size=3))[1] for rest in (others, others[::-1], [mine])]
    (alone,) = pictures(pipeline, mine)

    assert all((other == calls[0]).all() for other in calls)
    assert np.abs(calls[0] - alone).max() <= ROUNDING


def test_a_repeated_call_gives_the_same_bytes_on_a_model_that_was_loaded_anew(
    pipeline: Pipeline, checkpoint: Path
) -> None:
    again = load_pipeline(spec(checkpoint), WHOLE, PROCESSOR, Pantry())

    for one, other in zip(pictures(pipeline, MINE, *OTHERS), pictures(again, MINE, *OTHERS), strict=True):
        assert (one == other).all()


@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
def test_each_picture_of_a_call_is_but_for_rounding_what_it_were_alone(
    pipeline: Pipeline, guidance_scale: float
) -> None:
    rows = [replace(row, request=replace(row.request, guidance_scale=guidance_scale)) for row in (MINE, *OTHERS)]

    together = pictures(pipeline, *rows)
    alone = [pictures(pipeline, row)[0] for row in rows]

    assert all(np.abs(one - other).max() <= ROUNDING for one, other in zip(together, alone, strict=True))
    strangers = [one for one, row in zip(together, rows, strict=True) if row.seed != MINE.seed]
    assert all(np.abs(one - together[0]).max() > 10 * ROUNDING for one in strangers)


@pytest.mark.parametrize("scheduler", SCHEDULERS)
def test_so_it_is_where_steps_draw_noise_or_look_back(checkpoint: Path, scheduler: str) -> None:
    pipeline = load_pipeline(spec(checkpoint, scheduler=scheduler), WHOLE, PROCESSOR, Pantry())
    rows = MINE, *OTHERS

    together = pictures(pipeline, *rows)
    alone = [pictures(pipeline, row)[0] for row in rows]

    assert all(np.abs(one - other).max() <= ROUNDING for one, other in zip(together, alone, strict=True))


def test_a_row_without_negative_prompt_is_guided_away_from_zeros_where_the_model_was_trained_so(
    checkpoint: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    shutil.copytree(checkpoint, tmp_path, dirs_exist_ok=True)
    index = tmp_path / "model_index.json"
    index.write_text(json.dumps(json.loads(index.read_text()) | {"force_zeros_for_empty_prompt": True}))
    zeroed = load_pipeline(spec(tmp_path), WHOLE, PROCESSOR, Pantry())

    together = pictures(zeroed, MINE, *OTHERS)
    alone = [pictures(zeroed, row)[0] for row in (MINE, *OTHERS)]

    assert all(np.abs(one - other).max() <= ROUNDING for one, other in zip(together, alone, strict=True))
    assert (alone[0] != pictures(pipeline, MINE)[0]).any()
    assert (alone[1] == pictures(pipeline, OTHERS[0])[0]).all()


def test_pictures_of_one_job_start_from_its_picture_each_with_its_own_seed(pipeline: Pipeline) -> None:
    asked = replace(REQUEST, num_inference_steps=4, image="0123456789abcdef" * 4, strength=0.5)
    rows = [Row(asked, seed, START) for seed in (5, 6, 7)]

    together = pictures(pipeline, *rows)
    alone = [pictures(pipeline, row)[0] for row in rows]
    again = pictures(pipeline, rows[2], rows[1], rows[0])

    assert all(np.abs(one - other).max() <= ROUNDING for one, other in zip(together, alone, strict=True))
    assert (again[1] == together[1]).all()
    assert (together[0] != together[1]).any()
    assert (together[1] != together[2]).any()


def test_each_step_has_a_preview_of_every_row(pipeline: Pipeline) -> None:
    told: list[list[Image.Image]] = []

    pipeline.render([MINE, *OTHERS], lambda step: told.append([step.preview(row) for row in range(4)]))
    alone: list[Image.Image] = []
    pipeline.render([OTHERS[0]], lambda step: alone.append(step.preview(0)))

    assert [len({preview.tobytes() for preview in step}) for step in told] == [4, 4, 4]
    for step, other in zip(told, alone, strict=True):
        assert np.abs(np.asarray(step[1]).astype(int) - np.asarray(other)).max() <= ROUNDING


@pytest.fixture
def decoded() -> Iterator[list[int]]:
    """Count the pictures of each run of a decoder, by torch's own hook for all modules."""
    counts: list[int] = []

    def note(module: torch.nn.Module, _: object, result: object) -> None:
        if type(module).__name__ in {"Decoder", "DecoderTiny"}:
            assert isinstance(result, torch.Tensor)
            counts.append(len(result))

    hook = torch.nn.modules.module.register_module_forward_hook(note)
    yield counts
    hook.remove()


@pytest.mark.parametrize("is_vae_tiny", [False, True], ids=["autoencoder", "tiny autoencoder"])
def test_pictures_are_decoded_one_by_one_so_that_a_call_takes_no_more_memory_for_it(
    tmp_path: Path, decoded: list[int], *, is_vae_tiny: bool
) -> None:
    write_checkpoint(tmp_path, is_vae_tiny=is_vae_tiny)
    pipeline = load_pipeline(spec(tmp_path), WHOLE, PROCESSOR, Pantry())

    pipeline.render([MINE, *OTHERS], ignore)

    assert decoded == [1, 1, 1, 1]


@pytest.mark.parametrize("plan", [WHOLE, STREAMED], ids=["resident", "streamed"])
@pytest.mark.parametrize("fault", [Interrupted, torch.OutOfMemoryError, MemoryError])
def test_a_call_that_is_broken_off_leaves_the_model_usable(
    checkpoint: Path, plan: VramPlan, fault: type[Exception]
) -> None:
    pipeline = load_pipeline(spec(checkpoint), plan, PROCESSOR, Pantry())
    before = pictures(pipeline, MINE, *OTHERS)

    def fail(step: Step) -> None:
        if step.number == 2:
            raise fault

    with pytest.raises(Interrupted if fault is Interrupted else CardFullError):
        pipeline.render([MINE, *OTHERS], fail)

    assert all((one == other).all() for one, other in zip(pictures(pipeline, MINE, *OTHERS), before, strict=True))


@pytest.mark.parametrize("where", ["card", "processor"])
def test_memory_that_ran_out_is_free_again_when_it_is_told(pipeline: Pipeline, where: str) -> None:
    def fail(_: Step) -> None:
        if where == "card":
            raise torch.OutOfMemoryError
        torch.empty(2**60)

    with pytest.raises(CardFullError) as told:
        pipeline.render([MINE, *OTHERS], fail)

    assert str(told.value) == "The card ran out of memory: unload another model, or take a smaller one."
    assert (told.value.__context__, told.value.__cause__) == (None, None)  # either would hold the call's tensors
