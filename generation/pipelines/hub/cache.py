"""Where on this disk does the hub's own library keep what was downloaded?

Read from the environment at each call, by the library's rules: https://huggingface.co/docs/huggingface_hub says how its
cache is laid out. Nothing here imports the library, so that a look into the cache costs next to nothing.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

COMMIT = re.compile(r"[0-9a-f]{40}")


def cache_directory() -> Path:
    """Give the directory that holds all repositories; it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    hub_home = os.environ.get("HF_HOME", str(Path(home) / "huggingface"))
    cache = os.environ.get("HUGGINGFACE_HUB_CACHE", str(Path(_expanded(hub_home)) / "hub"))
    return Path(_expanded(os.environ.get("HF_HUB_CACHE", cache)))


def _expanded(path: str) -> str:
    return os.path.expandvars(os.path.expanduser(path))  # noqa: PTH111 - in the library's order, for the same outcome


@dataclass(frozen=True, slots=True)
class Shelfmark:
    """Where a repository of models lies in the cache. `name` is its OWNER/NAME."""

    name: str

    @property
    def directory(self) -> Path:
        """Give its directory."""
        return cache_directory() / f"models--{self.name.replace('/', '--')}"

    @property
    def blobs(self) -> Path:
        """Give where its files lie, named by their content; half a file ends in `.incomplete`."""
        return self.directory / "blobs"

    def lock(self, blob: str) -> Path:
        """Give the file that is locked while a blob is written, by whichever program."""
        return cache_directory() / ".locks" / self.directory.name / f"{blob}.lock"

    def snapshot(self, commit: str) -> Path:
        """Give the directory that shows the files of a commit under their names."""
        return self.directory / "snapshots" / commit

    def ref(self, revision: str) -> Path:
        """Give the file that says which commit a branch or tag is."""
        return self.directory / "refs" / revision

    def commit(self, revision: str) -> str | None:
        """Tell which commit a revision was when it was downloaded; None if it never was."""
        if COMMIT.fullmatch(revision):
            return revision
        try:
            return self.ref(revision).read_text(encoding="utf-8").strip() or None
        except OSError:
            return None
