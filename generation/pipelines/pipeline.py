"""What does the worker ask of a model, and how does it get one?"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, cast

from PIL import Image

from generation.errors import ModelLoadError
from generation.families import FAMILIES
from generation.model import ModelSpec
from generation.request import ImagineRequest
from generation.vram import Card, VramPlan


@dataclass(frozen=True, slots=True)
class Row:
    """One picture of a call: what was asked for, its own seed, and the picture to start from if the request names one.

    The rows of a call have the same model, size, number of steps and guidance, and all of them start from a picture at
    the same strength, or none does.
    """

    request: ImagineRequest
    seed: int
    start_image: Image.Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Step `number` (from 1) of `count` is done; `preview` draws a small picture of where a row stands."""

    number: int
    count: int
    preview: Callable[[int], Image.Image]


OnStep = Callable[[Step], None]


class Pipeline(Protocol):
    """A loaded model. `provenance` names whatever, besides the request, decides the pixels."""

    provenance: Mapping[str, str]

    def render(self, rows: Sequence[Row], on_step: OnStep) -> list[Image.Image]:
        """Make RGB pictures of the requested size in one call, one a row; start pictures have that size already.

        A picture may depend on how many rows there are and on which is its own, but not on what the others hold. What
        `on_step` raises ends the call and leaves the model usable.

        Raises:
            CardFullError: so many rows do not fit.
        """

    def close(self) -> None:
        """Give the memory back."""


class Family(Protocol):
    """A module of this package that knows a family."""

    def load(self, spec: ModelSpec, plan: VramPlan, card: Card) -> Pipeline:
        """Load a checkpoint.

        Raises:
            ModelLoadError: it cannot be found or read; the text says what to do.
        """


def load_pipeline(spec: ModelSpec, plan: VramPlan, card: Card) -> Pipeline:
    """Import the family's module, and with it torch, only now; then load the checkpoint.

    Raises:
        ModelLoadError: this version knows no such pipeline, or the checkpoint cannot be loaded.
    """
    module = FAMILIES[spec.family]
    if module is None:
        raise ModelLoadError(f"{spec.name}: this version cannot run the family {spec.family} yet.")
    return cast(Family, importlib.import_module(module)).load(spec, plan, card)
