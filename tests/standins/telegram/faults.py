"""What goes wrong on purpose, and with which calls?"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What can befall a call."""

    ERROR = "error"  # 500, or 502 in the way of a proxy
    DROP = "drop"  # the connection is reset instead of an answer
    HANG = "hang"  # the connection stays open, and nothing ever comes
    FLOOD = "flood"  # 429


@dataclass(slots=True, kw_only=True)
class Fault:
    """What befalls the next calls of a method. `is_accepted` says whether they are carried out all the same."""

    kind: Kind
    method: str | None
    is_accepted: bool
    times: int
    status: int = 500
    retry_after: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class _Storm:
    share: float
    dice: random.Random
    kinds: Sequence[Kind]


class Faults:
    """The switches. Without a method's name a fault is for any call but getUpdates, of which one always waits."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._storm: _Storm | None = None

    def fail(self, method: str | None = None, *, times: int = 1, after: bool = False, status: int = 500) -> None:
        """Answers 500 (or 502), before or after the call was carried out."""
        self._add(Fault(kind=Kind.ERROR, method=method, is_accepted=after, times=times, status=status))

    def drop(self, method: str | None = None, *, times: int = 1, after: bool = False) -> None:
        """Resets the connection, before or after the call was carried out."""
        self._add(Fault(kind=Kind.DROP, method=method, is_accepted=after, times=times))

    def hang(self, method: str | None = None, *, times: int = 1, after: bool = False) -> None:
        """Keeps the connection open without ever answering, before or after the call was carried out."""
        self._add(Fault(kind=Kind.HANG, method=method, is_accepted=after, times=times))

    def flood(self, method: str | None = None, *, times: int = 1, retry_after: int = 1) -> None:
        """Answers 429; the chat has to wait so long from then on."""
        self._add(Fault(kind=Kind.FLOOD, method=method, is_accepted=False, times=times, retry_after=retry_after))

    def storm(self, share: float, *, seed: int, kinds: Sequence[Kind] = (Kind.ERROR, Kind.DROP)) -> None:
        """Lets this share of all calls go wrong in one of these ways, half of them after being carried out."""
        self._storm = _Storm(share=share, dice=random.Random(seed), kinds=kinds)

    def calm(self) -> None:
        """Takes everything back."""
        self._faults.clear()
        self._storm = None

    def take(self, method: str) -> Fault | None:
        """The fault that befalls this call, if any."""
        for fault in self._faults:
            if fault.method == method or (fault.method is None and method != "getUpdates"):
                fault.times -= 1
                if not fault.times:
                    self._faults.remove(fault)
                return fault
        storm = self._storm
        if storm is None or storm.dice.random() >= storm.share:
            return None
        kind, is_accepted = storm.dice.choice(storm.kinds), storm.dice.random() < 0.5
        return Fault(kind=kind, method=method, is_accepted=is_accepted and kind is not Kind.FLOOD, times=1)

    def _add(self, fault: Fault) -> None:
        self._faults.append(fault)
