"""What is a world of the simulator: which machine, which models, and who asks for what when?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import exp

from generation.queue.speeds import Guess
from generation.request import ImagineRequest

SQUARE = 1024
PLAIN_STEPS = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A model: what the catalogue says of it, and what is true.

    A call of b square pictures with the usual steps is said to take `picture_s * (told_share + (1 - told_share) * b)`.
    In truth it takes `bias` times as long, and `fixed_share` is the share that does not grow.
    """

    name: str
    picture_s: float
    load_s: float
    most_at_once: int
    fixed_share: float
    told_share: float
    bias: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """Somebody asks for pictures at a time.

    If it `follows` another ask, by its number, `at_s` counts from the end of that one. Whoever loses patience gives up
    `patience_s` after asking.
    """

    owner: str
    request: ImagineRequest
    at_s: float
    follows: int | None = None
    patience_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """A machine and a script. `noise` is the standard deviation of the logarithm of what a call takes.

    Times are rounded to `grain_s`, if there is one, so that sums of them are exact.
    """

    seed: int
    models: Mapping[str, Model]
    asks: Sequence[Ask]
    weights: Mapping[str, float] = field(default_factory=dict)
    gpus: int = 1
    slots: int = 1
    noise: float = 0.0
    grain_s: float = 0.0

    @property
    def owners(self) -> tuple[str, ...]:
        """Name all who ask, in the order of their first asks."""
        return tuple(dict.fromkeys(ask.owner for ask in self.asks))

    @property
    def is_exact(self) -> bool:
        """Tell whether calls take what the catalogue says, to the moment."""
        right = all(model.bias == 1 and model.told_share == model.fixed_share for model in self.models.values())
        return right and self.noise == 0

    @property
    def longest_load_s(self) -> float:
        """Tell what the slowest model switch takes."""
        return max(model.load_s for model in self.models.values())

    def weight(self, owner: str) -> float:
        """Tell how many shares somebody has."""
        return self.weights.get(owner, 1.0)

    def guess(self, request: ImagineRequest, card: str = "") -> Guess:
        """Say what the catalogue says."""
        model = self.models[request.model]
        return Guess(
            picture_s=self._rounded(model.picture_s * effort(request)),
            load_s=model.load_s,
            most_at_once=model.most_at_once,
            fixed_share=model.told_share,
        )

    def call_s(self, request: ImagineRequest, pictures: int) -> float:
        """Tell what a call really takes, but for the noise."""
        model = self.models[request.model]
        rows = model.fixed_share + (1 - model.fixed_share) * pictures
        return model.picture_s * model.bias * effort(request) * rows

    def measured_s(self, request: ImagineRequest, pictures: int, luck: float) -> float:
        """Tell what a call takes this time; `luck` is drawn from the standard normal distribution."""
        return self._rounded(self.call_s(request, pictures) * exp(self.noise * luck))

    def without_switches(self) -> World:
        """Give the same world in which loading a model takes no time."""
        return replace(self, models={name: replace(model, load_s=0.0) for name, model in self.models.items()})

    def slowed(self, factor: float) -> World:
        """Give the same world in which everything takes so many times as long."""
        models = {
            name: replace(model, picture_s=factor * model.picture_s, load_s=factor * model.load_s)
            for name, model in self.models.items()
        }
        asks = [
            replace(ask, at_s=factor * ask.at_s, patience_s=ask.patience_s and factor * ask.patience_s)
            for ask in self.asks
        ]
        return replace(self, models=models, asks=asks, grain_s=factor * self.grain_s)

    def renamed(self, names: Mapping[str, str]) -> World:
        """Give the same world with other names for those who ask."""
        asks = [replace(ask, owner=names[ask.owner]) for ask in self.asks]
        return replace(self, asks=asks, weights={names[owner]: weight for owner, weight in self.weights.items()})

    def _rounded(self, seconds: float) -> float:
        return max(1, round(seconds / self.grain_s)) * self.grain_s if self.grain_s else seconds


def effort(request: ImagineRequest) -> float:
    """Tell how many times as long as the usual picture one takes, by its pixels and steps."""
    return request.width * request.height / SQUARE**2 * request.num_inference_steps / PLAIN_STEPS
