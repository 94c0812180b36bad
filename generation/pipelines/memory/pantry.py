"""Which networks are in memory, and which models have them in common?"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Protocol, TypeVar, cast

from generation.pipelines.memory.embeddings import Embeddings
from generation.pipelines.memory.hashes import FileHashes


class Shared(Protocol):
    """What can be in the pantry. `content` says what it is: two of the same content would be the same."""

    content: str

    def close(self) -> None:
        """Give the memory back."""


Kind = TypeVar("Kind", bound=Shared)


class Pantry:
    """The networks of all loaded models of a worker, each there once, for as long as some model has it.

    Beside them it keeps what more than one model can use: conditionings of prompts, and hashes of files.
    """

    def __init__(self, embeddings: Embeddings | None = None) -> None:
        self.embeddings = Embeddings() if embeddings is None else embeddings
        self.hashes = FileHashes()
        # Two networks that are built at the same time get mixed up: the libraries patch torch while they build.
        self._lock = threading.RLock()
        self._shelved: dict[str, tuple[Shared, int]] = {}

    def fetch(self, content: str, build: Callable[[], Kind]) -> Kind:
        """Give the one of this content, building it if nobody has it. Whoever fetches it gives it back once."""
        with self._lock:
            found, users = self._shelved.get(content, (None, 0))
            thing = build() if found is None else found
            self._shelved[content] = thing, users + 1
            return cast(Kind, thing)

    def give_back(self, thing: Shared) -> None:
        """Have one user less; the last one closes it."""
        with self._lock:
            found, users = self._shelved[thing.content]
            if users > 1:
                self._shelved[thing.content] = found, users - 1
            else:
                del self._shelved[thing.content]
                found.close()
