"""How full are card and RAM, and which model leaves first when another one needs the room?

Pure. Models share parts: what two of them have in common counts once. The one that leaves is the one that is cheapest
to have back for how long ago it was used.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from generation.memory.placement import Placement, VramPlan

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """A model that is somewhere, placed by a plan, and the number of the call that used it last."""

    plan: VramPlan
    last_call: int


def on_card_gib(plans: Iterable[VramPlan]) -> float:
    """Give what the resident weights of models take that are on the card together."""
    return _once(plans, lambda placement: placement.resident_gib)


def in_ram_gib(plans: Iterable[VramPlan]) -> float:
    """Give what the copies in RAM take of models that are in memory together."""
    return _once(plans, lambda placement: placement.host_gib)


def running_gib(plan: VramPlan, company: Collection[VramPlan]) -> float:
    """Give the most that is on the card while a model runs and others are there too."""
    return on_card_gib([plan, *company]) + plan.predicted_peak_gib - plan.resident_gib


def first_to_go(stays: Mapping[Name, Stay], call: int, gib: Callable[[Iterable[VramPlan]], float]) -> Name:
    """Choose who leaves: the fewest GiB to be brought back, that nobody else has, for each call since its last one.

    `call` is the number of the call that needs the room, `gib` measures what some models take together.
    """
    total = gib(stay.plan for stay in stays.values())

    def worth(model: Name) -> tuple[float, int]:
        others = gib(stay.plan for name, stay in stays.items() if name != model)
        return (total - others) / (call - stays[model].last_call), stays[model].last_call

    return min(stays, key=worth)


def _once(plans: Iterable[VramPlan], gib: Callable[[Placement], float]) -> float:
    parts: dict[tuple[str, str], float] = {}
    for plan in plans:
        for placement in plan.placements.values():
            key = placement.part, placement.precision
            parts[key] = max(parts.get(key, 0.0), gib(placement))
    return sum(parts.values())
