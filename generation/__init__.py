"""The generation room: from a request to pixels. This is its face; nobody enters a module inside."""

from generation.errors import (
    DoesNotFitError,
    GenerationError,
    InvalidRequestError,
    ModelLoadError,
    UnreadableImageError,
    WorkerDownError,
)
from generation.events import (
    AccountMoved,
    DispatchSettled,
    DownloadMoved,
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
from generation.job import MOST_ATTEMPTS, Gpu, Job, JobState, Reason, Seat
from generation.lora import LARGEST_SCALE, MOST_LORAS, Lora
from generation.memory.card import GIB, Card, Host
from generation.memory.cards import named_card
from generation.memory.placement import Phase, Placement, Precision, VramPlan
from generation.models.catalogue import Catalogue
from generation.models.lora_header import LoraFile
from generation.models.loras import UnreadableLora
from generation.models.model import ModelSpec
from generation.models.stock import download_bytes, here, is_from_hub
from generation.pipelines.speed.workshop import BACKENDS, Workshop, find_backend
from generation.queue.forecast import FARTHEST_FORECAST, Forecast, Outlook, PlannedRun
from generation.queue.guesses import Guesses
from generation.queue.outlook import PAUSE_S as OUTLOOK_PAUSE_S
from generation.queue.outlook import Prospect
from generation.queue.policy import HEAVIEST, LIGHTEST, Policy
from generation.queue.replay import Past, PastJob, Replay, play_again
from generation.queue.speeds import Learned
from generation.request import LARGEST_SEED, LONGEST_PROMPT, MOST_IMAGES, ImagineOptions, ImagineRequest
from generation.service.fetching import Download, Fetched, FetchFailed, Fetching, gigabytes, portion
from generation.service.service import Service
from generation.service.status import ServiceStatus
from generation.worker.encoding import PictureMetadata, read_metadata
from generation.worker.fetcher import LocalFetcher
from generation.worker.mask import Mask, check_shape, read_mask
from generation.worker.start_image import LARGEST_FILE_MIB, StartImage, read_start_image
from generation.worker.supervisor import LocalWorker
from generation.worker.worker import WorkerSetup

__all__ = [
    "BACKENDS",
    "FARTHEST_FORECAST",
    "GIB",
    "HEAVIEST",
    "LARGEST_FILE_MIB",
    "LARGEST_SCALE",
    "LARGEST_SEED",
    "LIGHTEST",
    "LONGEST_PROMPT",
    "MOST_ATTEMPTS",
    "MOST_IMAGES",
    "MOST_LORAS",
    "OUTLOOK_PAUSE_S",
    "AccountMoved",
    "Card",
    "Catalogue",
    "DispatchSettled",
    "DoesNotFitError",
    "Download",
    "DownloadMoved",
    "FetchFailed",
    "Fetched",
    "Fetching",
    "Forecast",
    "GenerationError",
    "Gpu",
    "Guesses",
    "Host",
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
    "LocalFetcher",
    "LocalWorker",
    "Lora",
    "LoraFile",
    "Mask",
    "ModelLoadError",
    "ModelLoading",
    "ModelSpec",
    "ModelsLearned",
    "Outlook",
    "OutlookChanged",
    "Past",
    "PastJob",
    "Phase",
    "PictureMade",
    "PictureMetadata",
    "Placement",
    "PlannedRun",
    "Policy",
    "Precision",
    "Prospect",
    "QueueStalled",
    "Reason",
    "Replay",
    "Seat",
    "Service",
    "ServiceStatus",
    "StartImage",
    "StepDone",
    "UnreadableImageError",
    "UnreadableLora",
    "VramPlan",
    "WorkerDownError",
    "WorkerSetup",
    "Workshop",
    "check_shape",
    "download_bytes",
    "find_backend",
    "gigabytes",
    "here",
    "is_from_hub",
    "named_card",
    "play_again",
    "portion",
    "read_mask",
    "read_metadata",
    "read_start_image",
]
