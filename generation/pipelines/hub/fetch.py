"""How does all that a model needs get from the hub into the cache, and how far is it?

First the hub says what there is to fetch, then the disk is looked at, then the files come, several at once. They get
their names in the cache only when all are there, so that half a model never looks like a whole one.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from generation.errors import ModelLoadError
from generation.pipelines.hub.cache import cache_directory
from generation.pipelines.hub.contents import INDEX
from generation.pipelines.hub.listing import HubFile, choose, list_repository
from generation.pipelines.hub.needs import needs
from generation.pipelines.hub.transfer import transfer
from generation.service.fetching import GB, FetchSetup, gigabytes

AT_ONCE = 4
LEFT_OVER_GB = 2  # of disk, for whatever else lives there
LAST_NAMES = ("merges.txt", "spiece.model", "vocab.json", "tokenizer.json", "config.json", INDEX)  # these say: complete


class Fetch:
    """One model's way into the cache. `files` are all that it needs, once the hub has said which."""

    def __init__(self, setup: FetchSetup) -> None:
        self._spec = setup.spec
        self._first_pause_s = setup.first_pause_s
        self.files: tuple[HubFile, ...] = ()

    def run(self) -> None:
        """Fetch what is missing.

        Raises:
            ModelLoadError: it cannot be fetched; the text says why and what to do. What has come is kept.
        """
        missing = [need for need in needs(self._spec) if not need.is_met]
        pause_s = self._first_pause_s
        listed = [(need, list_repository(self._spec, need, first_pause_s=pause_s)) for need in missing]
        # All have been asked for, and may be had, before the first byte comes.
        files = [file for need, found in listed for file in choose(self._spec, need, found, self._read)]
        for file in files:
            _borrow(file)
        self._check_disk(files)
        self.files = tuple({file.blob: file for file in files}.values())  # equal ones lie in the cache once
        with ThreadPoolExecutor(AT_ONCE) as threads:
            list(threads.map(self._transfer, self.files))
        _name(files)

    @property
    def done_bytes(self) -> int:
        """Tell how much is on this disk, whoever brought it."""
        return sum(file.there for file in self.files)

    @property
    def total_bytes(self) -> int:
        """Tell how much there is in all."""
        return sum(file.size for file in self.files)

    def _transfer(self, file: HubFile) -> None:
        transfer(self._spec, file, first_pause_s=self._first_pause_s)

    def _read(self, file: HubFile) -> bytes:
        self._transfer(file)
        return (file.blob if file.blob.exists() else file.pointer).read_bytes()

    def _check_disk(self, files: Iterable[HubFile]) -> None:
        missing = sum(file.size - file.there for file in files)
        free = shutil.disk_usage(_existing(cache_directory())).free
        if missing + LEFT_OVER_GB * GB > free:
            raise ModelLoadError(
                f"{self._spec.name} needs {gigabytes(missing)} of disk, but {gigabytes(free)} are free, of which "
                f"{LEFT_OVER_GB} GB are to be left over: make room, or set HF_HOME to a directory on a larger disk."
            )


def _existing(directory: Path) -> Path:
    return next(path for path in (directory, *directory.parents) if path.is_dir())


def _borrow(file: HubFile) -> None:
    """Share a file that came with another repository: encoders of 10 GB are the same in several."""
    if file.there == file.size:
        return
    for twin in cache_directory().glob(f"models--*/blobs/{file.content}"):
        with contextlib.suppress(OSError):  # not on this file system
            file.blob.parent.mkdir(parents=True, exist_ok=True)
            os.link(twin.resolve(), file.blob)
            return


def _name(files: Sequence[HubFile]) -> None:
    """Let files be found under their names, as the hub's own library does; those last by which a model looks whole."""
    moved: dict[Path, Path] = {}
    for file in sorted(files, key=lambda file: _place(Path(file.path).name)):
        if not file.pointer.exists():
            file.pointer.parent.mkdir(parents=True, exist_ok=True)
            file.pointer.unlink(missing_ok=True)  # a link to nowhere
            _point(file, moved)
    for need, commit in {(file.need, file.commit) for file in files}:
        if need.revision != commit:
            ref = need.shelf.ref(need.revision)
            ref.parent.mkdir(parents=True, exist_ok=True)
            ref.write_text(commit, encoding="utf-8")


def _point(file: HubFile, moved: dict[Path, Path]) -> None:
    try:
        file.pointer.symlink_to(os.path.relpath(file.blob, file.pointer.parent))
    except OSError:  # no links on this file system, or not for us: the file itself gets the name
        if file.blob in moved:
            shutil.copyfile(moved[file.blob], file.pointer)
        else:
            moved[file.blob] = file.blob.replace(file.pointer)


def _place(name: str) -> int:
    return LAST_NAMES.index(name) if name in LAST_NAMES else -1
