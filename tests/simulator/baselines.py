"""How do others share a machine: which rivals is the fair queue compared with?

All are written on their own, without anything of the fair queue, and plainly: a selection looks at all that waits.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import replace

from generation.job import Dispatch, Gpu, Job, Share
from generation.queue.forecast import Forecast, Outlook
from tests.simulator.worlds import World


class FirstCome:
    """Whoever asked first is served first. A call makes pictures of one request, as many as fit."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._jobs: dict[int, Job] = {}  # oldest first
        self._flights: dict[int, tuple[str, int]] = {}  # owner and GPU
        self._calls = 0

    def set_weight(self, owner: str, weight: float) -> None:
        """Take no notice: all are alike."""

    def add(self, job: Job) -> None:
        """Let a job wait."""
        self._jobs[job.id] = job

    def cancel(self, job_id: int) -> None:
        """Let a job wait no longer."""
        self._jobs.pop(job_id, None)

    def select(self, gpu: Gpu, *, now_s: float) -> Dispatch | None:
        """Take up the job that is next."""
        if not self._jobs:
            return None
        job = self._next(self._jobs.values(), gpu, now_s)
        most = self._most(job)
        now, later = job.missing[:most], job.missing[most:]
        if later:
            self._jobs[job.id] = replace(job, missing=later)
        else:
            del self._jobs[job.id]
        self._calls += 1
        self._flights[self._calls] = job.owner, gpu.number
        share = Share(job_id=job.id, request=job.request, indexes=now, places=tuple(range(len(now))))
        return Dispatch(id=self._calls, model=job.request.model, size=len(now), shares=(share,))

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> None:
        """Forget a call."""
        del self._flights[dispatch_id]

    def snapshot_eta(self, gpus: Sequence[Gpu], *, now_s: float) -> Outlook:
        """Add up what waits, in the order of this policy, as if it never changed its mind."""
        trial, at_s, forecasts = self._copied(), 0.0, {}
        while (dispatch := trial.select(gpus[0], now_s=now_s + at_s)) is not None:
            seconds = self._world.guess(dispatch.shares[0].request).run_s(dispatch.size)
            job_id = dispatch.shares[0].job_id
            forecasts.setdefault(job_id, Forecast(job_id=job_id, runs_before=len(forecasts), seconds=at_s))
            trial.complete(dispatch.id, seconds)
            at_s += seconds / len(gpus)
        return Outlook(forecasts=forecasts)

    def _next(self, jobs: Iterable[Job], gpu: Gpu, now_s: float) -> Job:
        return next(iter(jobs))

    def _most(self, job: Job) -> int:
        return self._world.guess(job.request).most_at_once

    def _copied(self) -> FirstCome:
        twin = copy(self)
        twin._jobs, twin._flights = dict(self._jobs), dict(self._flights)
        return twin


class RoundRobin(FirstCome):
    """Of those who wait, the one served longest ago is next: a call is a call, however long it takes."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._served: dict[str, int] = {}  # owner: the number of the latest call

    def _next(self, jobs: Iterable[Job], gpu: Gpu, now_s: float) -> Job:
        job = min(jobs, key=lambda job: (self._served.get(job.owner, 0), job.id))
        self._served[job.owner] = self._calls + 1
        return job

    def _copied(self) -> RoundRobin:
        twin = super()._copied()
        assert isinstance(twin, RoundRobin)
        twin._served = dict(self._served)
        return twin


class Greedy(FirstCome):
    """As long as anybody wants the loaded model, it stays; then the one that most jobs wait for, and have for longest.

    A second counts as much as a tenth of a job.
    """

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._since_s: dict[int, float] = {}

    def select(self, gpu: Gpu, *, now_s: float) -> Dispatch | None:
        """Take up the job that is next."""
        for job_id in self._jobs:
            self._since_s.setdefault(job_id, now_s)
        return super().select(gpu, now_s=now_s)

    def _next(self, jobs: Iterable[Job], gpu: Gpu, now_s: float) -> Job:
        waiting = list(jobs)
        here = next((job for job in waiting if job.request.model in gpu.resident), None)
        if here is not None:
            return here
        pressure: Counter[str] = Counter()
        for job in waiting:
            pressure[job.request.model] += 10
        for job in reversed(waiting):
            pressure[job.request.model] += round(now_s - self._since_s[job.id])
        best, _ = max(pressure.items(), key=lambda item: (item[1], item[0]))
        return next(job for job in waiting if job.request.model == best)


class GreedyOneByOne(Greedy):
    """The same without batches: a call makes one picture."""

    def _most(self, job: Job) -> int:
        return 1


class FairTurns(FirstCome):
    """Start-time fair queueing alone: whoever was served least, in measured GPU-seconds by weight, is next."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._weights: dict[str, float] = {}
        self._accounts: Counter[str] = Counter()  # in whole microseconds, so that equal ones are equal
        self._expected: dict[int, int] = {}  # what each call will cost its owner
        self._highest = 0

    def set_weight(self, owner: str, weight: float) -> None:
        """Take in how many shares somebody has."""
        self._weights[owner] = weight

    def add(self, job: Job) -> None:
        """Let a job wait; whoever comes back starts where those are who stayed."""
        waiting = {other.owner for other in self._jobs.values()}
        flying = {owner for owner, _ in self._flights.values()}
        if job.owner not in waiting | flying:
            tags = [self._tag(owner) for owner in waiting] + [self._accounts[owner] for owner in flying]
            self._accounts[job.owner] = max(self._accounts[job.owner], min(tags, default=self._highest))
        super().add(job)

    def select(self, gpu: Gpu, *, now_s: float) -> Dispatch | None:
        """Take up the job that is next, and expect its owner to be charged."""
        dispatch = super().select(gpu, now_s=now_s)
        if dispatch is not None:
            request, (owner, _) = dispatch.shares[0].request, self._flights[dispatch.id]
            self._expected[dispatch.id] = self._cost(owner, self._world.guess(request).run_s(dispatch.size))
        return dispatch

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> None:
        """Charge what was measured."""
        owner, _ = self._flights[dispatch_id]
        self._accounts[owner] += self._cost(owner, gpu_seconds)
        self._highest = max(self._highest, self._accounts[owner])
        del self._expected[dispatch_id]
        super().complete(dispatch_id, gpu_seconds, is_whole=is_whole)

    def _cost(self, owner: str, seconds: float) -> int:
        return round(1e6 * seconds / self._weights[owner])

    def _tag(self, owner: str) -> int:
        flights = (number for number, (whose, _) in self._flights.items() if whose == owner)
        return self._accounts[owner] + sum(self._expected[number] for number in flights)

    def _next(self, jobs: Iterable[Job], gpu: Gpu, now_s: float) -> Job:
        oldest: dict[str, Job] = {}
        for job in jobs:
            oldest.setdefault(job.owner, job)
        return min(oldest.values(), key=lambda job: (self._tag(job.owner), job.id))

    def _copied(self) -> FairTurns:
        twin = super()._copied()
        assert isinstance(twin, FairTurns)
        twin._accounts, twin._expected = Counter(self._accounts), dict(self._expected)
        return twin
