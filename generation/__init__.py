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
    JobEnded,
    JobEvent,
    JobRequeued,
    JobStarted,
    ModelLoading,
    PictureMade,
    QueueStalled,
    StepDone,
)
from generation.fair_queue import Forecast
from generation.job import MOST_ATTEMPTS, Job, JobState
from generation.model import ModelSpec
from generation.request import LARGEST_SEED, LONGEST_PROMPT, MOST_IMAGES, ImagineOptions, ImagineRequest
from generation.service import Service, ServiceStatus
from generation.start_image import LARGEST_FILE_MIB, StartImage, read_start_image
from generation.supervisor import LocalWorker
from generation.vram import Card, Residency, VramPlan
from generation.worker import WorkerSetup

__all__ = [
    "LARGEST_FILE_MIB",
    "LARGEST_SEED",
    "LONGEST_PROMPT",
    "MOST_ATTEMPTS",
    "MOST_IMAGES",
    "AccountMoved",
    "Card",
    "Catalogue",
    "DoesNotFitError",
    "Forecast",
    "GenerationError",
    "ImagineOptions",
    "ImagineRequest",
    "InvalidRequestError",
    "Job",
    "JobEnded",
    "JobEvent",
    "JobRequeued",
    "JobStarted",
    "JobState",
    "LocalWorker",
    "ModelLoading",
    "ModelSpec",
    "PictureMade",
    "PictureMetadata",
    "QueueStalled",
    "Residency",
    "Service",
    "ServiceStatus",
    "StartImage",
    "StepDone",
    "UnreadableImageError",
    "VramPlan",
    "WorkerDownError",
    "WorkerSetup",
    "read_metadata",
    "read_start_image",
]
