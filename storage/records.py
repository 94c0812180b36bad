"""What do the other rooms see of the database: values, never rows."""

from __future__ import annotations

from collections.abc import Mapping
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

    `start_image` names the kept picture that it starts from, if any.
    """

    owner: str
    place: Mapping[str, str]
    model: str
    prompt: str
    request: Mapping[str, Any]
    rerun_of: int | None = None
    start_image: str = ""
    is_spoiler: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job as it stands, with its pictures by index. Under way or past: `state` tells. Times are Unix milliseconds."""

    id: int
    owner: str
    place: Mapping[str, str]
    state: str
    prompt: str
    request: Mapping[str, Any]
    rerun_of: int | None
    is_spoiler: bool
    is_deleted: bool
    attempts: int
    error: str
    created_ms: int
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
