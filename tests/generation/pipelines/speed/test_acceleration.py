"""Does an idle worker make a model faster without changing what it draws, and is it told how a picture was made?"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from generation import Card, GenerationError, Workshop, find_backend
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, load_pipeline
from tests.generation.pipelines.tiny_models import FAMILIES, PROCESSOR

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

TINY = FAMILIES["sd3 without T5"]
# The processor by another name, which is taken for a card: so all of it runs, but for the compiler that makes it fast.
CARD = Card(device="cpu:0", name="a pretended card", memory_gib=8)
PLAIN = "eager"  # torch's compiler that compiles nothing


@pytest.fixture
def pipeline(tmp_path: Path) -> Iterator[Pipeline]:
    torch.compiler.reset()
    TINY.write(tmp_path / "tiny")
    plan = TINY.plan()
    yield load_pipeline(TINY.spec(tmp_path / "tiny"), plan, CARD, Pantry())
    torch.compiler.reset()


def _drawn(pipeline: Pipeline, *, is_fast: bool = False) -> np.ndarray:  # type: ignore[type-arg]
    return np.asarray(pipeline.render([Row(TINY.request(is_fast=is_fast), 5)], lambda _: None)[0]).astype(int)


@pytest.mark.slow
def test_what_was_prepared_between_two_calls_serves_the_second(pipeline: Pipeline, tmp_path: Path) -> None:
    workshop = Workshop(backend=PLAIN, directory=tmp_path / "compiled")

    before = _drawn(pipeline)
    told_before = pipeline.provenance
    pieces = 0
    while pipeline.prepare(workshop):
        pieces += 1
    after = _drawn(pipeline)

    assert told_before["compiled"] == "no"
    assert pipeline.provenance["compiled"] == "yes"
    assert pieces > 1
    assert workshop.kernels_file.exists()
    assert np.abs(after - before).max() <= 1


def test_nothing_is_compiled_where_the_operator_does_not_want_it(pipeline: Pipeline, tmp_path: Path) -> None:
    workshop = Workshop(backend=find_backend("off"), directory=tmp_path / "compiled")

    before = _drawn(pipeline)
    while pipeline.prepare(workshop):
        pass

    assert np.abs(_drawn(pipeline) - before).max() <= 1
    assert pipeline.provenance["compiled"] == "no"


def test_a_model_that_has_left_the_card_is_not_prepared(pipeline: Pipeline, tmp_path: Path) -> None:
    workshop = Workshop(backend=PLAIN, directory=tmp_path / "compiled")

    _drawn(pipeline)
    pipeline.rest()

    assert not pipeline.prepare(workshop)


def test_a_file_that_cannot_be_written_changes_nothing(pipeline: Pipeline, tmp_path: Path) -> None:
    (tmp_path / "compiled").write_text("in the way")
    workshop = Workshop(backend=find_backend("off"), directory=tmp_path / "compiled")

    before = _drawn(pipeline)
    while pipeline.prepare(workshop):
        pass

    assert np.abs(_drawn(pipeline) - before).max() <= 1


def test_a_processor_draws_as_ever_and_prepares_nothing(tmp_path: Path) -> None:
    TINY.write(tmp_path / "tiny")
    plain = load_pipeline(TINY.spec(tmp_path / "tiny"), TINY.plan(), PROCESSOR, Pantry())

    _drawn(plain)

    assert not plain.prepare(Workshop(backend=PLAIN, directory=tmp_path))
    assert not {"compiled", "attention"} & plain.provenance.keys()


def test_tensorrt_is_refused_in_words_where_it_is_not_installed() -> None:
    with pytest.raises(GenerationError, match=r"^Compiling by tensorrt needs the extra of that name .*; auto and off"):
        find_backend("tensorrt")


def test_a_workshop_keeps_what_torch_compiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCHINDUCTOR_CACHE_DIR", raising=False)
    workshop = Workshop(backend="inductor", directory=tmp_path / "compiled")

    workshop.open()

    assert Path(os.environ["TORCHINDUCTOR_CACHE_DIR"]).parent == tmp_path / "compiled"
