"""What crosses the pipe of a fetcher, the process that downloads one model, and what does it mean in GB and minutes?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from generation.models.model import ModelSpec

GB, MB = 1_000_000_000, 1_000_000  # as hubs and disks count


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchSetup:
    """What a fetcher is told at its birth; its logs go to `log_file`.

    It tells its progress every `report_s` seconds. After a failure of the network it tries again in `first_pause_s`
    seconds, and then in twice as many, each time.
    """

    spec: ModelSpec
    log_file: str
    report_s: float
    first_pause_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetching:
    """So much of the model is on this disk, of all that it needs; `bytes_per_s` is the speed of the last seconds."""

    done_bytes: int
    total_bytes: int
    bytes_per_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """All of the model is there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """The model cannot be downloaded; the text says why and what to do. What is there is kept."""

    text: str


FetchEvent: TypeAlias = Fetching | Fetched | FetchFailed


@dataclass(frozen=True, slots=True, kw_only=True)
class Download:
    """A model that is being downloaded, and the jobs that wait for it, oldest first.

    `progress` is None until the hub has said how much there is to fetch.
    """

    model: str
    jobs: tuple[int, ...] = ()
    progress: Fetching | None = None

    @property
    def left_s(self) -> float | None:
        """Say how long it takes at the speed of the last seconds; None while nothing moves."""
        if self.progress is None or self.progress.bytes_per_s <= 0:
            return None
        return (self.progress.total_bytes - self.progress.done_bytes) / self.progress.bytes_per_s


def portion(progress: Fetching) -> str:
    """Write how much of all is there, such as "12.3 of 33.8 GB"."""
    unit = gigabytes(progress.total_bytes).split()[1]
    return f"{progress.done_bytes / (GB if unit == 'GB' else MB):.1f} of {gigabytes(progress.total_bytes)}"


def gigabytes(size: float) -> str:
    """Write a number of bytes as people read it, such as "33.8 GB"."""
    return f"{size / GB:.1f} GB" if size >= GB / 10 else f"{size / MB:.1f} MB"
