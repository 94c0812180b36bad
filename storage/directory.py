"""How is the data directory opened: made, proven writable, and kept to one process?"""

from __future__ import annotations

import contextlib
import fcntl
import tempfile
from collections.abc import Iterator
from pathlib import Path

from storage.errors import DataDirectoryError, InUseError


@contextlib.contextmanager
def open_directory(directory: Path) -> Iterator[Path]:
    """Make the directory if it is missing and hold its lock; the system gives the lock back even after SIGKILL.

    Raises:
        DataDirectoryError: it cannot be made or written.
        InUseError: another process holds it.
    """
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        tempfile.TemporaryFile(dir=directory).close()
        lock = (directory / "lock").open("a")
    except FileExistsError as error:
        raise DataDirectoryError(
            f"The data directory {directory} is a file. Move it away, or set FAIRBRUSH_DATA_DIR to another place."
        ) from error
    except OSError as error:
        raise DataDirectoryError(
            f"The data directory {directory} cannot be used ({error.strerror}). "
            "Make it writable, or set FAIRBRUSH_DATA_DIR to another one."
        ) from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise InUseError(
                f"Another Fairbrush is using the data directory {directory}. "
                "Stop it, or set FAIRBRUSH_DATA_DIR to another one."
            ) from error
        yield directory
