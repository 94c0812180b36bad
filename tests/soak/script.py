"""What do the members do, in which places and in which order? Drawn from a seed, so that a run can be repeated."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from typing import TypeAlias, TypeVar

T = TypeVar("T")

SEED_PITCH = 10  # between the seeds of two requests: all pictures of all requests differ
JOB = re.compile(
    r"Job (?P<id>\d+)(?: (?P<state>queued|done|cancelled|failed)\b|: (?:starting|loading|picture|step)\b)",
)


class Deed(StrEnum):
    """What a member does once the job is acknowledged, or its result is there."""

    NOTHING = "nothing"
    CANCEL = "cancel"
    AGAIN = "again"
    VARY = "vary"
    INFO = "info"


ASKS = frozenset({Deed.AGAIN, Deed.VARY})  # these ask for one more job
DEEDS = {Deed.NOTHING: 64, Deed.CANCEL: 10, Deed.AGAIN: 10, Deed.VARY: 8, Deed.INFO: 8}
COUNTS = {1: 76, 2: 12, 3: 4, 4: 8}
MISTAKES, EXTRAS = 0.06, 0.15
EXTRA_FLAGS = (" --spoiler", " --no a blue sky", " —steps 9", " --size 96x64")
THINKING_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A line that asks for a picture, after some thinking, and what is done then."""

    number: int
    platform: str
    spot: str
    pause_s: float
    flags: str
    images: int
    deed: Deed

    @property
    def token(self) -> str:
        """Give the words that stand in this prompt alone, by which its messages are known."""
        return f"request {self.number:05}"

    @property
    def prompt(self) -> str:
        """Give what is to be drawn."""
        return f"{self.token} a red circle"

    @property
    def seed(self) -> int:
        """Give the seed that is asked for."""
        return self.number * SEED_PITCH

    @property
    def line(self) -> str:
        """Give what is typed."""
        return f"/imagine {self.prompt} --seed {self.seed}{self.flags}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """A line that cannot be done, and the words by which its own answer is known."""

    spot: str
    pause_s: float
    line: str
    complaint: str


Errand: TypeAlias = Request | Mistake


class Script:
    """What one member does. With `is_plain`, it holds only what is made good after a kill: a direct answer is not."""

    def __init__(
        self, seed: int, member: int, platform: str, spots: Mapping[str, int], *, is_plain: bool = False
    ) -> None:
        self._dice = random.Random(f"{seed} {member}")
        self._platform = platform
        self._spots = spots
        self._mistakes = 0.0 if is_plain else MISTAKES
        self._deeds = {deed: share for deed, share in DEEDS.items() if not (is_plain and deed is Deed.INFO)}
        self._numbers = count(1000 * member)

    def errands(self) -> Iterator[Errand]:
        """Give errands without end."""
        while True:
            if self._dice.random() < self._mistakes:
                yield self._mistake()
            yield self._request()

    def share(self, requests: int) -> Iterator[Errand]:
        """Give errands until so many pictures were asked for, by words or by buttons."""
        for errand in self.errands():
            asks = 0 if isinstance(errand, Mistake) else 1 + (errand.deed in ASKS)
            if asks <= requests:
                requests -= asks
                yield errand
            if not requests:
                return

    def _request(self) -> Request:
        images = self._draw(COUNTS)
        flags = f" --count {images}" if images > 1 else ""
        if self._dice.random() < EXTRAS:
            flags += self._dice.choice(EXTRA_FLAGS)
        return Request(
            number=next(self._numbers),
            platform=self._platform,
            spot=self._draw(self._spots),
            pause_s=self._pause_s(),
            flags=flags,
            images=images,
            deed=self._draw(self._deeds),
        )

    def _mistake(self) -> Mistake:
        number = 1000 + next(self._numbers)
        line, complaint = self._dice.choice(
            [
                (f"--steps {number}", f"--steps {number} is out of range"),
                (f"--size {number}x7", f"--size {number}x7 is not possible"),
                (f"--sed-{number} 7", f"Unknown flag --sed-{number}"),
            ]
        )
        return Mistake(
            spot=self._draw(self._spots),
            pause_s=self._pause_s(),
            line=f"/imagine a circle {line}",
            complaint=complaint,
        )

    def _pause_s(self) -> float:
        return self._dice.expovariate(1 / THINKING_S)

    def _draw(self, shares: Mapping[T, int]) -> T:
        return self._dice.choices(list(shares), weights=list(shares.values()))[0]
