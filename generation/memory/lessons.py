"""What is learned from calls that ran out of memory, and from those that did not?"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from generation.errors import DoesNotFitError
from generation.memory.card import Card
from generation.memory.experience import Concessions, Experience, Experiences
from generation.memory.ladder import Rung, Shortage, next_step
from generation.memory.placement import Phase, VramPlan
from generation.models.catalogue import Catalogue
from generation.models.model import ModelSpec
from generation.queue.speeds import Learned
from generation.request import ImagineRequest

SHRINKING = 0.71  # of each side: half of the area


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """A step down the ladder, and what is to be kept of it."""

    rung: Rung
    learned: Learned


class Lessons:
    """Experiences as they are made: the planner on both sides of the pipe goes by them."""

    def __init__(self, catalogue: Catalogue, experiences: Experiences) -> None:
        self._catalogue = catalogue
        self._experiences = experiences

    def of(self, request: ImagineRequest, card: Card) -> Experience:
        """Give what is known of requests like this one."""
        return self._experiences.of(request, card.name)

    def concede(
        self, request: ImagineRequest, card: Card, shortage: Shortage, taken: Collection[Rung]
    ) -> Lesson | None:
        """Take the next step down for a job that has `taken` some; None if there is none left."""
        known = self.of(request, card)

        def plan_again(concessions: Concessions) -> VramPlan | None:
            rows = min(shortage.rows, concessions.most_rows or shortage.rows)
            trial = replace(known, concessions=concessions)
            try:
                return self._catalogue.plan(request, card, rows=rows, experience=trial)
            except DoesNotFitError:
                return None

        step = next_step(shortage, known.concessions, taken, plan_again)
        if step is None:
            return None
        learned = self._experiences.note(request, card.name, replace(known, concessions=step.concessions))
        return Lesson(rung=step.rung, learned=learned)

    def measure(
        self, request: ImagineRequest, card: Card, plan: VramPlan, peaks: Mapping[Phase, float]
    ) -> Learned | None:
        """Take in the peaks of a call; None if they taught nothing."""
        known = self.of(request, card)
        measured = known.measured(plan, peaks)
        return None if measured == known else self._experiences.note(request, card.name, measured)

    def last_resort(self, request: ImagineRequest, card: Card) -> str:
        """Say in one sentence that nothing is left to give up, and what may fit."""
        size = smaller_size(request, self._catalogue.get(request.model))
        model = self._smaller_model(request, card)
        hints = [f"--size {size[0]}x{size[1]}" if size else "", f"--model {model}" if model else ""]
        hint = " or ".join(hint for hint in hints if hint)
        return (
            f"{request.model} ran out of memory at {request.width}x{request.height} on this machine ({card.name}), "
            f"whatever was given up for it: {f'try {hint}' if hint else 'only a larger card can draw this'}."
        )

    def _smaller_model(self, request: ImagineRequest, card: Card) -> str:
        """Find the largest model that takes less of the card; "" if there is none."""
        peaks: dict[str, float] = {}
        for spec in self._catalogue:
            try:
                peaks[spec.name] = self._catalogue.plan_default(spec, card).predicted_peak_gib
            except DoesNotFitError:
                continue
        own_gib = peaks.pop(request.model, card.memory_gib)
        return max((name for name in peaks if peaks[name] < own_gib), key=peaks.__getitem__, default="")


def smaller_size(request: ImagineRequest, spec: ModelSpec) -> tuple[int, int] | None:
    """Give about half of a request's area in its ratio; None if the model does not draw that small."""
    sides = [
        int(side * SHRINKING / spec.side_multiple) * spec.side_multiple for side in (request.width, request.height)
    ]
    return None if min(sides) < spec.smallest_side else (sides[0], sides[1])
