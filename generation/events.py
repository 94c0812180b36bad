"""What crosses the pipe: events come up from the worker, orders go down to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from generation.job import Dispatch, JobState
from generation.vram import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady:
    """The worker process is up and knows its card."""

    card: Card


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerUnfit:
    """The worker process cannot work as it is set up, and ends; the text says why."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoading:
    """The worker has begun to load a model."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoaded:
    """A model is resident; `seconds` is what loading took."""

    model: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoadFailed:
    """A model could not be loaded; `text` is for the person who asked."""

    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUnloaded:
    """A model is no longer resident: dropped by an order, or to make room for another."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StepDone:
    """Step `step` of `steps` of picture `index` is done. `preview` is a small PNG, now and then."""

    job_id: int
    index: int
    step: int
    steps: int
    preview: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMade:
    """One picture is ready, PNG-encoded with its metadata. `seconds` is the worker's time for it."""

    job_id: int
    index: int
    seed: int
    png: bytes
    width: int
    height: int
    seconds: float
    provenance: dict[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchEnded:
    """The dispatch is over: each job is made or was cancelled. `gpu_seconds` leaves out model loading."""

    dispatch_id: int
    gpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFailed:
    """The model could not do it; `text` is for the person who asked. `gpu_seconds` leaves out model loading."""

    dispatch_id: int
    text: str
    gpu_seconds: float


ModelEvent: TypeAlias = ModelLoading | ModelLoaded | ModelLoadFailed | ModelUnloaded
RunEvent: TypeAlias = StepDone | PictureMade | DispatchEnded | DispatchFailed
WorkerEvent: TypeAlias = WorkerReady | WorkerUnfit | ModelEvent | RunEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A worker has taken up the job."""

    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequeued:
    """The job waits again, with its seed: for the rest of its pictures, or because the worker died under it.

    `attempts` counts those deaths; `gpu_seconds` is what the job has used so far.
    """

    job_id: int
    attempts: int
    gpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMoved:
    """An owner's account in the fair queue has changed: kept, it lets the queue go on after a restart as before."""

    owner: str
    virtual_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """The job is over. `virtual_time_ms` is its owner's account in the fair queue after being charged."""

    job_id: int
    owner: str
    state: JobState
    gpu_seconds: float
    virtual_time_ms: int
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStalled:
    """Jobs wait, but the worker does not start: `text` says why. It is tried again; a JobStarted ends this."""

    text: str


JobEvent: TypeAlias = (
    JobStarted | JobRequeued | JobEnded | AccountMoved | QueueStalled | ModelLoading | StepDone | PictureMade
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Make these pictures."""

    dispatch: Dispatch


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop this job of this dispatch at the next step; of no effect on any other dispatch."""

    dispatch_id: int
    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Make this model resident."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    """Drop this model."""

    model: str


Order: TypeAlias = Run | Cancel | Load | Unload
