"""How is a picture file kept, so that it is either whole on the disk or not there at all?"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import tempfile
from pathlib import Path

from storage.errors import DataDirectoryError, DiskFullError, StorageError

FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
PARTIAL = ".tmp"


class Pictures:
    """A tree of PNG files named by their SHA-256. Equal bytes are kept once; a name never changes its content."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    def path(self, sha256: str) -> Path:
        """Tell where the picture of that name lies."""
        return self._directory / sha256[:2] / f"{sha256}.png"

    def save(self, png: bytes) -> str:
        """Keep a picture and give its name. When this returns, the file has survived whatever comes.

        Blocks for a few disk writes: call it in a thread.

        Raises:
            StorageError: the disk is full or cannot be written; no part of the file is left.
        """
        sha256 = hashlib.sha256(png).hexdigest()
        final = self.path(sha256)
        try:
            is_new = not final.parent.is_dir()
            final.parent.mkdir(parents=True, exist_ok=True)
            if not final.exists():
                _write(png, final)
            for directory in (final.parent, *((self._directory, self._directory.parent) if is_new else ())):
                _sync_directory(directory)
        except OSError as error:
            raise _in_words(error) from error
        return sha256

    def remove(self, sha256: str) -> None:
        """Take a picture off the disk; one that is not there does no harm."""
        _remove(self.path(sha256))

    def remove_partial(self) -> int:
        """Remove what an earlier run left half-written; call it once at the start."""
        partials = list(self._directory.glob(f"*/*{PARTIAL}"))
        for partial in partials:
            _remove(partial)
        return len(partials)


def _write(png: bytes, final: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=final.parent, suffix=PARTIAL, delete=False) as file:
        partial = Path(file.name)
        try:
            file.write(png)
            file.flush()
            os.fsync(file.fileno())
            partial.replace(final)
        except OSError:
            _remove(partial)
            raise


def _sync_directory(directory: Path) -> None:
    """Make a rename durable: the name is in the directory, which is a file of its own."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    with contextlib.suppress(OSError):  # it is only a leftover: the next start tries again
        path.unlink(missing_ok=True)


def _in_words(error: OSError) -> StorageError:
    if error.errno in FULL:
        return DiskFullError("The disk is full, so the picture could not be kept. Free some space and try again.")
    return DataDirectoryError(f"The picture could not be kept: the data directory refuses writes ({error.strerror}).")
