"""When does each waiting job start, if nobody else comes: what does a dry run of the policy say?"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from generation.job import Gpu, Job, Reason
from generation.request import ImagineRequest

if TYPE_CHECKING:
    from generation.queue.fair_queue import FairQueue

FARTHEST_FORECAST = 500  # dispatches


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """A dispatch under way: its jobs with what it makes of them, each one's part of it, and what is expected of it.

    `charges_ms` is what each owner's account will have to bear, by the estimate, divided by their weight.
    """

    jobs: tuple[Job, ...]
    parts: tuple[float, ...]
    charges_ms: tuple[int, ...]
    size: int
    gpu: int
    card: str
    reason: Reason
    started_s: float
    seconds: float
    load_s: float

    @property
    def request(self) -> ImagineRequest:
        """One of its requests: all have the same model and shape."""
        return self.jobs[0].request

    def left_s(self, now_s: float) -> float:
        """Estimate how long it still takes, loading included."""
        return max(0.0, self.load_s + self.seconds - (now_s - self.started_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Where a waiting job stands: `runs_before` dispatches go first, and it starts in about `seconds`."""

    job_id: int
    runs_before: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedRun:
    """A dispatch to come on GPU `gpu`, in seconds from now; `load_s` is 0 if its model is loaded by then.

    `owners` go with `job_ids`. One that is under way has begun: its `starts_s` is 0, its `seconds` are what is left.
    """

    job_ids: tuple[int, ...]
    owners: tuple[str, ...]
    model: str
    gpu: int
    reason: Reason
    starts_s: float
    seconds: float
    load_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a dry run says: the dispatches under way, those to come, and each job's first start, soonest first.

    It knows no future arrivals and looks `FARTHEST_FORECAST` dispatches ahead; jobs beyond have no forecast.
    """

    under_way: tuple[PlannedRun, ...] = ()
    runs: tuple[PlannedRun, ...] = ()
    forecasts: Mapping[int, Forecast]


def look_ahead(trial: FairQueue, gpus: Sequence[Gpu], now_s: float) -> Outlook:
    """Run the policy dry on a copy of the queue, which is used up; estimates stand for what will be measured."""
    flying = {flight.gpu: (number, flight) for number, flight in trial.in_flight.items()}
    under_way = tuple(_planned(flight, 0.0, flight.left_s(now_s)) for _, flight in flying.values())
    cards = {gpu.number: _warm(gpu, flying[gpu.number][1] if gpu.number in flying else None) for gpu in gpus}
    idle = [(flying[gpu.number][1].left_s(now_s) if gpu.number in flying else 0.0, gpu.number) for gpu in gpus]
    busy = {gpu: number for gpu, (number, _) in flying.items()}
    heapq.heapify(idle)
    runs: list[PlannedRun] = []
    forecasts: dict[int, Forecast] = {}
    while idle and len(runs) < FARTHEST_FORECAST:
        at_s, gpu = heapq.heappop(idle)
        if gpu in busy:
            landed = busy.pop(gpu)
            trial.complete(landed, trial.in_flight[landed].seconds, is_whole=False)
        dispatch = trial.select(cards[gpu], now_s=now_s + at_s)
        if dispatch is None:
            continue
        flight = trial.in_flight[dispatch.id]
        run = _planned(flight, at_s, flight.seconds)
        for job_id in run.job_ids:
            place = len(under_way) + len(runs)
            forecasts.setdefault(job_id, Forecast(job_id=job_id, runs_before=place, seconds=at_s))
        runs.append(run)
        busy[gpu] = dispatch.id
        cards[gpu] = _warm(cards[gpu], flight)
        heapq.heappush(idle, (at_s + flight.load_s + flight.seconds, gpu))
    return Outlook(under_way=under_way, runs=tuple(runs), forecasts=forecasts)


def _planned(flight: Flight, starts_s: float, seconds: float) -> PlannedRun:
    return PlannedRun(
        job_ids=tuple(job.id for job in flight.jobs),
        owners=tuple(job.owner for job in flight.jobs),
        model=flight.request.model,
        gpu=flight.gpu,
        reason=flight.reason,
        starts_s=starts_s,
        seconds=seconds,
        load_s=flight.load_s,
    )


def _warm(gpu: Gpu, flight: Flight | None) -> Gpu:
    """Give what is loaded once a dispatch has run: as many models as now, whatever else makes room.

    One that leaves the card gets the room in RAM of the one that came from there.
    """
    if flight is None or flight.request.model in gpu.resident:
        return gpu
    model, before = flight.request.model, sorted(gpu.resident)
    kept, leaving = before[: max(0, len(before) - 1)], before[-1:]
    resting = gpu.resting - {model} | frozenset(leaving) if model in gpu.resting else gpu.resting
    return replace(gpu, resident=frozenset((*kept, model)), resting=resting)
