"""Does every family draw what diffusers' own pipeline draws, however it lies in memory and whatever breaks it off?"""

from __future__ import annotations

import gc
import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property, partial
from itertools import count
from pathlib import Path
from typing import Any, TypeAlias

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image

from generation import ImagineRequest, Phase, Precision, VramPlan
from generation.errors import CardFullError, Interrupted
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import Pipeline, Row, Step, load_pipeline
from tests.generation.pipelines.tiny_models import CATALOGUE, FAMILIES, PROCESSOR, Tiny
from tests.generation.strange_pictures import quarters

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation"
)  # diffusers' schedulers hand tensors to numpy

Levels: TypeAlias = np.ndarray[Any, Any]

ROUNDING = 2  # levels of 255: a product of matrices with other rows is summed up in another order
PICTURE = "0123456789abcdef" * 4
SEED = 5


class Loaded:
    """A model of the table, loaded once with all of its blocks resident; no test closes it."""

    def __init__(self, tiny: Tiny, checkpoint: Path) -> None:
        self.tiny = tiny
        self.checkpoint = checkpoint
        self.pipeline = self.load(tiny.plan())
        self.whole = tiny.whole(checkpoint)
        self.whole.set_progress_bar_config(disable=True)

    @cached_property
    def plain(self) -> Levels:
        """What it draws for words alone, without any trouble."""
        return drawn(self.pipeline, row(self.asked()))[0]

    def load(self, plan: VramPlan) -> Pipeline:
        """Load it another time, on weights of its own."""
        return load_pipeline(self.tiny.spec(self.checkpoint), plan, PROCESSOR, Pantry())

    def asked(self, **changes: Any) -> ImagineRequest:
        """Give a request for text alone, guided away from something where the model can be."""
        is_guided = CATALOGUE.get(self.tiny.entry).has_negative_prompt
        return replace(self.tiny.request(), **{"negative_prompt": "haze" if is_guided else "", **changes})

    def starting(self, **changes: Any) -> ImagineRequest:
        """Give a request that starts half way from a picture."""
        return self.asked(image=PICTURE, strength=0.5, num_inference_steps=4, **changes)


@pytest.fixture(scope="module", params=FAMILIES)
def loaded(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Loaded]:
    """Each model of the table in turn."""
    checkpoint = tmp_path_factory.mktemp("tiny")
    FAMILIES[request.param].write(checkpoint)
    model = Loaded(FAMILIES[request.param], checkpoint)
    gc.freeze()  # whenever memory runs out garbage is collected; nobody need look for it among what stays
    yield model
    gc.unfreeze()


def ignore(_: Step) -> None:
    """Let a step pass."""


def levels(image: Image.Image) -> Levels:
    """Give the levels of a picture's pixels."""
    return np.asarray(image).astype(int)


def drawn(pipeline: Pipeline, *rows: Row) -> list[Levels]:
    """Make a call and give the levels of its pictures."""
    return [levels(image) for image in pipeline.render(rows, ignore)]


def is_close(one: Levels, other: Levels) -> bool:
    """Tell whether two pictures are the same but for rounding, which may depend on where in memory weights lie."""
    return bool(np.abs(one - other).max() <= ROUNDING)


def row(asked: ImagineRequest, seed: int = SEED) -> Row:
    """Lay out one picture, which starts from another if that is asked for."""
    size = asked.width, asked.height
    start = quarters(128).resize(size) if asked.image else None
    mask = quarters(128).getchannel("G").resize(size) if asked.mask else None
    return Row(asked, seed, start, mask)


def told_whole(loaded: Loaded, pipe: Any, asked: ImagineRequest, **more: Any) -> Levels:
    """Let diffusers' own pipeline do all of it in one call, as its documentation has it."""
    generators = [torch.Generator().manual_seed(SEED)]
    if "generator" in inspect.signature(pipe.scheduler.step).parameters:  # not every pipeline passes it on
        pipe.scheduler.step = partial(type(pipe.scheduler).step, pipe.scheduler, generator=generators)
    result = pipe(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=asked.num_inference_steps,
        generator=generators,
        **loaded.tiny.told(asked),
        **more,
    )
    return levels(result.images[0])


