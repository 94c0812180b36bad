"""Whose picture is made next, so that everyone who waits gets the same share of GPU time?

Start-time fair queueing (Goyal, Vin and Cheng, 1997) on GPU-seconds. Each owner has an account, which grows by what
their pictures took; of those who wait, the owner with the smallest account is served. Who comes back after a pause
starts no lower than the lowest account among those who wait or are served (the lift): idle time earns no credit.

Two owners who both keep waiting never differ by more than twice the longest dispatch. Estimates only order what is
chosen while other dispatches are in flight; an account moves by what was measured, so neither a wrong estimate nor
a dispatch that the machine broke costs anybody anything. Model switches are charged to nobody.

Pure: no clock, no device, no asyncio. Times and costs come in as numbers.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from operator import attrgetter

from generation.job import Dispatch, Job, Share
from generation.request import ImagineRequest

LONGEST_DISPATCH_S = 60.0
FARTHEST_FORECAST = 500  # dispatches

Estimate = Callable[[ImagineRequest], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """Where a waiting job stands: `runs_before` dispatches go first, which take about `seconds`."""

    job_id: int
    runs_before: int
    seconds: float


@dataclass(slots=True)
class _Owner:
    """`account_ms` is what was measured; `in_flight_ms` is the estimate of what is being made."""

    account_ms: int = 0
    in_flight_ms: int = 0
    waiting: list[Job] = field(default_factory=list)  # oldest first
    noted: tuple[int, int] | None = None  # the turn that was noted last

    @property
    def is_active(self) -> bool:
        return bool(self.waiting) or self.in_flight_ms > 0

    @property
    def turn(self) -> tuple[int, int]:
        """Whose is the smallest goes first; equal accounts go by the age of the oldest job."""
        return self.account_ms + self.in_flight_ms, self.waiting[0].id


@dataclass(frozen=True, slots=True)
class _InFlight:
    jobs: tuple[Job, ...]  # each lacks only what the dispatch makes
    charges_ms: tuple[int, ...]
    started_s: float


class FairQueue:
    """The jobs that wait and those in flight. One dispatch carries pictures for at most about `longest_dispatch_s`."""

    def __init__(self, estimate: Estimate, *, longest_dispatch_s: float = LONGEST_DISPATCH_S) -> None:
        self._estimate = estimate
        self._longest_dispatch_s = longest_dispatch_s
        self._owners: dict[str, _Owner] = {}
        self._owner_of: dict[int, str] = {}  # of each waiting job
        self._turns: list[tuple[tuple[int, int], str]] = []  # a heap, in which outdated turns are skipped
        self._in_flight: dict[int, _InFlight] = {}
        self._dispatches = 0

    def restore(self, owner: str, virtual_time_ms: int) -> None:
        """Take over an owner's account from before a restart."""
        self._owner(owner).account_ms = virtual_time_ms

    def virtual_time_ms(self, owner: str) -> int:
        """Tell an owner's account; what is in flight is not charged yet."""
        return self._owner(owner).account_ms

    def add(self, job: Job) -> None:
        """Let a new job wait behind the other jobs of its owner."""
        owner = self._owner(job.owner)
        if not owner.is_active:
            owner.account_ms = max(owner.account_ms, self._virtual_time_ms())
        self.put_back(job)

    def put_back(self, job: Job) -> None:
        """Let a job wait again, after a restart or a failure, in its old place and on its owner's old account."""
        insort(self._owner(job.owner).waiting, job, key=attrgetter("id"))
        self._owner_of[job.id] = job.owner
        self._note_turn(job.owner)

    def cancel(self, job_id: int) -> Job | None:
        """Take a waiting job out; None if it does not wait. Nothing was charged for what was not dispatched."""
        name = self._owner_of.pop(job_id, None)
        if name is None:
            return None
        waiting = self._owner(name).waiting
        job = waiting.pop(bisect_left(waiting, job_id, key=attrgetter("id")))
        self._note_turn(name)
        return job

    def select(self, *, resident: frozenset[str] = frozenset(), now_s: float = 0.0) -> Dispatch | None:
        """Choose what an idle worker does next; None if nobody waits.

        `resident` names the models it holds: to wait in favour of those, within bounds, is the policy's next step.
        """
        name = self._next_owner()
        if name is None:
            return None
        owner = self._owners[name]
        job, rest = self._split(owner.waiting.pop(0))
        if rest is None:
            self._owner_of.pop(job.id, None)
        else:
            owner.waiting.insert(0, rest)
        charge_ms = _charge_ms(self._estimate(job.request) * len(job.missing))
        owner.in_flight_ms += charge_ms
        self._note_turn(name)
        self._dispatches += 1
        self._in_flight[self._dispatches] = _InFlight((job,), (charge_ms,), now_s)
        share = Share(job_id=job.id, request=job.request, indexes=job.missing)
        return Dispatch(id=self._dispatches, model=job.request.model, shares=(share,))

    def complete(self, dispatch_id: int, gpu_seconds: float) -> tuple[Job, ...]:
        """Charge what was measured, split by pictures; gives the jobs that were in flight."""
        flight = self._land(dispatch_id)
        pictures = sum(len(job.missing) for job in flight.jobs)
        for job in flight.jobs:
            self._owner(job.owner).account_ms += _charge_ms(gpu_seconds * len(job.missing) / pictures)
            self._note_turn(job.owner)
        return flight.jobs

    def fail(self, dispatch_id: int) -> tuple[Job, ...]:
        """Forget a dispatch that the machine broke, for which nobody is charged.

        Gives its jobs with all that they lack; none of them waits any more, until the caller puts it back.
        """
        flight = self._land(dispatch_id)
        rests = {job.id: self.cancel(job.id) for job in flight.jobs}
        return tuple(
            job if (rest := rests[job.id]) is None else replace(job, missing=job.missing + rest.missing)
            for job in flight.jobs
        )

    def waits(self, job_id: int) -> bool:
        """Tell whether a job, or a part of it, waits."""
        return job_id in self._owner_of

    def waiting_count(self) -> int:
        """Tell how many jobs wait."""
        return len(self._owner_of)

    def forecast(self, *, now_s: float = 0.0) -> list[Forecast]:
        """Say for each waiting job, soonest first, when it starts: a dry run of this very policy on estimated costs.

        It knows no future arrivals and looks `FARTHEST_FORECAST` dispatches ahead; jobs beyond are left out.
        """
        trial = self._copy()
        seconds = sum(
            max(0.0, sum(flight.charges_ms) / 1000 - (now_s - flight.started_s)) for flight in self._in_flight.values()
        )
        forecasts: dict[int, Forecast] = {}
        runs = len(self._in_flight)
        while runs < FARTHEST_FORECAST and (dispatch := trial.select()) is not None:
            job_id = dispatch.shares[0].job_id
            forecasts.setdefault(job_id, Forecast(job_id=job_id, runs_before=runs, seconds=seconds))
            cost_s = self._estimate(dispatch.shares[0].request) * len(dispatch.shares[0].indexes)
            trial.complete(dispatch.id, cost_s)
            seconds += cost_s
            runs += 1
        return list(forecasts.values())

    def _copy(self) -> FairQueue:
        twin = FairQueue(self._estimate, longest_dispatch_s=self._longest_dispatch_s)
        for name, owner in self._owners.items():
            if owner.waiting:
                waiting = owner.waiting[:FARTHEST_FORECAST]
                twin._owners[name] = _Owner(owner.account_ms, owner.in_flight_ms, waiting, owner.noted)
        twin._turns = list(self._turns)
        return twin

    def _owner(self, name: str) -> _Owner:
        return self._owners.setdefault(name, _Owner())

    def _virtual_time_ms(self) -> int:
        """Where a newcomer starts: the lowest account of those who wait or are served, else the highest of all."""
        active = [owner.account_ms for owner in self._owners.values() if owner.is_active]
        return min(active) if active else max((owner.account_ms for owner in self._owners.values()), default=0)

    def _note_turn(self, name: str) -> None:
        owner = self._owners[name]
        if owner.waiting and owner.noted != owner.turn:
            owner.noted = owner.turn
            heapq.heappush(self._turns, (owner.turn, name))

    def _next_owner(self) -> str | None:
        while self._turns:
            turn, name = self._turns[0]
            owner = self._owners.get(name)
            if owner is not None and owner.waiting and owner.turn == turn:
                return name
            if owner is not None and owner.noted == turn:
                owner.noted = None
            heapq.heappop(self._turns)
        return None

    def _split(self, job: Job) -> tuple[Job, Job | None]:
        """Part a job into what one dispatch may carry, at least one picture, and the rest."""
        count = max(1, int(self._longest_dispatch_s // max(self._estimate(job.request), 1e-9)))
        if count >= len(job.missing):
            return job, None
        return replace(job, missing=job.missing[:count]), replace(job, missing=job.missing[count:])

    def _land(self, dispatch_id: int) -> _InFlight:
        flight = self._in_flight.pop(dispatch_id)
        for job, charge_ms in zip(flight.jobs, flight.charges_ms, strict=True):
            self._owner(job.owner).in_flight_ms -= charge_ms
            self._note_turn(job.owner)
        return flight


def _charge_ms(seconds: float) -> int:
    """Round to milliseconds, but never work to nothing: what is free would always go first."""
    return max(1, round(1000 * seconds)) if seconds > 0 else 0
