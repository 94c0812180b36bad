"""What is there to see of the service at a glance?"""

from __future__ import annotations

from dataclasses import dataclass

from generation.memory.card import Card


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What an admin sees. `cards` has one for each worker, None until it has started.

    The `resident` models are on a card, the `resting` ones in RAM alone. `conceded` says in words which requests are
    made with less than planned, since memory ran out.
    """

    cards: tuple[Card | None, ...]
    resident: frozenset[str]
    resting: frozenset[str]
    conceded: tuple[str, ...]
    is_paused: bool
    running: tuple[int, ...]
    waiting: int
