"""What is there to measure, in which order?"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch

from generation import Card
from tests.gpu import memory_stage, speed_stage
from tests.gpu.clock import multiplied_tflops
from tests.gpu.subjects import MODELS, Subject

FIVE = ("sdxl", "sd3.5-large", "flux-dev", "flux-schnell", "hidream")
PAIR = ("sdxl", "flux-schnell")
SMALL_SIDE = 256  # of the matrices of a dry run


@dataclass(frozen=True, slots=True)
class Job:
    """One thing to measure on some models, and where its value goes."""

    path: tuple[str, ...]
    subjects: tuple[Subject, ...]
    work: Callable[[], Any]

    def done(self) -> Any:
        """Do it, and give the value."""
        for subject in self.subjects:
            subject.write()
        return self.work()


class Programme:
    """All jobs, as the options choose them; models are described in a folder."""

    def __init__(self, options: argparse.Namespace, card: Card, folder: Path) -> None:
        self._options = options
        self._card = card
        self._subjects = {name: Subject(name, folder / name, not options.dry_run) for name in MODELS}
        self._workshop = speed_stage.workshop_in(options.out.parent, is_dry=options.dry_run)

    def __iter__(self) -> Iterator[Job]:
        for stage in self._options.stage:
            yield from STAGES[stage](self)

    @property
    def _chosen(self) -> list[Subject]:
        return [self._subjects[name] for name in self._options.model]

    def products(self) -> Iterator[Job]:
        """How fast the card multiplies."""
        sizes = {"side": SMALL_SIDE, "rounds": 2} if self._options.dry_run else {}
        work = partial(multiplied_tflops, self._card.device, torch.bfloat16, **sizes)
        yield Job(("matmul_tflops",), (), work)

    def speed(self) -> Iterator[Job]:
        """Each model in each variant."""
        for subject in self._chosen:
            for variant in speed_stage.VARIANTS:
                work = partial(speed_stage.measure, subject, variant, self._card, self._workshop)
                yield Job(("speed", subject.name, variant), (subject,), work)

    def caps(self) -> Iterator[Job]:
        """Each model under each cap."""
        for subject in self._chosen:
            for cap in self._options.cap:
                steps = self._options.cap_steps
                work = partial(memory_stage.under_a_cap, subject, cap, self._card.device, steps)
                yield Job(("caps", subject.name, str(cap)), (subject,), work)

    def switches(self) -> Iterator[Job]:
        """Two models in turns."""
        first, second = (self._subjects[name] for name in PAIR)
        work = partial(memory_stage.switching, first, second, self._card, self._options.turns)
        yield Job(("switches",), (first, second), work)

    def together(self) -> Iterator[Job]:
        """Five models at once."""
        five = tuple(self._subjects[name] for name in FIVE)
        yield Job(("together",), five, partial(memory_stage.together, five, self._card))


STAGES = {
    "card": Programme.products,
    "speed": Programme.speed,
    "caps": Programme.caps,
    "switches": Programme.switches,
    "together": Programme.together,
}
