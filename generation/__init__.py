"""The generation room: from a request to pixels. This is its face; nobody enters a module inside."""

from generation.catalogue import Catalogue
from generation.encoding import PictureMetadata, read_metadata
from generation.errors import (
    DoesNotFitError,
    GenerationError,
    InvalidRequestError,
    UnreadableImageError,
    WorkerDownError,
)
from generation.events import (
    AccountMoved,
    DispatchSettled,
    JobEnded,
    JobEvent,
    JobPassedOver,
    JobRequeued,
    JobStarted,
    ModelLoading,
    ModelsLearned,
    OutlookChanged,
    PictureMade,
    QueueStalled,
    StepDone,
)
from generation.forecast import FARTHEST_FORECAST, Forecast, Outlook, PlannedRun
from generation.guesses import Guesses
from generation.job import MOST_ATTEMPTS, Gpu, Job, JobState, Reason, Seat
from generation.model import ModelSpec
from generation.outlook import PAUSE_S as OUTLOOK_PAUSE_S
from generation.outlook import Prospect
from generation.policy import HEAVIEST, LIGHTEST, Policy
from generation.replay import Past, PastJob, Replay, play_again
from generation.request import LARGEST_SEED, LONGEST_PROMPT, MOST_IMAGES, ImagineOptions, ImagineRequest
from generation.service import Service, ServiceStatus
from generation.speeds import Learned
from generation.start_image import LARGEST_FILE_MIB, StartImage, read_start_image
from generation.supervisor import LocalWorker
from generation.vram import Card, Residency, VramPlan
from generation.worker import WorkerSetup

__all__ = [
    "FARTHEST_FORECAST",
    "HEAVIEST",
    "LARGEST_FILE_MIB",
    "LARGEST_SEED",
    "LIGHTEST",
    "LONGEST_PROMPT",
    "MOST_ATTEMPTS",
    "MOST_IMAGES",
    "OUTLOOK_PAUSE_S",
    "AccountMoved",
    "Card",
    "Catalogue",
    "DispatchSettled",
    "DoesNotFitError",
    "Forecast",
    "GenerationError",
    "Gpu",
    "Guesses",
    "ImagineOptions",
    "ImagineRequest",
    "InvalidRequestError",
    "Job",
    "JobEnded",
    "JobEvent",
    "JobPassedOver",
    "JobRequeued",
    "JobStarted",
    "JobState",
    "Learned",
    "LocalWorker",
    "ModelLoading",
    "ModelSpec",
    "ModelsLearned",
    "Outlook",
    "OutlookChanged",
    "Past",
    "PastJob",
    "PictureMade",
    "PictureMetadata",
    "PlannedRun",
    "Policy",
    "Prospect",
    "QueueStalled",
    "Reason",
    "Replay",
    "Residency",
    "Seat",
    "Service",
    "ServiceStatus",
    "StartImage",
    "StepDone",
    "UnreadableImageError",
    "VramPlan",
    "WorkerDownError",
    "WorkerSetup",
    "play_again",
    "read_metadata",
    "read_start_image",
]
