"""Does a fast call take less work for nearly the same picture, and leave nothing behind for the next one?"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pytest
from torch.nn.modules.module import register_module_forward_hook

from generation.errors import Interrupted
from generation.pipelines.families import flux, hidream, qwen_image, sd3, z_image
from generation.pipelines.family import Family
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.opening import load
from generation.pipelines.pipeline import Pipeline, Row, Step
from tests.generation.pipelines.tiny_models import FAMILIES, PROCESSOR, Tiny

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

Levels: TypeAlias = np.ndarray[Any, Any]

STEPS = 8
QUICK = "z_image"  # the one that takes the least time


def _patient(family: Family) -> Family:
    """Untrained weights change more from step to step than trained ones."""
    patient: Family = type("Patient", (type(family),), {"likeness": 0.9})()
    return patient


@dataclass(frozen=True, slots=True)
class Fast:
    """A tiny model, and how many passes a step takes."""

    tiny: Tiny
    family: Family
    checkpoint: Path

    def load(self, **resident_blocks: int) -> Pipeline:
        spec = self.tiny.spec(self.checkpoint)
        return load(spec, self.tiny.plan(**resident_blocks), PROCESSOR, Pantry(), self.family)

    def drawn(self, pipeline: Pipeline, seed: int = 5, **changes: Any) -> Levels:
        asked = self.tiny.request(num_inference_steps=STEPS, **changes)
        return np.asarray(pipeline.render([Row(asked, seed)], lambda _: None)[0]).astype(int)


KINDS = {
    "flux dev": flux.FAMILY,
    "sd3": sd3.FAMILY,
    "hidream full": hidream.FAMILY,
    "qwen_image": qwen_image.FAMILY,
    "z_image": z_image.FAMILY,
}


@pytest.fixture(
    scope="module", params=[QUICK, *(pytest.param(kind, marks=pytest.mark.slow) for kind in KINDS if kind != QUICK)]
)
def fast(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Fast:
    tiny, checkpoint = FAMILIES[request.param], tmp_path_factory.mktemp("tiny")
    tiny.write(checkpoint)
    return Fast(tiny, _patient(KINDS[request.param]), checkpoint)


@contextmanager
def _counted() -> Iterator[list[str]]:
    """Give a list that grows with each network that runs, by the names of their classes."""
    ran: list[str] = []
    handle = register_module_forward_hook(lambda module, *_: ran.append(type(module).__name__))
    try:
        yield ran
    finally:
        handle.remove()


def _blocks(ran: list[str]) -> int:
    kinds = ("TransformerBlock", "HiDreamImageBlock")
    return sum(name.endswith(kinds) for name in ran)


def test_a_fast_picture_takes_fewer_blocks_and_is_nearly_the_same(fast: Fast) -> None:
    pipeline = fast.load()

    with _counted() as ran_plain:
        plain = fast.drawn(pipeline)
    with _counted() as ran_fast:
        quick = fast.drawn(pipeline, is_fast=True)
    skipped, _, passes, _ = pipeline.provenance["step_cache"].split()
    other = fast.drawn(pipeline, seed=6)

    assert 0 < int(skipped) < int(passes)
    assert _blocks(ran_fast) < _blocks(ran_plain)
    assert 0 < np.abs(quick - plain).mean() < np.abs(other - plain).mean()


def test_without_it_pixels_are_what_they_were_and_nothing_is_said_of_it(fast: Fast) -> None:
    pipeline = fast.load()
    before = fast.drawn(pipeline)
    told = pipeline.provenance

    fast.drawn(pipeline, is_fast=True)
    after = fast.drawn(pipeline)

    assert (after == before).all()
    assert pipeline.provenance == told
    assert "step_cache" not in told


def test_fast_pictures_are_the_same_each_time_also_after_one_that_was_cancelled(fast: Fast) -> None:
    pipeline = fast.load()
    first = fast.drawn(pipeline, is_fast=True)

    def cancel(step: Step) -> None:
        if step.number == STEPS // 2:
            raise Interrupted

    asked = fast.tiny.request(num_inference_steps=STEPS, is_fast=True, prompt="something else")
    with pytest.raises(Interrupted):
        pipeline.render([Row(asked, 6)], cancel)

    assert (fast.drawn(pipeline, is_fast=True) == first).all()


@pytest.mark.parametrize("resident", [0, 1])
def test_streamed_blocks_give_the_same_fast_picture(fast: Fast, resident: int) -> None:
    streamed = fast.load(**{fast.tiny.denoiser: resident})

    assert (fast.drawn(streamed, is_fast=True) == fast.drawn(fast.load(), is_fast=True)).all()
    assert (fast.drawn(streamed) == fast.drawn(fast.load())).all()
