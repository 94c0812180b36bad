"""What crosses the pipe: events come up from the worker, orders go down to it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from generation.job import Dispatch, JobState
from generation.memory.card import Card
from generation.memory.experience import Experience
from generation.memory.ladder import Shortage
from generation.memory.placement import Phase, VramPlan
from generation.queue.speeds import Learned


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
    """A model is resident; `seconds` is what loading took, out of RAM if it `was_resting` there."""

    model: str
    seconds: float
    was_resting: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelLoadFailed:
    """A model could not be loaded; `text` is for the person who asked."""

    model: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelRested:
    """A model has left the card to make room for another, and rests in RAM."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelUnloaded:
    """A model is neither on the card nor in RAM any more: dropped by an order, or to make room for another."""

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
    """The dispatch is over: each job is made or was cancelled. `gpu_seconds` leaves out model loading.

    `peaks` are the GiB that the phases of the call took on the card, the model's own weights included; what was not
    measured is left out, so that on a processor there are none.
    """

    dispatch_id: int
    gpu_seconds: float
    plan: VramPlan
    peaks: Mapping[Phase, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class DispatchFailed:
    """The model could not do it; `text` is for the person who asked. `gpu_seconds` leaves out model loading.

    There is a `shortage` if memory ran out.
    """

    dispatch_id: int
    text: str
    gpu_seconds: float
    shortage: Shortage | None = None


ModelEvent: TypeAlias = ModelLoading | ModelLoaded | ModelLoadFailed | ModelRested | ModelUnloaded
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
class DownloadMoved:
    """There is news of a model's download: it has begun, gone on, or is over in one way or another."""

    model: str


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
    | DownloadMoved
    | OutlookChanged
    | ModelLoading
    | StepDone
    | PictureMade
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Make these pictures, placed as what is known of such requests allows."""

    dispatch: Dispatch
    experience: Experience


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Stop this job of this dispatch at the next step; of no effect on any other dispatch."""

    dispatch_id: int
    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """Make this model resident, as its default request would be placed by what is known of it."""

    model: str
    experience: Experience


@dataclass(frozen=True, slots=True, kw_only=True)
class Unload:
    """Drop this model."""

    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prefetch:
    """This model comes next: have its files at hand while another runs. A newer one of these takes its place."""

    model: str


Order: TypeAlias = Run | Cancel | Load | Unload | Prefetch
