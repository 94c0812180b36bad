"""How fast are diffusers by itself and this program, side by side, in each way that this program has?"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch

from generation import GIB, Card, Precision, Workshop
from generation.pipelines.diffusion import DiffusionPipeline
from generation.pipelines.family import Family
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.shortage import give_memory_back
from generation.pipelines.memory.transfers import transfers_for
from tests.gpu.clock import SEED, Stopwatch, floor_s, operations, timed
from tests.gpu.subjects import PLAIN, Subject

VARIANTS = ("floor", "diffusers", "ours", "compiled", "fused", "fast", "fp8")
WARM_STEPS = 2
# Two of different lengths: from the second on blocks are compiled for any, where a model does not fill its words up.
WARMING = ("something to warm up by", "something else " * 20)


def measure(subject: Subject, variant: str, card: Card, workshop: Workshop) -> dict[str, Any]:
    """Measure one variant of a model that is wholly on the card, whatever that takes."""
    reason = _left_out(subject, variant, card)
    if reason:
        return {"left_out": reason}
    match variant:
        case "floor":
            found = _floor(subject, card)
        case "diffusers":
            found = _by_diffusers(subject, card)
        case "fast":
            found = _fast(subject, card)
        case "ours" | "fp8":
            precision = PLAIN if variant == "ours" else Precision.FP8
            found = _ours(subject, card, precision, lambda pipeline: _warm(pipeline, subject))
        case _:
            found = _ours(subject, card, PLAIN, lambda pipeline: _compiled(pipeline, subject, workshop, variant))
    return found


def _left_out(subject: Subject, variant: str, card: Card) -> str:
    if variant == "fast" and not subject.spec.has_step_cache:
        return "a UNet leaves nothing out"
    if variant == "fp8" and subject.family.text_to_image == "HiDreamImagePipeline":
        return "its experts see too few rows each"
    return f"{card.name} does not multiply 8-bit floats" if variant == "fp8" and not card.has_fp8 else ""


def _floor(subject: Subject, card: Card) -> dict[str, Any]:
    asked = subject.request
    seconds = floor_s(asked, subject.spec, card)
    return {"tflop": operations(asked, subject.spec), "floor_s": seconds, "nominal_tflops": card.tflops}


def _ours(
    subject: Subject, card: Card, precision: Precision, prepare: Callable[[DiffusionPipeline], dict[str, Any]]
) -> dict[str, Any]:
    with _opened(subject, card, precision) as pipeline:
        prepared = prepare(pipeline)
        told = timed(pipeline, subject.request)
        peaks = {phase.value: gib for phase, gib in pipeline.peaks.items()}
        return {**told, **prepared, "peaks_gib": peaks, "provenance": dict(pipeline.provenance)}


@contextmanager
def _opened(
    subject: Subject, card: Card, precision: Precision, family: Family | None = None
) -> Iterator[DiffusionPipeline]:
    pipeline = subject.open(subject.whole(precision), card, Pantry(), family)
    try:
        pipeline.wake()
        yield pipeline
    finally:
        pipeline.close()


def _warm(pipeline: DiffusionPipeline, subject: Subject) -> dict[str, Any]:
    """Make pictures of other words, so that those of the one that counts are not known yet."""
    for words in WARMING:
        last = timed(pipeline, replace(subject.request, prompt=words, num_inference_steps=WARM_STEPS))
    return {"warm_call_s": last["image_s"]}


def _compiled(pipeline: DiffusionPipeline, subject: Subject, workshop: Workshop, variant: str) -> dict[str, Any]:
    """Do between two calls what an idle worker does; with "fused" queries, keys and values in one product before."""
    if variant == "fused":
        denoiser: Any = pipeline._denoiser.module
        if not hasattr(denoiser, "fuse_qkv_projections"):
            return {"left_out": "this denoiser has no fused projections"}
        denoiser.fuse_qkv_projections()
    _warm(pipeline, subject)
    started = time.perf_counter()
    pieces = 0
    while pipeline.prepare(workshop):
        pieces += 1
    return {"prepare_s": time.perf_counter() - started, "pieces": pieces, **_warm(pipeline, subject)}


def _fast(subject: Subject, card: Card) -> dict[str, Any]:
    """Measure what a step takes that is left out. How many are depends on trained weights, which these are not."""
    everything = type("Everything", (type(subject.family),), {"likeness": math.inf})()
    with _opened(subject, card, PLAIN, everything) as pipeline:
        _warm(pipeline, subject)
        told = timed(pipeline, replace(subject.request, is_fast=True))
        return {"left_out_step_s": told["step_s"], "step_cache": pipeline.provenance["step_cache"]}


def _by_diffusers(subject: Subject, card: Card) -> dict[str, Any]:
    """Let diffusers' own pipeline do it, all networks on the card, as its documentation has it."""
    asked, checkpoint, transfers = subject.request, subject.checkpoint(), transfers_for(card)
    names = [name for name in subject.spec.components if checkpoint.has(name)]
    components = {name: checkpoint.network(name, PLAIN, card, transfers) for name in names}
    try:
        for component in components.values():
            component.survey()
            component.claim(subject, None)
            component.module.to(memory_format=torch.contiguous_format)
        networks = {name: component.module for name, component in components.items()}
        tokenizers = {name: checkpoint.tokenizer(name) for name in checkpoint.tokenizer_names}
        pipeline_class = getattr(diffusers, subject.family.text_to_image)
        pipe = pipeline_class(**checkpoint.config, **networks, **tokenizers, scheduler=checkpoint.scheduler())
        pipe.set_progress_bar_config(disable=True)
        if not subject.is_full and hasattr(pipe, "default_sample_size"):
            # HiDream scales all sizes to this one's square.
            pipe.default_sample_size = math.sqrt(asked.width * asked.height) / 8 * 1.0000001
        _call(subject, pipe, WARM_STEPS)
        if torch.cuda.is_available():
            torch.cuda.reset_peak_memory_stats()
        told = _call(subject, pipe, asked.num_inference_steps)
        if torch.cuda.is_available():
            told["peak_gib"] = torch.cuda.max_memory_allocated() / GIB
        return told
    finally:
        for component in components.values():
            component.let_go(subject)
            component.close()
        give_memory_back()


@torch.inference_mode()
def _call(subject: Subject, pipe: Any, steps: int) -> dict[str, Any]:
    asked = subject.request
    watch = Stopwatch()

    def after_step(_: Any, __: int, ___: Any, state: dict[str, Any]) -> dict[str, Any]:
        watch.step()
        return state

    pipe(
        prompt=asked.prompt,
        width=asked.width,
        height=asked.height,
        num_inference_steps=steps,
        generator=[torch.Generator("cpu").manual_seed(SEED)],
        callback_on_step_end=after_step,
        **subject.tiny.told(asked),
    )
    return watch.told()


def workshop_in(folder: Path, *, is_dry: bool) -> Workshop:
    """Give what an idle worker would have, keeping here what it compiles; a dry run only goes through the motions."""
    return Workshop(backend="eager" if is_dry else "inductor", directory=folder / "compiled")
