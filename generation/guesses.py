"""What is thought of a request's speed and memory before anything was measured: what does the catalogue say?"""

from __future__ import annotations

from generation.catalogue import Catalogue
from generation.errors import DoesNotFitError
from generation.request import ImagineRequest
from generation.speeds import Guess
from generation.vram import Card

LOAD_S, LOAD_S_PER_GIB = 4.0, 0.75  # about what the queue's reference takes for models of 2, 7 and 31 GiB


class Guesses:
    """The first guesses for `Speeds`. Cards are known by their names, once they were noted."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._cards: dict[str, Card] = {}
        self._most: dict[tuple[str, str, int, int, bool, bool], int] = {}  # a dry run asks a thousand times

    def note(self, card: Card) -> None:
        """Take in what a card offers: its memory decides how much fits."""
        self._cards[card.name] = card
        self._most.clear()

    def __call__(self, request: ImagineRequest, card: str = "") -> Guess:
        """Guess; on a card that is not known yet, one picture at a time."""
        spec = self._catalogue.get(request.model)
        area = (request.width * request.height) / (spec.width * spec.height)
        return Guess(
            picture_s=spec.seconds_per_step * request.steps_taken * area,
            load_s=LOAD_S + LOAD_S_PER_GIB * sum(spec.memory.weights_gib.values()),
            most_at_once=self._most_at_once(request, card),
            fixed_share=spec.batch_fixed_share,
        )

    def filling(self, request: ImagineRequest, card: str = "") -> float:
        """Tell which share of a card's memory the request's model takes; all of it where that is not known."""
        known = self._cards.get(card)
        if known is None:
            return 1.0
        try:
            return min(1.0, self._catalogue.plan(request, known).predicted_peak_gib / known.memory_gib)
        except DoesNotFitError:
            return 1.0

    def _most_at_once(self, request: ImagineRequest, card: str) -> int:
        known = self._cards.get(card)
        if known is None:
            return 1
        kind = card, request.model, request.width, request.height, request.guidance_scale > 1, bool(request.image)
        most = self._most.get(kind)
        if most is None:
            most = self._most[kind] = self._rows_that_fit(request, known)
        return most

    def _rows_that_fit(self, request: ImagineRequest, card: Card) -> int:
        try:
            return self._catalogue.rows_that_fit(request, card)
        except DoesNotFitError:
            return 1  # whoever tries it tells why not
