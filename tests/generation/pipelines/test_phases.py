"""Is a call made of phases, each of which can be broken off, or run out of memory, and leave the model usable?"""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
import torch

from generation import Phase
from generation.errors import CardFullError, Interrupted
from generation.pipelines.families.sdxl import FAMILY
from generation.pipelines.memory.embeddings import Embeddings
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.opening import load
from generation.pipelines.pipeline import Pipeline, Row, Step
from tests.generation.pipelines.boundary import Boundary
from tests.generation.pipelines.tiny_sdxl import BLOCKS, PROCESSOR, REQUEST, STREAMED, WHOLE, placed, spec
from tests.generation.strange_pictures import quarters

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

PARTLY = placed(BLOCKS | {"unet": 2, "text_encoder": 0, "text_encoder_2": 0})
SMALL = replace(REQUEST, width=64, height=64, num_inference_steps=2)
ROWS = [Row(SMALL, 5), Row(replace(SMALL, prompt="a green star"), 9)]
STARTED = [Row(replace(SMALL, image="0123456789abcdef" * 4, strength=0.7), 5, quarters(64))]
# Which network works in which phase, by its class.
WORKERS = {
    Phase.ENCODE: "CLIPTextModelWithProjection",
    Phase.DENOISE: "UNet2DConditionModel",
    Phase.DECODE: "Decoder",
}


def ignore(_: Step) -> None:
    """Let a step pass."""


def draw(pipeline: Pipeline, rows: list[Row] = ROWS) -> list[bytes]:
    """Draw, and give the bare pixels."""
    return [image.tobytes() for image in pipeline.render(rows, ignore)]


@contextmanager
def failing(class_name: str, fault: Exception, *, at: int = 1) -> Iterator[list[str]]:
    """Let the call number `at` of a network, or of one inside of it, fail; gives the calls that there were."""
    calls: list[str] = []

    def count(module: torch.nn.Module, _: object) -> None:
        if type(module).__name__ == class_name:
            calls.append(class_name)
            if len(calls) == at:
                raise fault

    hook = torch.nn.modules.module.register_module_forward_pre_hook(count)
    try:
        yield calls
    finally:
        hook.remove()


@dataclass(frozen=True, slots=True)
class Loaded:
    """A model that remembers no prompt, on the far side of a boundary, and what it draws."""

    pipeline: Pipeline
    boundary: Boundary
    pictures: list[bytes]
    started: list[bytes]
    resident: int

    def is_as_before(self) -> bool:
        """Tell whether it draws as before, and has as much on the card."""
        gc.collect()
        used = self.boundary.used
        return used == self.resident and [draw(self.pipeline), draw(self.pipeline, STARTED)] == [
            self.pictures,
            self.started,
        ]


@pytest.fixture(scope="module", params=[WHOLE, PARTLY, STREAMED], ids=["resident", "partly", "streamed"])
def loaded(request: pytest.FixtureRequest, checkpoint: Path) -> Loaded:
    """One for all tests: each of them leaves it usable."""
    boundary = Boundary()
    pantry = Pantry(Embeddings(largest_mib=0))
    pipeline = load(spec(checkpoint), request.param, PROCESSOR, pantry, FAMILY, boundary)
    pictures, started = draw(pipeline), draw(pipeline, STARTED)
    return Loaded(pipeline, boundary, pictures, started, boundary.used)


@pytest.mark.parametrize("phase", list(Phase))
def test_a_call_that_is_broken_off_as_a_phase_begins_leaves_the_model_usable(loaded: Loaded, phase: Phase) -> None:
    begun = []

    def stop(begins: Phase) -> None:
        begun.append(begins)
        if begins is phase:
            raise Interrupted

    with pytest.raises(Interrupted):
        loaded.pipeline.render(ROWS, ignore, stop)

    assert begun == list(Phase)[: list(Phase).index(phase) + 1]
    assert loaded.is_as_before()


@pytest.mark.parametrize("phase", list(Phase))
def test_memory_that_runs_out_in_a_phase_is_told_with_it_and_leaves_the_model_usable(
    loaded: Loaded, phase: Phase
) -> None:
    with failing(WORKERS[phase], torch.OutOfMemoryError("no room"), at=2), pytest.raises(CardFullError) as told:
        draw(loaded.pipeline)

    assert told.value.phase is phase
    assert (told.value.__context__, told.value.__cause__) == (None, None)  # either would hold the call's tensors
    assert loaded.is_as_before()


