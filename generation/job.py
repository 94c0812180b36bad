"""What is a picture under way: the job, its states, and the share of it that a worker is handed at once?

queued ──select──> running ──all pictures made──> done
  │  ^                │├──error of the request──> failed
  │  ├─call broke─────┤├──third broken call─────> failed
  │  └─more to make───┘│
  └──────cancel────────┴────────────────────────> cancelled
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Self

from generation.request import ImagineRequest

MOST_ATTEMPTS = 3
SEAT = re.compile(r"([1-9]\d{0,3}) of ([1-9]\d{0,3})")


class JobState(StrEnum):
    """Where a job is. The last three are over: nothing moves a job out of them."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def is_over(self) -> bool:
        """Tell whether the job has ended."""
        return self in (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


class Reason(StrEnum):
    """Why the queue chose a job before all others."""

    SHARE = "share"  # its owner has used the least GPU time
    RESIDENT = "resident"  # its model is loaded, which saves a switch
    SHORT = "short"  # of those about equally served, little of its owner waits
    OVERDUE = "overdue"  # the switch to its model was put off for long enough
    BOOST = "boost"  # an admin wants it next


@dataclass(frozen=True, slots=True)
class Seat:
    """The row of a picture, from 0, in the call of `of` pictures that made it: pixels may depend on it."""

    place: int
    of: int

    def __post_init__(self) -> None:
        """Refuse a row that the call does not have."""
        if not 0 <= self.place < self.of:
            raise ValueError(f"there is no place {self.place} among {self.of}")

    def __str__(self) -> str:
        """Write it as people count, such as "2 of 4"."""
        return f"{self.place + 1} of {self.of}"

    @classmethod
    def from_text(cls, text: str) -> Self:
        """Read back what `str` gave.

        Raises:
            ValueError: it is no such text.
        """
        match = SEAT.fullmatch(text)
        if match is None:
            raise ValueError(f"{text!r} is no place in a batch")
        return cls(int(match[1]) - 1, int(match[2]))


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request under way. `owner` is a person's key ("console:me"); `missing` are the pictures still to be made.

    `expected_s` are the GPU-seconds that a picture was expected to take when the job was accepted. `attempts` counts
    the calls that broke under it, `gpu_seconds` is what it has used so far. `seats` are those of the pictures that it
    repeats. `passed_over_s` says for how long the switch to its model had been put off before a restart, None if it
    was not.
    """

    id: int
    owner: str
    request: ImagineRequest
    missing: tuple[int, ...]
    expected_s: float
    attempts: int = 0
    gpu_seconds: float = 0.0
    seats: Mapping[int, Seat] = field(default_factory=dict)
    passed_over_s: float | None = None
    is_boosted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The pictures of one job that a dispatch makes: picture `indexes[n]` in row `places[n]` of the call.

    `start_image` is the file that `request.image` names, `mask` that of `request.mask`: a worker need not see the disk
    that they lie on. They are read only when the dispatch is sent.
    """

    job_id: int
    request: ImagineRequest
    indexes: tuple[int, ...]
    places: tuple[int, ...]
    start_image: bytes = field(default=b"", repr=False)
    mask: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What a worker is handed at once, for one call of the pipeline with `size` rows.

    Its shares are of one or more jobs with the same model and shape. Rows that none of them takes are there only to
    repeat a call of the past. `reason` is why its first job was chosen; `passed_over` the job whose turn it was, if the
    switch to that job's model was put off for the first time.
    """

    id: int
    model: str
    size: int
    shares: tuple[Share, ...]
    reason: Reason = Reason.SHARE
    passed_over: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One that takes dispatches, as the queue sees it: the name of its card, and the models that are loaded there.

    Those that are `resting` have left the card and are still in RAM, from where they come back sooner than from a disk.
    """

    number: int = 0
    card: str = ""
    resident: frozenset[str] = frozenset()
    resting: frozenset[str] = frozenset()
