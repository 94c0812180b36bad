"""The generation room: from a request to pixels. This is its face; nobody enters a module inside."""

from generation.card import GIB, Card, Host
from generation.cards import named_card
from generation.catalogue import Catalogue
from generation.encoding import PictureMetadata, read_metadata
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
from generation.fetcher import LocalFetcher
from generation.fetching import Download, Fetched, FetchFailed, Fetching, gigabytes, portion
from generation.forecast import FARTHEST_FORECAST, Forecast, Outlook, PlannedRun
from generation.guesses import Guesses
from generation.job import MOST_ATTEMPTS, Gpu, Job, JobState, Reason, Seat
from generation.lora import LARGEST_SCALE, MOST_LORAS, Lora
from generation.lora_header import LoraFile
from generation.loras import UnreadableLora
from generation.mask import Mask, check_shape, read_mask
from generation.model import ModelSpec
from generation.outlook import PAUSE_S as OUTLOOK_PAUSE_S
from generation.outlook import Prospect
from generation.pipelines.speed.workshop import BACKENDS, Workshop, find_backend
from generation.placement import Phase, Placement, Precision, VramPlan
from generation.policy import HEAVIEST, LIGHTEST, Policy
from generation.replay import Past, PastJob, Replay, play_again
from generation.request import LARGEST_SEED, LONGEST_PROMPT, MOST_IMAGES, ImagineOptions, ImagineRequest
from generation.service import Service
from generation.speeds import Learned
from generation.start_image import LARGEST_FILE_MIB, StartImage, read_start_image
from generation.status import ServiceStatus
from generation.stock import download_bytes, here, is_from_hub
from generation.supervisor import LocalWorker
from generation.worker import WorkerSetup

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
