"""What do the other rooms see of the database: values, never rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPicture:
    """A picture to keep: PNG bytes, sides in pixels, and what decided its pixels besides the request."""

    job_id: int
    index: int
    png: bytes
    seed: int
    width: int
    height: int
    provenance: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureRecord:
    """A picture that is kept: its file is named by `sha256`."""

    index: int
    sha256: str
    seed: int
    width: int
    height: int
    provenance: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """A job to accept: `request` is the generation room's own JSON, `place` the platform's address as text values.

    `start_image` names the kept picture that it starts from, if any, and `mask` the one that says which parts of it
    are to be drawn anew; `expected_ms` is the GPU time that one of its
    pictures should take; `roles` and `server` tell as whom, and in which community, its owner asked.
    """

    owner: str
    place: Mapping[str, str]
    model: str
    prompt: str
    request: Mapping[str, Any]
    images: int
    expected_ms: int
    roles: Sequence[str] = ()
    server: str = ""
    rerun_of: int | None = None
    start_image: str = ""
    mask: str = ""
    is_spoiler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as it stands, with its pictures by index. Under way or past: `state` tells. Times are Unix milliseconds.

    Spans are milliseconds too: `gpu_ms`, which it has used, and `expected_ms`, for one picture. `passed_over_ms` is
    since when its model's switch is put off, `boosted_ms` when an admin boosted it; None if nobody did.
    """

    id: int
    owner: str
    place: Mapping[str, str]
    state: str
    prompt: str
    request: Mapping[str, Any]
    rerun_of: int | None
    is_spoiler: bool
    is_deleted: bool
    images: int
    expected_ms: int
    attempts: int
    error: str
    created_ms: int
    passed_over_ms: int | None
    boosted_ms: int | None
    started_ms: int | None
    ended_ms: int | None
    gpu_ms: int
    message_id: str | None
    want_rev: int
    shown_rev: int
    pictures: tuple[PictureRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some jobs, newest first; `older_than` is the cursor of the next page, None on the last."""

    jobs: tuple[JobRecord, ...]
    older_than: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobOutcome:
    """What a dispatch led to for a job: it is over, or it is "queued" again. `gpu_ms` is all that it has used so far.

    `attempts` counts the workers that were lost under it; None leaves the count as it is.
    """

    job_id: int
    state: str
    gpu_ms: int
    attempts: int | None = None
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedJob:
    """A job as a replay of the past needs it: who asked for what, when, and what came of it.

    `provenance` is that of its first picture; empty if none was kept.
    """

    owner: str
    roles: tuple[str, ...]
    server: str
    created_ms: int
    started_ms: int | None
    ended_ms: int | None
    state: str
    model: str
    request: Mapping[str, Any]
    images: int
    gpu_ms: int
    expected_ms: int
    provenance: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountRecord:
    """Where an account stands in the fair queue, and how much its share weighs."""

    virtual_time_ms: int
    weight: float


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedRecord:
    """What was measured of a model's shape on a card; `facts` is the generation room's own JSON."""

    card: str
    model: str
    shape: str
    facts: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferRecord:
    """A request that was offered in place of another; it is the generation room's own JSON."""

    request: Mapping[str, Any]
    is_spoiler: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What somebody has asked for: jobs that wait or run now, and pictures in a span of time."""

    pending: int
    images: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Boost:
    """A job was boosted at `at_ms`, and was to take so many milliseconds of GPU time."""

    at_ms: int
    expected_ms: int
