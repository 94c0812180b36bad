"""What did a model's calls teach about memory: what must it give up on a card, and how far are predictions off?

Pure. Kept for each card, model and shape of request, beside the speeds. Concessions are made one by one when the card
was too full (generation/memory/ladder.py) and hold from then on; corrections follow the measured peaks.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.memory.placement import Phase, Precision, VramPlan
from generation.queue.speeds import Learned, shape_of
from generation.request import ImagineRequest

MEMORY = "memory "  # begins the shape under which an experience is kept: speeds have shapes of their own
SINKING = 0.05  # the share of the way down that one measurement may take a correction; up it goes at once
LOWEST_CORRECTION, HIGHEST_CORRECTION = 0.8, 2.5
LEAST_WORKING_GIB = 0.05  # of less than this no share is worth anything
BEST_FIRST = (Precision.FLOAT32, Precision.BFLOAT16, Precision.FLOAT16, Precision.FP8, Precision.INT8, Precision.NF4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Concessions:
    """What a plan has to do without. The defaults concede nothing.

    At most `most_rows` pictures in a call; `is_alone`: no other model and no text encoder stays on the card while it
    denoises; of a component's blocks at most `resident_share` are resident; nothing is kept in a better precision than
    `best_precision`.
    """

    tiled_decode: bool = False
    most_rows: int | None = None
    is_alone: bool = False
    resident_share: float = 1.0
    best_precision: Precision | None = None

    def allows(self, precision: Precision) -> bool:
        """Tell whether weights may be kept so precisely."""
        return self.best_precision is None or BEST_FIRST.index(precision) >= BEST_FIRST.index(self.best_precision)

    def most_resident(self, blocks: int) -> int:
        """Tell how many of a component's blocks may be resident."""
        return math.floor(self.resident_share * blocks + 1e-9)

    def described(self) -> str:
        """Say it in words, such as "decodes in tiles, int8 at best"; "" if nothing was conceded."""
        parts = [
            "decodes in tiles" if self.tiled_decode else "",
            f"at most {self.most_rows} at once" if self.most_rows is not None else "",
            "alone on the card" if self.is_alone else "",
            f"at most {self.resident_share:.0%} of its blocks on the card" if self.resident_share < 1 else "",
            f"{self.best_precision} at best" if self.best_precision is not None else "",
        ]
        return ", ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Experience:
    """What is known of one shape of request, for one model on one card.

    `corrections` are factors by phase, 1 where nothing was measured, of what a plan predicts beyond resident weights
    and overhead: activations, workspaces, and the buffers that weights are streamed through.
    """

    concessions: Concessions = field(default_factory=Concessions)
    corrections: Mapping[Phase, float] = field(default_factory=dict)

    def correction(self, phase: Phase) -> float:
        """Give the factor of a phase."""
        return self.corrections.get(phase, 1.0)

    def measured(self, plan: VramPlan, peaks: Mapping[Phase, float]) -> Experience:
        """Take in the peaks in GiB that a call under this plan had: what its own weights and tensors took.

        A phase that took more than predicted is corrected at once, one that took less little by little, so that a
        single small picture does not talk the planner into a plan that overflows. The plan was made with these very
        corrections.
        """
        corrections = dict(self.corrections)
        for phase, peak_gib in peaks.items():
            predicted_gib = plan.gib(phase) - plan.resident_gib - plan.overhead_gib
            if predicted_gib < LEAST_WORKING_GIB:
                continue
            known = self.correction(phase)
            wanted = known * (peak_gib - plan.resident_gib) / predicted_gib
            moved = wanted if wanted > known else known + SINKING * (wanted - known)
            corrections[phase] = min(HIGHEST_CORRECTION, max(LOWEST_CORRECTION, moved))
        return Experience(concessions=self.concessions, corrections=corrections)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, as storage keeps them."""
        conceded = self.concessions
        precision = conceded.best_precision
        return {
            "tiled_decode": conceded.tiled_decode,
            "most_rows": conceded.most_rows,
            "is_alone": conceded.is_alone,
            "resident_share": conceded.resident_share,
            "best_precision": None if precision is None else precision.value,
            "corrections": {phase.value: factor for phase, factor in sorted(self.corrections.items())},
        }

    @classmethod
    def from_json(cls, facts: Mapping[str, Any]) -> Experience:
        """Read back what `to_json` gave."""
        precision = facts["best_precision"]
        conceded = Concessions(
            tiled_decode=facts["tiled_decode"],
            most_rows=facts["most_rows"],
            is_alone=facts["is_alone"],
            resident_share=facts["resident_share"],
            best_precision=None if precision is None else Precision(precision),
        )
        corrections = {Phase(phase): factor for phase, factor in facts["corrections"].items()}
        return cls(concessions=conceded, corrections=corrections)


NO_EXPERIENCE = Experience()


class Experiences:
    """All that is known, by card (its name), model and shape of request."""

    def __init__(self, learned: Iterable[Learned] = ()) -> None:
        self._known = {
            (each.card, each.model, each.shape): Experience.from_json(each.facts)
            for each in learned
            if is_of_memory(each)
        }

    def of(self, request: ImagineRequest, card: str) -> Experience:
        """Give what is known of requests like this one."""
        return self._known.get(_key(request, card), NO_EXPERIENCE)

    def described(self) -> tuple[str, ...]:
        """Say what was conceded, such as "sdxl at 1024x1024 on RTX 4060: decodes in tiles"."""
        told = (
            (f"{model} at {shape.removeprefix(MEMORY)} on {card}", known.concessions.described())
            for (card, model, shape), known in sorted(self._known.items(), key=lambda item: item[0])
        )
        return tuple(f"{what}: {words}" for what, words in told if words)

    def note(self, request: ImagineRequest, card: str, experience: Experience) -> Learned:
        """Replace what is known; gives it as it is to be kept."""
        key = _key(request, card)
        self._known[key] = experience
        return Learned(card=key[0], model=key[1], shape=key[2], facts=experience.to_json())


def is_of_memory(learned: Learned) -> bool:
    """Tell what was learned of memory from what was learned of speeds."""
    return learned.shape.startswith(MEMORY)


def _key(request: ImagineRequest, card: str) -> tuple[str, str, str]:
    return card, request.model, MEMORY + shape_of(request)
