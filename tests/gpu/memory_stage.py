"""Does a model stay within what was planned on a small card, is memory flat over switches, and do five fit one card?"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import psutil
import torch

from generation import GIB, Card, Placement, Precision, VramPlan
from generation.errors import CardFullError, DoesNotFitError
from generation.memory.costs import CONTEXT_GIB
from generation.pipelines.memory.pantry import Pantry
from tests.gpu.clock import timed
from tests.gpu.small_card import CARDS, as_tight_as
from tests.gpu.subjects import PLAIN, Subject

FLAT_MIB = 64
TOGETHER_GIB = 105


def under_a_cap(subject: Subject, cap: int, device: str, steps: int) -> dict[str, Any]:
    """Run a model as planned for a card of so many GB, on this one made as tight as that."""
    card = replace(CARDS[cap], device=device)
    try:
        plan = subject.plan(card)
    except DoesNotFitError as error:
        return {"fits": False, "reason": str(error)}
    asked = replace(subject.request, num_inference_steps=min(steps, subject.request.num_inference_steps))
    told: dict[str, Any] = {"fits": True, "card": card.name, "plan": words(plan), "predicted": _predicted(plan)}
    with as_tight_as(card) as free_gib:
        pipeline = subject.open(plan, card, Pantry())
        try:
            _forget_peaks()
            pipeline.wake()
            told |= timed(pipeline, asked)
            told |= {"free_gib": free_gib, "measured": {phase.value: gib for phase, gib in pipeline.peaks.items()}}
            told |= _reserved(card)
        except CardFullError as error:
            told |= {"ran_out": str(error.phase), **_reserved(card)}
        finally:
            pipeline.close()
    return told


def _predicted(plan: VramPlan) -> dict[str, float]:
    """Give what the plan says of torch's own allocations, by phase."""
    phases = {"encode": plan.encode_gib, "denoise": plan.denoise_gib, "decode": plan.decode_gib}
    return {phase: gib - plan.overhead_gib for phase, gib in phases.items()}


def _forget_peaks() -> None:
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()


def _reserved(card: Card) -> dict[str, Any]:
    if not torch.cuda.is_available():
        return {}
    gib = torch.cuda.max_memory_reserved() / GIB
    return {"reserved_gib": gib, "is_inside": gib + CONTEXT_GIB <= card.memory_gib}


def switching(first: Subject, second: Subject, card: Card, turns: int) -> dict[str, Any]:
    """Let two models take turns on the card, and watch what is left after each turn."""
    pantry = Pantry()
    pipelines = [subject.open(subject.whole(PLAIN), card, pantry) for subject in (first, second)]
    course: list[dict[str, float]] = []
    try:
        for _ in range(turns):
            for subject, pipeline in zip((first, second), pipelines, strict=True):
                pipeline.wake()
                timed(pipeline, replace(subject.request, num_inference_steps=1))
                pipeline.rest()
                course.append(_left())
    finally:
        for pipeline in pipelines:
            pipeline.close()
    allocated = [each["allocated_mib"] for each in course[2:]]  # the first turns fit the previews
    spread = max(allocated) - min(allocated)
    return {"models": [first.name, second.name], "course": course, "spread_mib": spread, "is_flat": spread <= FLAT_MIB}


def _left() -> dict[str, float]:
    allocated = torch.cuda.memory_allocated() if torch.cuda.is_available() else 0
    return {"allocated_mib": allocated / 2**20, "ram_mib": psutil.Process(os.getpid()).memory_info().rss / 2**20}


def together(subjects: Sequence[Subject], card: Card) -> dict[str, Any]:
    """Have several models on the card at the same time in 8 bits, what they have in common once, and draw with each."""
    pantry = Pantry()
    pipelines = []
    told: dict[str, Any] = {"models": [subject.name for subject in subjects], "after_each_mib": []}
    try:
        for subject in subjects:
            pipelines.append(subject.open(subject.whole(Precision.INT8), card, pantry))
            pipelines[-1].wake()
            told["after_each_mib"].append(_left()["allocated_mib"])
        for subject, pipeline in zip(subjects, pipelines, strict=True):
            timed(pipeline, replace(subject.request, num_inference_steps=2))
        told["all_drew"] = True
    except CardFullError as error:
        told["ran_out"] = str(error.phase)
    finally:
        for pipeline in pipelines:
            pipeline.close()
    peak_gib = torch.cuda.max_memory_reserved() / GIB + CONTEXT_GIB if torch.cuda.is_available() else None
    return told | {"peak_gib": peak_gib, "is_inside": None if peak_gib is None else peak_gib <= TOGETHER_GIB}


def words(plan: VramPlan) -> str:
    """Say how a plan places a model."""
    told = [f"{name} {_placed(each)}" for name, each in plan.placements.items()]
    return ", ".join([*told, f"{'tiled' if plan.tiled_decode else 'whole'} decoding"])


def _placed(placed: Placement) -> str:
    if not placed.is_streamed:
        return f"{placed.precision}"
    return f"{placed.precision} with {placed.resident_blocks} of {placed.blocks} blocks resident"
