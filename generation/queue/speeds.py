"""How long will pictures take on a card, alone and in batches, and its models to load: learned from what they took.

Pure. A card is known by its name, "" where there is only one. Until something was measured, the first guess counts.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from generation.job import Gpu
from generation.request import ImagineRequest

LEARNING_RATE = 0.2  # the share of a new measurement, as in the queue policy's reference
LEAST_GAIN = 0.15  # a batch must save this share of the time to be worth the waiting; from the same place
JUDGED_BATCH = 4  # pictures: the batch by which that is judged
TRIALS = 3  # measurements before a curve is believed
RETRIAL = 64  # after so many single calls a batch is tried again: drivers and libraries change
LOADING = ""  # the shape under which a model's loading is kept
WAKING = "from RAM"  # and that of its way back to the card


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """What is thought of a request before anything was measured, in seconds: one picture, and loading its model.

    A call of b pictures is guessed at `picture_s * (fixed_share + (1 - fixed_share) * b)`; more than `most_at_once` do
    not fit the card. `wake_s` is how long the model takes from RAM to the card: no longer than to load, since loading
    ends with that.
    """

    picture_s: float
    load_s: float
    most_at_once: int = 1
    fixed_share: float = 0.0
    wake_s: float = math.inf

    def run_s(self, pictures: int) -> float:
        """Guess the seconds of one call."""
        return self.picture_s * (self.fixed_share + (1 - self.fixed_share) * pictures)


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What was learned of a model on a card, in plain values to keep; newer ones of the same three names replace it."""

    card: str
    model: str
    shape: str
    facts: Mapping[str, Any]


@dataclass(slots=True)
class _Curve:
    """How measured calls of one shape compare with the guess, by the number of pictures: (factor, measurements)."""

    factors: dict[int, tuple[float, int]] = field(default_factory=dict)
    singles: int = 0  # calls of one picture since the last batch

    def factor(self, pictures: int) -> float | None:
        """Give the factor of this many pictures: measured, between two measured ones, or the nearest one's."""
        below = max((known for known in self.factors if known <= pictures), default=None)
        above = min((known for known in self.factors if known >= pictures), default=None)
        if below is None or above is None:
            near = below or above
            return None if near is None else self.factors[near][0]
        if below == above:
            return self.factors[below][0]
        part = (pictures - below) / (above - below)
        return self.factors[below][0] * (1 - part) + self.factors[above][0] * part

    def learn(self, pictures: int, factor: float) -> None:
        known, count = self.factors.get(pictures, (factor, 0))
        self.factors[pictures] = known + LEARNING_RATE * (factor - known), count + 1
        self.singles = self.singles + 1 if pictures == 1 else 0


