"""What stands in for a model in tests: instant, deterministic, and faulty on command.

Its checkpoint is a directory of switches, files that a test creates and removes. A switch that holds a number is
meant only for the picture of that seed.

`hold`: the step repeats while it is there. `hang`: the next step never ends. `crash`: the process dies, which uses
the switch up; `crash-always`. `error`: the step raises. `hold-decode`: after the last step, time passes while it is
there. `broken`: loading fails; `crash-load`: it kills the process; `hold-load`: it takes time while it is there.

`oom`: a call with more rows than the number that it holds runs out of memory. `slow`: each call takes so many seconds
more, whatever its rows, and `slow-load` each loading.

`drawn` is no switch but a record: while it is there, the seed of each picture that is begun goes on a line of its own.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from generation.errors import CardFullError, ModelLoadError
from generation.model import ModelSpec
from generation.pipelines.pipeline import OnStep, Row, Step
from generation.vram import Card, VramPlan

POLL_S = 0.002


def load(spec: ModelSpec, plan: VramPlan, card: Card) -> FakePipeline:  # noqa: ARG001 - every family has this face
    """Load nothing, or fail as the switches say."""
    switches = Switches(Path(spec.checkpoint))
    switches.wait_for("hold-load")
    time.sleep(switches.number("slow-load"))
    if switches.is_on("crash-load"):
        os._exit(9)
    if switches.is_on("broken"):
        raise ModelLoadError(f"{spec.name}: its checkpoint cannot be read; fetch it anew or ask an admin.")
    return FakePipeline(switches, {"model_revision": "fake", "scheduler": spec.scheduler, "precision": plan.precision})


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

    def __init__(self, switches: Switches, provenance: Mapping[str, str]) -> None:
        self.provenance = provenance
        self._switches = switches

    def render(self, rows: Sequence[Row], on_step: OnStep) -> list[Image.Image]:
        """Go through the steps, then draw."""
        if 0 < self._switches.number("oom") < len(rows):
            raise CardFullError
        for row in rows:
            self._switches.record(row.seed)
        images = [_colour(row, len(rows)) for row in rows]
        asked = rows[0].request
        time.sleep(self._switches.number("slow"))
        for number in range(1, asked.steps_taken + 1):
            step = Step(number=number, count=asked.steps_taken, preview=lambda row: images[row].resize((8, 8)))
            on_step(step)
            self._obey(rows)
            while any(self._switches.is_on("hold", row.seed) for row in rows):
                time.sleep(POLL_S)
                on_step(step)
        for row in rows:
            self._switches.wait_for("hold-decode", row.seed)
        return images

    def close(self) -> None:
        """Nothing to give back."""

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
