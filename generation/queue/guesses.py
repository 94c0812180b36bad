"""What is thought of a request's speed and memory before anything was measured: what do catalogue and plan say?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from generation.errors import DoesNotFitError
from generation.memory.card import GIB, Card
from generation.memory.costs import processor_s
from generation.memory.experience import Experience, Experiences
from generation.memory.vram import ANY_CARD
from generation.models.catalogue import Catalogue
from generation.models.model import ModelSpec
from generation.queue.speeds import Guess
from generation.request import ImagineRequest

WAKE_S = 0.1  # beside what the bus takes
LOAD_S, LOAD_S_PER_GIB = 4.0, 0.75  # about what the queue's reference takes for models of 2, 7 and 31 GiB


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thought:
    """What was planned for requests of one kind, for the experience that it was planned with."""

    experience: Experience
    picture_s: float
    most_at_once: int
    wake_s: float
    filling: float


class Guesses:
    """The first guesses for `Speeds`. Cards are known by their names, once they were noted."""

    def __init__(self, catalogue: Catalogue, experiences: Experiences) -> None:
        self._catalogue = catalogue
        self._experiences = experiences
        self._cards: dict[str, Card] = {}
        self._thoughts: dict[tuple[object, ...], _Thought] = {}  # a dry run asks a thousand times

    def note(self, card: Card) -> None:
        """Take in what a card offers: its memory decides how much fits."""
        self._cards[card.name] = card
        self._thoughts.clear()

    def __call__(self, request: ImagineRequest, card: str = "") -> Guess:
        """Guess; on a card that is not known yet, one picture at a time."""
        spec, thought = self._catalogue.get(request.model), self._thought(request, card)
        return Guess(
            picture_s=thought.picture_s,
            load_s=LOAD_S + LOAD_S_PER_GIB * _weights_gib(spec),
            most_at_once=thought.most_at_once,
            fixed_share=spec.batch_fixed_share,
            wake_s=thought.wake_s,
        )

    def filling(self, request: ImagineRequest, card: str = "") -> float:
        """Tell which share of a card's memory the request's model takes; all of it where that is not known."""
        return self._thought(request, card).filling

    def _thought(self, request: ImagineRequest, card: str) -> _Thought:
        kind = (
            card,
            request.model,
            request.width,
            request.height,
            request.steps_taken,
            request.guidance_scale > 1,
            bool(request.image),
            request.is_fast,
        )
        experience, thought = self._experiences.of(request, card), self._thoughts.get(kind)
        if thought is None or thought.experience != experience:
            thought = self._thoughts[kind] = self._think(request, self._cards.get(card), experience)
        return thought

    def _think(self, request: ImagineRequest, card: Card | None, experience: Experience) -> _Thought:
        """Plan it; where it is not known what for, or nothing fits, whoever tries it will learn more."""
        unknown = _Thought(
            experience=experience,
            picture_s=self._somewhere_s(request),
            most_at_once=1,
            wake_s=math.inf,
            filling=1.0,
        )
        if card is None:
            return unknown
        try:
            planned = self._catalogue.plan(request, card, experience=experience)
            rows = self._catalogue.rows_that_fit(request, card, experience=experience)
        except DoesNotFitError:
            return unknown
        return _Thought(
            experience=experience,
            picture_s=planned.predicted_seconds,
            most_at_once=rows,
            wake_s=WAKE_S + planned.resident_gib / card.transfer_gib_s,
            filling=min(1.0, planned.predicted_peak_gib / card.memory_gib),
        )

    def _somewhere_s(self, request: ImagineRequest) -> float:
        """Guess a picture's seconds on a machine of the usual kind."""
        spec = self._catalogue.get(request.model)
        if not spec.needs_gpu:
            return processor_s(request, spec)
        return self._catalogue.plan(request, ANY_CARD).predicted_seconds


def _weights_gib(spec: ModelSpec) -> float:
    return sum(part.parameters for part in spec.components.values()) * 2 / GIB