def test_it_draws_what_diffusers_own_pipeline_draws_in_one_piece(loaded: Loaded) -> None:
    asked = loaded.asked()

    assert (loaded.plain == told_whole(loaded, loaded.whole, asked)).all()
    assert loaded.plain.shape == (asked.height, asked.width, 3)
    assert loaded.plain.std() > 1


@pytest.mark.parametrize("loaded", [name for name, tiny in FAMILIES.items() if tiny.twins[0]], indirect=True)
def test_it_starts_from_a_picture_as_diffusers_own_pipeline_does(loaded: Loaded) -> None:
    asked = loaded.starting()
    twin: Any = getattr(diffusers, str(loaded.tiny.twins[0]))
    whole = twin(**loaded.whole.components)
    whole.set_progress_bar_config(disable=True)

    (found,) = drawn(loaded.pipeline, row(asked))

    start = {"image": row(asked).start_image, "strength": asked.strength}
    assert (found == told_whole(loaded, whole, asked, **start)).all()
    assert np.abs(found - loaded.plain).mean() > 1


@contextmanager
def shifting(vae: Any, shift: float) -> Iterator[None]:
    """Let a decoder have its latents with a shift that a pipeline has forgotten."""
    decode = vae.decode
    vae.decode = lambda latents, **more: decode(latents + shift, **more)
    try:
        yield
    finally:
        del vae.decode


@pytest.mark.parametrize("loaded", [name for name, tiny in FAMILIES.items() if tiny.twins[1]], indirect=True)
def test_it_draws_within_a_mask_as_diffusers_own_pipeline_does(loaded: Loaded) -> None:
    asked = loaded.starting(mask=PICTURE)
    twin: Any = getattr(diffusers, str(loaded.tiny.twins[1]))
    whole = twin(**loaded.whole.components)
    whole.set_progress_bar_config(disable=True)

    (found,) = drawn(loaded.pipeline, row(asked))

    given = {"image": [row(asked).start_image], "mask_image": [row(asked).mask], "strength": asked.strength}
    with shifting(whole.vae, loaded.tiny.forgotten_shift):
        assert (found == told_whole(loaded, whole, asked, **given)).all()
    assert (found != drawn(loaded.pipeline, row(loaded.starting()))[0]).any()


def test_the_catalogue_says_whether_it_starts_from_a_picture_and_fills_in_masks(loaded: Loaded) -> None:
    spec = loaded.tiny.spec(loaded.checkpoint)

    assert (spec.has_image_to_image, spec.has_inpainting) == tuple(twin is not None for twin in loaded.tiny.twins)


@pytest.mark.parametrize("loaded", [name for name, tiny in FAMILIES.items() if tiny.twins[0]], indirect=True)
def test_it_takes_as_many_steps_from_a_picture_as_the_request_counts(loaded: Loaded) -> None:
    told: list[Step] = []
    asked = replace(loaded.starting(), strength=0.9, num_inference_steps=3)  # of which others would take three

    loaded.pipeline.render([row(asked)], told.append)

    assert [(step.number, step.count) for step in told] == [(1, 2), (2, 2)]
    assert asked.steps_taken == 2


def test_each_picture_of_a_call_is_but_for_rounding_what_it_were_alone(loaded: Loaded) -> None:
    long = row(loaded.asked(prompt="word " * 100), SEED + 1)

    together = drawn(loaded.pipeline, long, row(loaded.asked()))
    (alone,) = drawn(loaded.pipeline, long)

    assert is_close(together[0], alone)
    assert is_close(together[1], loaded.plain)
    assert not is_close(alone, loaded.plain)


def test_the_seed_alone_decides_what_chance_decides(loaded: Loaded) -> None:
    torch.manual_seed(1)

    (again,), (other,) = (drawn(loaded.pipeline, row(loaded.asked(), seed)) for seed in (SEED, SEED + 1))

    assert (again == loaded.plain).all()
    assert not is_close(other, loaded.plain)


