"""What does the worker ask of a model, and how does it get one?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from PIL import Image

from generation.lora import LoraWeights
from generation.memory.card import Card
from generation.memory.placement import Phase, VramPlan
from generation.models.families import FAMILIES
from generation.models.model import ModelSpec
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.speed.workshop import Workshop
from generation.request import ImagineRequest


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of a call: what was asked for, its own seed, and the picture to start from if the request names one.

    The rows of a call have the same model, size, number of steps and guidance, and all of them start from a picture at
    the same strength, or none does; likewise with masks, which are as large as the picture, in mode L. They have the
    same adapters, too, none of them at scale 0.
    """

    request: ImagineRequest
    seed: int
    start_image: Image.Image | None = None
    mask: Image.Image | None = None
    loras: tuple[LoraWeights, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Step `number` (from 1) of `count` is done; `preview` draws a small picture of where a row stands."""

    number: int
    count: int
    preview: Callable[[int], Image.Image]


OnStep = Callable[[Step], None]
OnPhase = Callable[[Phase], None]


def pass_over(_: Phase) -> None:
    """Let a phase begin."""


class Pipeline(Protocol):
    """A loaded model. `provenance` names whatever, besides the request, decides the pixels.

    Its weights are in RAM; some of them are on the card from the first call, or `wake`, until `rest` or `close`.
    `peaks` are the GiB that torch had allocated at most in each phase of the last call; it is empty on a processor.
    """

    provenance: Mapping[str, str]
    peaks: Mapping[Phase, float]

    def render(self, rows: Sequence[Row], on_step: OnStep, on_phase: OnPhase = pass_over) -> list[Image.Image]:
        """Make RGB pictures of the requested size in one call, one a row; start pictures have that size already.

        A picture may depend on how many rows there are and on which is its own, but not on what the others hold. What
        `on_step`, or `on_phase` as a phase begins, raises ends the call and leaves the model usable.

        Raises:
            CardFullError: so many rows do not fit; it says in which phase.
        """

    def place(self, plan: VramPlan) -> None:
        """Lie as another plan of the same precisions says: what is to stay on the card is brought there by `wake`."""

    def wake(self) -> None:
        """Bring to the card what is to stay there.

        Raises:
            CardFullError: there is no room for it.
        """

    def prepare(self, workshop: Workshop) -> bool:
        """Do one piece of what makes later calls faster; False if there is nothing to do."""

    def rest(self) -> None:
        """Leave the card, and keep the weights in RAM."""

    def close(self) -> None:
        """Give the memory back."""


class Family(Protocol):
    """A module of this package that knows a family."""

    def load(self, spec: ModelSpec, plan: VramPlan, card: Card, pantry: Pantry) -> Pipeline:
        """Load a checkpoint.

        Raises:
            ModelLoadError: it cannot be found or read; the text says what to do.
        """


def load_pipeline(spec: ModelSpec, plan: VramPlan, card: Card, pantry: Pantry) -> Pipeline:
    """Import the family's module, and with it torch, only now; then load the checkpoint into RAM.

    Networks that are in the pantry already are not loaded again.

    Raises:
        ModelLoadError: the checkpoint cannot be loaded; the text says what to do.
    """
    return cast(Family, importlib.import_module(FAMILIES[spec.family])).load(spec, plan, card, pantry)
