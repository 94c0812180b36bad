"""How are the files of the next model read into the system's cache, while another one still runs?

A thread that reads and forgets: no model is built beside a running one, nothing is kept but what the system keeps.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

from generation.memory.card import GIB

CHUNK = 8 * 2**20  # bytes
SPARE_GIB = 4.0  # of RAM, which is to stay free beside the files

log = logging.getLogger(__name__)


class Prefetcher:
    """Reads the files of one model at a time; whoever is wished for later takes its place.

    `files` gives a model's files, none if there is nothing to be gained; `free_gib` says how much RAM is free.
    """

    def __init__(self, files: Callable[[str], Sequence[Path]], free_gib: Callable[[], float]) -> None:
        self._files = files
        self._free_gib = free_gib
        self._wished = ""
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    def wish(self, model: str) -> None:
        """Read a model's files in the background, unless that is what was wished for last."""
        with self._changed:
            if model == self._wished:
                return
            self._wished = model
            self._changed.notify()
            if self._thread is None:
                self._thread = threading.Thread(target=self._follow, daemon=True, name="prefetch")
                self._thread.start()

    def _follow(self) -> None:
        done = ""
        while True:
            with self._changed:
                self._changed.wait_for(lambda done=done: self._wished != done)  # type: ignore[misc]
                done = self._wished
            self._read(done)

    def _read(self, model: str) -> None:
        try:
            files = self._files(model)
            size = sum(file.stat().st_size for file in files)
            if not size or size / GIB + SPARE_GIB > self._free_gib():
                return
            read = sum(self._read_one(model, file) for file in files)
        except OSError as error:
            log.warning("%s cannot be read ahead: %s", model, error)
            return
        log.info("%s: %.2f of %.2f GiB read ahead", model, read / GIB, size / GIB)

    def _read_one(self, model: str, file: Path) -> int:
        """Read one file, as long as its model is wished for; gives the bytes that were read."""
        buffer, read = memoryview(bytearray(CHUNK)), 0
        with file.open("rb", buffering=0) as stream:
            while self._wished == model and (count := stream.readinto(buffer)):
                read += count
        return read