def test_each_step_has_a_preview_of_every_row(loaded: Loaded) -> None:
    previews: list[list[Image.Image]] = []

    def watch(step: Step) -> None:
        previews.append([step.preview(place) for place in range(2)])

    asked = loaded.asked()
    loaded.pipeline.render([row(asked, 1), row(asked, 2)], watch)

    assert [[preview.size for preview in step] for step in previews] == [
        [(asked.width // 2, asked.height // 2)] * 2
    ] * 2
    assert len({preview.tobytes() for step in previews for preview in step}) == 4


def streamed(tiny: Tiny, precision: Precision = Precision.FLOAT32, *, resident_blocks: int = 0) -> VramPlan:
    """Give the plan by which so many blocks of the denoiser stay, and none of the encoders'."""
    return tiny.plan(precision, **{tiny.denoiser: resident_blocks}, **dict.fromkeys(tiny.encoders, 0))


def test_a_model_of_which_some_blocks_are_streamed_draws_the_same(loaded: Loaded) -> None:
    pipeline = loaded.load(streamed(loaded.tiny, resident_blocks=1))

    (found,) = drawn(pipeline, row(loaded.asked()))

    assert is_close(found, loaded.plain)
    assert pipeline.provenance["resident_blocks"].startswith("1 of ")


@pytest.mark.parametrize(("precision", "most"), [(Precision.INT8, 0.5), (Precision.NF4, 8)])
def test_a_quantised_model_draws_nearly_the_same(loaded: Loaded, precision: Precision, most: float) -> None:
    pipeline = loaded.load(streamed(loaded.tiny, precision, resident_blocks=1))

    (found,) = drawn(pipeline, row(loaded.asked()))

    assert 0 < np.abs(found - loaded.plain).mean() < most
    assert pipeline.provenance["precision"] == precision


@pytest.fixture(params=["resident", "streamed"])
def pipeline(request: pytest.FixtureRequest, loaded: Loaded) -> Pipeline:
    """A model of which all is resident, or nothing that has blocks."""
    return loaded.load(streamed(loaded.tiny)) if request.param == "streamed" else loaded.pipeline


def test_a_call_that_is_broken_off_leaves_the_model_usable(loaded: Loaded, pipeline: Pipeline) -> None:
    def stop_at(place: Phase | int, begun: Phase | Step) -> None:
        if place == (begun.number if isinstance(begun, Step) else begun):
            raise Interrupted

    for place in (*Phase, 1, 2):
        stop = partial(stop_at, place)
        with pytest.raises(Interrupted):
            pipeline.render([row(loaded.asked(prompt=f"stopped at {place}"))], stop, stop)

    assert is_close(drawn(pipeline, row(loaded.asked()))[0], loaded.plain)


@contextmanager
def memory_runs_out_in(module: torch.nn.Module, *, call: int) -> Iterator[None]:
    """Let a call of all modules of this one's class fail as on a full card."""
    calls = count(1)

    def fail(each: torch.nn.Module, _: object) -> None:
        if type(each) is type(module) and next(calls) == call:
            raise torch.OutOfMemoryError

    hook = torch.nn.modules.module.register_module_forward_pre_hook(fail)
    try:
        yield
    finally:
        hook.remove()


def test_where_memory_runs_out_is_told_and_the_model_stays_usable(loaded: Loaded, pipeline: Pipeline) -> None:
    whole, tiny = loaded.whole, loaded.tiny
    places = {
        Phase.ENCODE: (getattr(whole, tiny.encoders[-1]), 1),
        Phase.DENOISE: (getattr(whole, tiny.denoiser), 2),
        Phase.DECODE: (whole.vae.decoder, 1),
    }

    for phase, (module, call) in places.items():
        with memory_runs_out_in(module, call=call), pytest.raises(CardFullError) as told:
            pipeline.render([row(loaded.asked(prompt=f"out of memory: {phase}"))], ignore)

        assert told.value.phase is phase
        assert (told.value.__context__, told.value.__cause__) == (None, None)  # either would hold the call's tensors
    assert is_close(drawn(pipeline, row(loaded.asked()))[0], loaded.plain)
