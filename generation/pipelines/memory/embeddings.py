"""Which prompts were encoded already, so that their text encoders need not come to the card again?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable, Mapping
from typing import Any

MIB = 2**20
LARGEST_MIB = 512


class Embeddings:
    """What text encoders gave, in RAM, the least recently used first to go once there is more than `largest_mib`."""

    def __init__(self, *, largest_mib: float = LARGEST_MIB) -> None:
        self._most_bytes = int(largest_mib * MIB)
        self._kept: OrderedDict[Hashable, Mapping[str, Any]] = OrderedDict()
        self._bytes = 0

    def get(self, key: Hashable) -> Mapping[str, Any] | None:
        """Give what is kept under a key."""
        if key in self._kept:
            self._kept.move_to_end(key)
        return self._kept.get(key)

    def keep(self, key: Hashable, conditioning: Mapping[str, Any]) -> None:
        """Keep a conditioning, which nobody may change from now on."""
        self._forget(key)
        self._kept[key] = conditioning
        self._bytes += bytes_of(conditioning)
        while self._bytes > self._most_bytes:
            self._forget(next(iter(self._kept)))

    def _forget(self, key: Hashable) -> None:
        if key in self._kept:
            self._bytes -= bytes_of(self._kept.pop(key))


def bytes_of(value: Any) -> int:
    """Count the bytes of all tensors in a conditioning, in lists of them too."""
    if isinstance(value, Mapping):
        return sum(bytes_of(each) for each in value.values())
    if isinstance(value, list | tuple):
        return sum(bytes_of(each) for each in value)
    return int(getattr(value, "nbytes", 0))