class Speeds:
    """Estimates by card, model and shape. `guess` gives the first ones, of a request on a card."""

    def __init__(self, guess: Callable[[ImagineRequest, str], Guess]) -> None:
        self._guess = guess
        self._curves: dict[tuple[str, str, str], _Curve] = {}
        self._models: dict[tuple[str, str], float] = {}  # the factor of each model over all its shapes
        # (seconds, measurements) by card, model, and LOADING or WAKING
        self._loads: dict[tuple[str, str, str], tuple[float, int]] = {}

    def picture_s(self, request: ImagineRequest, card: str = "") -> float:
        """Estimate the GPU-seconds of one picture made alone."""
        return self.run_s(request, 1, card)

    def run_s(self, request: ImagineRequest, pictures: int, card: str = "") -> float:
        """Estimate the GPU-seconds of one call that makes this many pictures at once."""
        guessed = self._guess(request, card).run_s(pictures)
        curve = self._curves.get((card, request.model, shape_of(request)))
        factor = None if curve is None else curve.factor(pictures)
        return guessed * (self._models.get((card, request.model), 1.0) if factor is None else factor)

    def load_s(self, request: ImagineRequest, card: str = "", *, is_resting: bool = False) -> float:
        """Estimate the seconds that it takes until the request's model is on the card: from RAM if it rests there."""
        known = self._loads.get((card, request.model, LOADING))
        from_disk_s = self._guess(request, card).load_s if known is None else known[0]
        if not is_resting:
            return from_disk_s
        known = self._loads.get((card, request.model, WAKING))
        return min(from_disk_s, self._guess(request, card).wake_s) if known is None else known[0]

    def switch_s(self, request: ImagineRequest, gpu: Gpu) -> float:
        """Estimate the seconds that a GPU takes until the request's model is there: none if it is."""
        if request.model in gpu.resident:
            return 0.0
        return self.load_s(request, gpu.card, is_resting=request.model in gpu.resting)

    def most_at_once(self, request: ImagineRequest, card: str = "") -> int:
        """Tell how many pictures of one job a call should make.

        As many as fit, unless batches were found not to pay; now and then one is tried nevertheless.
        """
        most = self.fitting(request, card)
        curve = self._curves.get((card, request.model, shape_of(request)))
        if curve is None or self.pays(request, card) or curve.singles >= RETRIAL:
            return most
        is_believed = any(count >= TRIALS for pictures, (_, count) in curve.factors.items() if pictures > 1)
        return 1 if is_believed else most

    def pays(self, request: ImagineRequest, card: str = "") -> bool:
        """Tell whether a call for pictures of several people saves enough time."""
        pictures = min(self.fitting(request, card), JUDGED_BATCH)
        alone_s = self.run_s(request, 1, card)
        return pictures > 1 and self.run_s(request, pictures, card) / pictures <= (1 - LEAST_GAIN) * alone_s

    def learn(self, request: ImagineRequest, pictures: int, seconds: float, card: str = "") -> Learned:
        """Take in what one whole call took."""
        factor = seconds / max(self._guess(request, card).run_s(pictures), 1e-9)
        key = card, request.model, shape_of(request)
        self._curves.setdefault(key, _Curve()).learn(pictures, factor)
        self._learn_model(card, request.model)
        return self._told(*key)

    def learn_load(
        self, request: ImagineRequest, seconds: float, card: str = "", *, was_resting: bool = False
    ) -> Learned:
        """Take in what loading the request's model took: from a disk, or from RAM where it rested."""
        key = card, request.model, WAKING if was_resting else LOADING
        known, count = self._loads.get(key, (seconds, 0))
        self._loads[key] = known + LEARNING_RATE * (seconds - known), count + 1
        return self._told(*key)

    def learned(self, request: ImagineRequest, card: str = "") -> Learned:
        """Give all that was learned of calls of the request's shape; something must have been."""
        return self._told(card, request.model, shape_of(request))

    def copied(self) -> Speeds:
        """Give a copy that learns by itself."""
        twin = Speeds(self._guess)
        twin._curves = {key: _Curve(dict(curve.factors), curve.singles) for key, curve in self._curves.items()}
        twin._models, twin._loads = dict(self._models), dict(self._loads)
        return twin

    def restore(self, learned: Learned) -> None:
        """Take over what was learned before a restart."""
        key = learned.card, learned.model, learned.shape
        if learned.shape in (LOADING, WAKING):
            self._loads[key] = learned.facts["load_s"], learned.facts["loads"]
            return
        factors = {int(pictures): (factor, count) for pictures, (factor, count) in learned.facts["factors"].items()}
        self._curves[key] = _Curve(factors, learned.facts["singles"])
        self._learn_model(learned.card, learned.model)

    def fitting(self, request: ImagineRequest, card: str = "") -> int:
        """Tell how many pictures of the request's shape one call can make at most.

        A fast one is made alone: what is left out is decided for a whole call, and would depend on the others in it.
        """
        return 1 if request.is_fast else self._guess(request, card).most_at_once

    def _learn_model(self, card: str, model: str) -> None:
        """A shape that was never seen is as much slower or faster than guessed as those that were."""
        known = [curve for (on, of, _), curve in self._curves.items() if (on, of) == (card, model)]
        counted = [measured for curve in known for measured in curve.factors.values()]
        if counted:
            total = sum(count for _, count in counted)
            self._models[card, model] = sum(factor * count for factor, count in sorted(counted)) / total

    def _told(self, card: str, model: str, shape: str) -> Learned:
        if shape in (LOADING, WAKING):
            seconds, count = self._loads[card, model, shape]
            return Learned(card=card, model=model, shape=shape, facts={"load_s": seconds, "loads": count})
        curve = self._curves[card, model, shape]
        factors = {str(pictures): [factor, count] for pictures, (factor, count) in sorted(curve.factors.items())}
        facts = {"factors": factors, "singles": curve.singles}
        return Learned(card=card, model=model, shape=shape, facts=facts)


def shape_of(request: ImagineRequest) -> str:
    """Name what, besides the number of steps, decides how long a picture takes."""
    manner = (" from a picture" if request.image else "") + (" fast" if request.is_fast else "")
    return f"{request.width}x{request.height}{manner}"
