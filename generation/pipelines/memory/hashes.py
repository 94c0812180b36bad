"""Do two files or folders hold the same weights, wherever they lie?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

SHA256 = re.compile(r"[0-9a-f]{64}")
# What a configuration says of its own making, and of the precision in which it happened to be saved.
INCIDENTAL = frozenset({"transformers_version", "torch_dtype", "dtype", "architectures"})


class FileHashes:
    """SHA-256 of files, each read once as long as path, size and time of change are the same."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int, int], str] = {}

    def of_file(self, file: Path) -> str:
        """Give the hash in hex digits. A file in the hub's cache is a link to one that is named by it."""
        target = file.resolve()
        if SHA256.fullmatch(target.name):
            return target.name
        facts = target.stat()
        key = str(target), facts.st_size, facts.st_mtime_ns
        if key not in self._known:
            with target.open("rb") as stream:
                self._known[key] = hashlib.file_digest(stream, "sha256").hexdigest()
        return self._known[key]

    def of_part(self, folder: Path, file: Path | None = None) -> str:
        """Give a hash of the weights in a folder together with what their configuration says of the network.

        If the weights lie in one file with those of the other parts, it is that file which counts.

        Raises:
            OSError, ValueError: the configuration cannot be read.
        """
        facts = _telling(json.loads((folder / "config.json").read_text(encoding="utf-8")))
        weights = sorted(self.of_file(file) for file in ([file] if file else folder.glob("*.safetensors")))
        told = json.dumps([facts, weights], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


def _telling(config: Any) -> Any:
    if isinstance(config, Mapping):
        return {
            key: _telling(value) for key, value in config.items() if not key.startswith("_") and key not in INCIDENTAL
        }
    return config
