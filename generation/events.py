"""What crosses the pipe: events come up from the worker, orders go down to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from generation.job import Dispatch, JobState
from generation.speeds import Learned
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
    """Step `step` of `steps` is done of `pictures` pictures of a job, which are made at once, from `index` on.

    `preview` is a small PNG of the first of them, now and then.
    """

    job_id: int
    index: int
    step: int
    steps: int
    pictures: int = 1
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
    is_out_of_memory: bool = False


ModelEvent: TypeAlias = ModelLoading | ModelLoaded | ModelLoadFailed | ModelUnloaded
RunEvent: TypeAlias = StepDone | PictureMade | DispatchEnded | DispatchFailed
WorkerEvent: TypeAlias = WorkerReady | WorkerUnfit | ModelEvent | RunEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class JobStarted:
    """A worker has taken up the job.

    `foretold_s` is the wait that the first forecast after its acceptance foretold, None if there was none; `waited_s`
    is what came of it, counted from that forecast.
    """

    job_id: int
    foretold_s: float | None = None
    waited_s: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPassedOver:
    """It was the job's turn, but the switch to its model was put off: from now on that is not done for ever."""

    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequeued:
    """The job waits again, with its seed: for the rest of its pictures, or because the call broke under it.

    `attempts` counts those breakdowns; `gpu_seconds` is what the job has used so far.
    """

    job_id: int
    attempts: int
    gpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobEnded:
    """The job is over."""

    job_id: int
    owner: str
    state: JobState
    gpu_seconds: float
    error: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountMoved:
    """An owner's account in the fair queue has changed: kept, it lets the queue go on after a restart as before."""

    owner: str
    virtual_time_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchSettled:
    """All that a dispatch led to, to be kept at once or not at all: accounts by owner, speeds, and its jobs' fates."""

    virtual_times_ms: Mapping[str, int]
    learned: tuple[Learned, ...]
    outcomes: tuple[JobEnded | JobRequeued, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelsLearned:
    """Something was learned of models outside a dispatch: how long they take to load."""

    learned: tuple[Learned, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueStalled:
    """Jobs wait, but the worker does not start: `text` says why. It is tried again; a JobStarted ends this."""

    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutlookChanged:
    """There is a new dry run of the queue: what was said of the waiting jobs may not hold any more."""


JobEvent: TypeAlias = (
    JobStarted
    | JobPassedOver
    | JobEnded
    | AccountMoved
    | DispatchSettled
    | ModelsLearned
    | QueueStalled
    | OutlookChanged
    | ModelLoading
    | StepDone
    | PictureMade
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
