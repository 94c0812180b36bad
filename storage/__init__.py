"""The storage room: what is kept, durably. This is its face; nobody enters a module inside."""

from storage.database import Database
from storage.directory import open_directory
from storage.errors import InUseError, StorageError
from storage.history import History
from storage.jobs import Jobs
from storage.ledger import Ledger
from storage.measurements import Measurements
from storage.members import Members
from storage.offers import Offers
from storage.pictures import Pictures
from storage.records import (
    AccountRecord,
    Boost,
    HistoryPage,
    JobOutcome,
    JobRecord,
    LearnedRecord,
    NewJob,
    NewPicture,
    OfferRecord,
    PictureRecord,
    RecordedJob,
    Usage,
)
from storage.settings import Settings

__all__ = [
    "AccountRecord",
    "Boost",
    "Database",
    "History",
    "HistoryPage",
    "InUseError",
    "JobOutcome",
    "JobRecord",
    "Jobs",
    "LearnedRecord",
    "Ledger",
    "Measurements",
    "Members",
    "NewJob",
    "NewPicture",
    "OfferRecord",
    "Offers",
    "PictureRecord",
    "Pictures",
    "RecordedJob",
    "Settings",
    "StorageError",
    "Usage",
    "open_directory",
]
