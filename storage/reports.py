"""How does what SQLite reports become a sentence?"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from collections.abc import Iterator

from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from storage.errors import DamagedError, DatabaseLockedError, DataDirectoryError, DiskFullError, StorageError

log = logging.getLogger(__name__)


@contextlib.contextmanager
def in_words() -> Iterator[None]:
    """Turn whatever the database raises within into a StorageError; the log gets the report itself."""
    try:
        yield
    except (SQLAlchemyError, sqlite3.Error) as error:
        report = error.orig if isinstance(error, DBAPIError) else error
        name = getattr(report, "sqlite_errorname", "")
        log.error("database: %s %s", name or type(report).__name__, report)
        raise _sentence(name) from error


def _sentence(name: str) -> StorageError:
    match name.split("_")[1] if "_" in name else name:
        case "FULL":
            return DiskFullError("The disk is full, so nothing was kept. Free some space and try again.")
        case "IOERR":  # a limit on the size of files shows so as well
            return DiskFullError("The disk is full or failing, so nothing was kept. Free some space and try again.")
        case "BUSY" | "LOCKED" | "PROTOCOL":
            return DatabaseLockedError("Another program holds the database. Nothing was kept; try again in a moment.")
        case "READONLY" | "CANTOPEN" | "PERM" | "AUTH":
            return DataDirectoryError(
                "The database cannot be opened for writing: check that the data directory exists, is on a disk that "
                "can be written and belongs to the user that runs this."
            )
        case "CORRUPT" | "NOTADB":
            return DamagedError(
                "The database is damaged. Move fairbrush.db out of the data directory or put a backup in its place; "
                "the pictures beside it are not touched."
            )
        case _:
            return StorageError("The database refused this; the log has the reason.")
