"""What is conceded next, when a call ran out of memory?

    tiles ─> rows ─> alone ─> residency ─> precision ─> one sentence

Decoding in tiles; fewer pictures in a call, down to one; nothing else on the card; a fifth less of the denoiser's
blocks on the card, or as much less as outweighs the buffers through which the others pass; the denoiser in a lower
precision. Whatever was conceded holds from then on, also after a restart, for all requests of that shape; a job steps
on each rung once at most, except that a call may be split until it makes one picture. A step that would not make the
phase smaller in which memory ran out is left out: tiles do nothing for denoising. Nor may a step make room that the
next plan fills with something else. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

from generation.memory.experience import Concessions
from generation.memory.placement import Phase, Placement, Precision, VramPlan

RESIDENCY_STEP = 0.2  # of a denoiser's blocks
# What comes below each precision; 8-bit floats are never chosen by themselves, but may be left.
LOWER = {
    Precision.FLOAT32: Precision.BFLOAT16,
    Precision.BFLOAT16: Precision.INT8,
    Precision.FP8: Precision.INT8,
    Precision.INT8: Precision.NF4,
}


class Rung(StrEnum):
    """The steps, in their order."""

    TILES = "tiles"
    ROWS = "rows"
    ALONE = "alone"
    RESIDENCY = "residency"
    PRECISION = "precision"


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortage:
    """A call of `rows` pictures that ran out of memory in a phase, though it was placed as the plan says.

    `had_company` tells whether other models were on the card.
    """

    plan: VramPlan
    phase: Phase
    rows: int
    had_company: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step down, and all that is conceded once it is taken."""

    rung: Rung
    concessions: Concessions


def next_step(
    shortage: Shortage,
    conceded: Concessions,
    taken: Collection[Rung],
    plan_again: Callable[[Concessions], VramPlan | None],
) -> Step | None:
    """Give the next step for a job that has `taken` some, None if there is none left.

    `plan_again` tells how the call would be placed under other concessions, None if it could not be.
    """
    for rung in Rung:
        if rung in taken and rung is not Rung.ROWS:
            continue
        for step in _steps(rung, shortage, conceded):
            if _helps(rung, shortage, plan_again(step)):
                return Step(rung=rung, concessions=step)
    return None


def _steps(rung: Rung, shortage: Shortage, conceded: Concessions) -> Iterator[Concessions]:
    """Give what may be conceded on a rung, the least first; nothing where it cannot be taken."""
    denoiser = _denoiser(shortage.plan)
    share = denoiser.resident_blocks / denoiser.blocks if denoiser is not None and denoiser.blocks else 0.0
    match rung:
        case Rung.TILES if not shortage.plan.tiled_decode:
            yield replace(conceded, tiled_decode=True)
        case Rung.ROWS if shortage.rows > 1:
            yield replace(conceded, most_rows=(shortage.rows + 1) // 2)
        case Rung.ALONE if not conceded.is_alone:
            yield replace(conceded, is_alone=True)
        case Rung.RESIDENCY if denoiser is not None:
            while share > 0:
                share = max(0.0, round(share - RESIDENCY_STEP, 4))
                # In a better precision a smaller share of the blocks may take more.
                yield replace(conceded, is_alone=True, resident_share=share, best_precision=denoiser.precision)
        case Rung.PRECISION if denoiser is not None and denoiser.precision in LOWER:
            lower = LOWER[denoiser.precision]
            yield replace(conceded, is_alone=True, resident_share=share, best_precision=lower)
        case _:
            pass


def _helps(rung: Rung, shortage: Shortage, plan: VramPlan | None) -> bool:
    """Tell whether a step makes a difference where it was too little."""
    if plan is None:
        return False
    if rung is Rung.ROWS or (rung is Rung.ALONE and shortage.had_company):
        return True
    return plan.gib(shortage.phase) < shortage.plan.gib(shortage.phase)


def _denoiser(plan: VramPlan) -> Placement | None:
    """Give the component that works in every step: neither a text encoder nor the autoencoder."""
    named = (each for name, each in plan.placements.items() if name != "vae" and not name.startswith("text_encoder"))
    return max(named, key=lambda placement: placement.blocks, default=None)
