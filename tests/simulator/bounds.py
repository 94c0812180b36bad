"""How far may two members differ, how long may anybody wait, and how quickly could all be made at best?"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from tests.simulator.records import Record
from tests.simulator.worlds import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Declared:
    """What a policy says of itself: by how much it may depart from strict turns, and how long its calls are at most."""

    window_s: float
    longest_call_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Gap:
    """How far two members came apart while both kept waiting, in GPU-seconds a share, and how far they may."""

    pair: tuple[str, str]
    gap_s: float
    bound_s: float

    @property
    def ratio(self) -> float:
        """Tell which part of the bound was used."""
        return self.gap_s / self.bound_s


def gaps(record: Record, declared: Declared) -> list[Gap]:
    """Measure all pairs, over every span of time in which both kept waiting.

    The bound is 2 W + G C / w + G C / v for members with w and v shares, which is 2 (W + G C) if they have one each.
    """
    world, call_s = record.world, record.world.gpus * record.longest_call_s
    owners = world.owners
    served, waits = _courses(record)
    found = []
    for one, other in combinations(range(len(owners)), 2):
        shares = world.weight(owners[one]), world.weight(owners[other])
        lead = served[:, one] / shares[0] - served[:, other] / shares[1]
        spans = _spans(waits[:, one] & waits[:, other])
        gap_s = max((float(np.ptp(lead[begin:end])) for begin, end in spans), default=0.0)
        bound_s = 2 * declared.window_s + call_s / shares[0] + call_s / shares[1]
        found.append(Gap(pair=(owners[one], owners[other]), gap_s=gap_s, bound_s=bound_s))
    return found


def _courses(record: Record) -> tuple[np.ndarray, np.ndarray]:
    """Give, after each moment, what each owner was served so far, and whether something of theirs waits."""
    places = {owner: number for number, owner in enumerate(record.world.owners)}
    served = np.zeros((len(record.moments), len(places)))
    waiting = np.zeros(served.shape, dtype=int)
    for row, moment in enumerate(record.moments):
        for owner, seconds in moment.served_s.items():
            served[row, places[owner]] += seconds
        for owner, jobs in moment.waiting.items():
            waiting[row, places[owner]] += jobs
    return served.cumsum(axis=0), waiting.cumsum(axis=0) > 0


def _spans(holds: np.ndarray) -> Iterator[tuple[int, int]]:
    """Give the spans of rows in which something holds throughout."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], holds, [False])).astype(np.int8)))
    return zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drought:
    """For how long a member waited without any of their pictures being made, and for how long they may."""

    owner: str
    seconds: float
    bound_s: float

    @property
    def ratio(self) -> float:
        """Tell which part of the bound was used."""
        return self.seconds / self.bound_s


def droughts(record: Record, declared: Declared) -> list[Drought]:
    """Find everybody's longest time without service.

    Everyone else can gain 2 (W + C) GPU-seconds a share before it is their turn; five switches come on top.
    """
    world, call_s = record.world, record.world.gpus * record.longest_call_s
    runs = defaultdict(list)
    for run in record.runs:
        for owner in {part.owner for part in run.parts}:
            runs[owner].append((run.starts_s, run.ends_s))
    found = []
    for owner in world.owners:
        others = [world.weight(other) for other in world.owners if other != owner]
        gains = (2 * share * declared.window_s + call_s * share / world.weight(owner) + call_s for share in others)
        bound_s = sum(gains) + 5 * world.longest_load_s
        seconds = max((_unserved(begin, end, runs[owner]) for begin, end in _waits(record, owner)), default=0.0)
        found.append(Drought(owner=owner, seconds=seconds, bound_s=bound_s))
    return found


def _waits(record: Record, owner: str) -> Iterator[tuple[float, float]]:
    """Give the spans of time in which something of an owner's waited throughout."""
    waiting, since_s = 0, 0.0
    for moment in record.moments:
        change = moment.waiting.get(owner, 0)
        if waiting == 0 and change > 0:
            since_s = moment.at_s
        waiting += change
        if waiting == 0 and change < 0:
            yield since_s, moment.at_s


def _unserved(begin_s: float, end_s: float, runs: list[tuple[float, float]]) -> float:
    """Give the longest time within a span in which none of the runs, in the order of their starts, was under way."""
    longest_s, free_s = 0.0, begin_s
    for starts_s, ends_s in runs:
        if starts_s > end_s:
            break
        longest_s = max(longest_s, starts_s - free_s)
        free_s = max(free_s, ends_s)
    return max(longest_s, end_s - free_s)


def least_busy_s(world: World) -> float:
    """Give the GPU time that all of it takes who knows the future, groups by model and fills all calls.

    Each model is loaded once. Nobody gives up anything.
    """
    pictures = Counter[tuple[str, int, int, int]]()
    asked = {}
    for ask in world.asks:
        request = ask.request
        key = request.model, request.width, request.height, request.num_inference_steps
        pictures[key] += request.images
        asked[key] = request
    making_s = 0.0
    for key, count in pictures.items():
        most = world.models[key[0]].most_at_once
        full, rest = divmod(count, most)
        making_s += full * world.call_s(asked[key], most) + (world.call_s(asked[key], rest) if rest else 0.0)
    return making_s + sum(world.models[name].load_s for name in {key[0] for key in pictures})
