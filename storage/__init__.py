"""The storage room: what is kept, durably. This is its face; nobody enters a module inside."""

from storage.database import Database
from storage.directory import open_directory
from storage.errors import InUseError, StorageError
from storage.history import History
from storage.jobs import Jobs
from storage.members import Members, Settings
from storage.pictures import Pictures
from storage.records import HistoryPage, JobRecord, NewJob, NewPicture, PictureRecord

__all__ = [
    "Database",
    "History",
    "HistoryPage",
    "InUseError",
    "JobRecord",
    "Jobs",
    "Members",
    "NewJob",
    "NewPicture",
    "PictureRecord",
    "Pictures",
    "Settings",
    "StorageError",
    "open_directory",
]