@pytest.mark.parametrize("block", [1, 2, 6])
def test_so_it_is_within_a_block(loaded: Loaded, block: int) -> None:
    fault = torch.OutOfMemoryError("no room")
    with failing("BasicTransformerBlock", fault, at=block), pytest.raises(CardFullError) as told:
        draw(loaded.pipeline)

    assert told.value.phase is Phase.DENOISE
    assert loaded.is_as_before()


def test_so_it_is_while_a_start_picture_is_encoded(loaded: Loaded) -> None:
    with failing("Encoder", torch.OutOfMemoryError("no room")), pytest.raises(CardFullError):
        draw(loaded.pipeline, STARTED)

    assert loaded.is_as_before()


def test_what_fails_otherwise_is_told_as_it_is(loaded: Loaded) -> None:
    with failing("BasicTransformerBlock", RuntimeError("something else")), pytest.raises(RuntimeError, match="else"):
        draw(loaded.pipeline)

    assert loaded.is_as_before()


def test_a_card_that_is_too_small_for_the_weights_says_so_and_serves_once_there_is_room(checkpoint: Path) -> None:
    boundary = Boundary()
    pipeline = load(spec(checkpoint), WHOLE, PROCESSOR, Pantry(), FAMILY, boundary)
    boundary.room = 200_000

    for attempt in (pipeline.wake, lambda: draw(pipeline)):
        with pytest.raises(CardFullError):
            attempt()
    boundary.room = 2**40

    fresh = load(spec(checkpoint), WHOLE, PROCESSOR, Pantry(), FAMILY, Boundary())
    assert draw(pipeline) == draw(fresh)


def test_a_prompt_that_was_encoded_before_needs_no_encoder(checkpoint: Path) -> None:
    pipeline = load(spec(checkpoint), PARTLY, PROCESSOR, Pantry(), FAMILY, Boundary())
    with failing(WORKERS[Phase.ENCODE], AssertionError(), at=0) as calls:
        first = draw(pipeline)
    assert len(calls) == 4  # two pairs of prompts

    with failing(WORKERS[Phase.ENCODE], AssertionError("an encoder was called")):
        again = draw(pipeline, ROWS[::-1])[::-1]
        others = draw(pipeline, [replace(row, seed=row.seed + 1) for row in ROWS])

    assert all(picture not in first for picture in others)
    assert len(again) == 2


def test_any_other_is_encoded(checkpoint: Path) -> None:
    pipeline = load(spec(checkpoint), WHOLE, PROCESSOR, Pantry(), FAMILY)
    draw(pipeline)
    changes: list[dict[str, object]] = [{"prompt": "another"}, {"negative_prompt": "haze"}, {"guidance_scale": 1.0}]

    for change in changes:
        with failing(WORKERS[Phase.ENCODE], AssertionError(), at=0) as calls:
            draw(pipeline, [Row(replace(SMALL, **change), 5)])  # type: ignore[arg-type]
        assert calls


def test_what_was_encoded_before_gives_the_same_picture(checkpoint: Path) -> None:
    forgetful = load(spec(checkpoint), WHOLE, PROCESSOR, Pantry(Embeddings(largest_mib=0)), FAMILY)
    mindful = load(spec(checkpoint), WHOLE, PROCESSOR, Pantry(), FAMILY)

    pictures = [draw(pipeline) for pipeline in (forgetful, mindful) for _ in range(2)]

    assert all(each == pictures[0] for each in pictures)


def test_the_prompts_that_were_not_used_for_the_longest_are_forgotten_first() -> None:
    kept = Embeddings(largest_mib=3)
    conditioning = {"words": torch.zeros(2**18), "none": None}  # a MiB
    kept.keep("first", {"words": [torch.zeros(2**17), torch.zeros(2**17)]})
    for key in ("second", "third"):
        kept.keep(key, conditioning)
    kept.get("first")

    kept.keep("fourth", conditioning)
    kept.keep("too large", {"words": torch.zeros(2**20)})

    assert [key for key in ("first", "second", "third", "fourth") if kept.get(key)] == []
    kept.keep("first", conditioning)
    kept.keep("second", conditioning)
    kept.keep("third", conditioning)
    kept.get("first")
    kept.keep("fourth", conditioning)
    assert [key for key in ("first", "second", "third", "fourth") if kept.get(key)] == ["first", "third", "fourth"]
