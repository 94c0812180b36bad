"""What stands in for a model in tests: instant, deterministic, and faulty on command.

Its checkpoint is a directory of switches, files that a test creates and removes. A switch that holds a number is
meant only for the picture of that seed.

`hold`: the step repeats while it is there. `hang`: the next step never ends. `crash`: the process dies, which uses
the switch up; `crash-always`. `error`: the step raises. `hold-decode`: after the last step, time passes while it is
there. `broken`: loading fails; `crash-load`: it kills the process; `hold-load`: it takes time while it is there.

`oom`: a call with more rows than the number that it holds runs out of memory. `oom-encode`, `oom-denoise` and
`oom-decode`: so does that phase under a plan that gives it more GiB than the number. `oom-crowded`: so does a call
while another fake model is on the card, and `oom-wake` a model that is to come there. `peak-encode`, `peak-denoise` and
`peak-decode`: the GiB that the phase is said to have taken. `slow`: each call takes so many seconds more, whatever its
rows, `slow-load` each loading, and `slow-wake` each way to the card.

`drawn` is no switch but a record: while it is there, the seed of each picture that is begun goes on a line of its own.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

from PIL import Image

from generation.errors import CardFullError, ModelLoadError
from generation.memory.card import Card
from generation.memory.placement import Phase, VramPlan
from generation.models.model import ModelSpec
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.pipeline import OnPhase, OnStep, Row, Step, pass_over
from generation.pipelines.speed.workshop import Workshop

POLL_S = 0.002


def load(spec: ModelSpec, plan: VramPlan, card: Card, pantry: Pantry) -> FakePipeline:  # noqa: ARG001 - every family's face
    """Load nothing, or fail as the switches say."""
    switches = Switches(Path(spec.checkpoint))
    switches.wait_for("hold-load")
    time.sleep(switches.number("slow-load"))
    if switches.is_on("crash-load"):
        os._exit(9)
    if switches.is_on("broken"):
        raise ModelLoadError(f"{spec.name}: its checkpoint cannot be read; fetch it anew or ask an admin.")
    precision = plan.placements[spec.denoiser_name].precision.value
    provenance = {"model_revision": "fake", "scheduler": spec.scheduler, "precision": precision}
    return FakePipeline(switches, plan, provenance)


class Switches:
    """The files of a directory, each of which turns a fault on while it is there."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def is_on(self, switch: str, seed: int | None = None) -> bool:
        """Tell whether the switch is there and means this seed."""
        try:
            meant = (self._directory / switch).read_text()
        except FileNotFoundError:
            return False
        return meant in ("", str(seed))

    def number(self, switch: str) -> float:
        """Give the number that a switch holds, 0 if it is off."""
        try:
            return float((self._directory / switch).read_text())
        except FileNotFoundError:
            return 0.0

    def wait_for(self, switch: str, seed: int | None = None) -> None:
        """Wait until the switch is off."""
        while self.is_on(switch, seed):
            time.sleep(POLL_S)

    def record(self, seed: int) -> None:
        """Write down that a picture is begun, if anybody wants to know."""
        drawn = self._directory / "drawn"
        if drawn.exists():
            with drawn.open("a") as record:
                record.write(f"{seed}\n")

    def use_up(self, switch: str) -> None:
        """Turn the switch off."""
        (self._directory / switch).unlink()


class FakePipeline:
    """Draws flat colours, which depend on all that may change the pixels: request, seed, start picture and batch."""

    on_card: ClassVar[set[FakePipeline]] = set()

    def __init__(self, switches: Switches, plan: VramPlan, provenance: Mapping[str, str]) -> None:
        self.provenance = provenance
        self._plan = plan
        self._switches = switches

    @property
    def peaks(self) -> Mapping[Phase, float]:
        """What the switches say."""
        return {phase: gib for phase in Phase if (gib := self._switches.number(f"peak-{phase}"))}

    def render(self, rows: Sequence[Row], on_step: OnStep, on_phase: OnPhase = pass_over) -> list[Image.Image]:
        """Go through the steps, then draw."""
        self._begin(Phase.ENCODE, on_phase)
        if 0 < self._switches.number("oom") < len(rows):
            raise CardFullError(Phase.DENOISE)
        for row in rows:
            self._switches.record(row.seed)
        images = [_colour(row, len(rows)) for row in rows]
        asked = rows[0].request
        time.sleep(self._switches.number("slow"))
        self._begin(Phase.DENOISE, on_phase)
        for number in range(1, asked.steps_taken + 1):
            step = Step(number=number, count=asked.steps_taken, preview=lambda row: images[row].resize((8, 8)))
            on_step(step)
            self._obey(rows)
            while any(self._switches.is_on("hold", row.seed) for row in rows):
                time.sleep(POLL_S)
                on_step(step)
        self._begin(Phase.DECODE, on_phase)
        for row in rows:
            self._switches.wait_for("hold-decode", row.seed)
        return images

    def _begin(self, phase: Phase, on_phase: OnPhase) -> None:
        on_phase(phase)
        most_gib = self._switches.number(f"oom-{phase}")
        is_crowded = self._switches.is_on("oom-crowded") and len(self.on_card) > 1
        if is_crowded or 0 < most_gib < self._plan.gib(phase):
            raise CardFullError(phase)

    def place(self, plan: VramPlan) -> None:
        """Take another plan."""
        self._plan = plan

    def wake(self) -> None:
        """Bring nothing to the card, or fail as the switches say."""
        if self._switches.is_on("oom-wake"):
            raise CardFullError(Phase.ENCODE)
        time.sleep(self._switches.number("slow-wake"))
        self.on_card.add(self)

    def prepare(self, workshop: Workshop) -> bool:
        """Nothing to make faster."""
        return False

    def rest(self) -> None:
        """Leave the card."""
        self.on_card.discard(self)

    def close(self) -> None:
        """Leave the card; there is nothing to give back."""
        self.rest()

    def _obey(self, rows: Sequence[Row]) -> None:
        for seed in (row.seed for row in rows):
            if self._switches.is_on("crash", seed):
                self._switches.use_up("crash")
                os._exit(9)
            if self._switches.is_on("crash-always", seed):
                os._exit(9)
            if self._switches.is_on("error", seed):
                raise RuntimeError("the fake was told to fail")
            self._switches.wait_for("hang", seed)


def _colour(row: Row, rows: int) -> Image.Image:
    values = row.request.to_json() | {"seed": row.seed, "images": 1}
    start = b"" if row.start_image is None else row.start_image.tobytes()
    batch = b"" if rows == 1 else b"of %d" % rows
    red, green, blue = hashlib.sha256(repr(sorted(values.items())).encode() + start + batch).digest()[:3]
    return Image.new("RGB", (row.request.width, row.request.height), (red, green, blue))
