"""What is a picture under way: the job, its states, and the share of it that a worker is handed at once?

queued ──select──> running ──all pictures made──> done
  │  ^                │├──error of the request──> failed
  │  ├─worker died────┤├──third worker death────> failed
  │  └─more to make───┘│
  └──────cancel────────┴────────────────────────> cancelled
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from generation.request import ImagineRequest

MOST_ATTEMPTS = 3


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A request under way. `owner` is an account ("console:me"); `missing` are the picture indexes still to be made.

    `attempts` counts the dispatches under which a worker died, `gpu_seconds` is what the job has used so far.
    """

    id: int
    owner: str
    request: ImagineRequest
    missing: tuple[int, ...]
    attempts: int = 0
    gpu_seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The pictures of one job that a dispatch makes, by index.

    `start_image` is the file that `request.image` names: a worker need not see the disk that it lies on. It is read
    only when the dispatch is sent.
    """

    job_id: int
    request: ImagineRequest
    indexes: tuple[int, ...]
    start_image: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """What a worker is handed at once: shares of one or more jobs that have the same model and shape."""

    id: int
    model: str
    shares: tuple[Share, ...]
