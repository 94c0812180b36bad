"""How long would everybody have waited under another policy: recorded jobs, played once more in virtual time?

It drives the very `FairQueue` that serves, with jobs that arrive when they really did and take what they really took;
what was learned of the cards says how long batches and the loading of models take. What it cannot know is what people
would have done, had they waited longer or less.

Pure: no clock, no randomness; the same past and policy always give the same replay.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from generation.job import Dispatch, Gpu, Job
from generation.memory.experience import is_of_memory
from generation.queue.fair_queue import FairQueue
from generation.queue.policy import Policy
from generation.queue.speeds import Guess, Learned, Speeds
from generation.request import ImagineRequest

DAY_S = 86_400


def _fills_it(request: ImagineRequest, card: str) -> float:  # noqa: ARG001 - it stands in for what knows better
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PastJob:
    """A job as it was recorded. It arrived at a Unix time; a picture was then expected to take `expected_s`.

    `gpu_s` is what it really took, all in all, in calls of `rows` pictures. Each of the three is 0 where nobody knows.
    A quota counts only what `is_counted`: neither a job that failed nor one that was given up.
    """

    owner: str
    request: ImagineRequest
    arrived_s: float
    expected_s: float = 0.0
    gpu_s: float = 0.0
    rows: int = 0
    is_counted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """What a replay starts from: the jobs, oldest first, and all that is known of the machine and of people's weights.

    `filling` tells which share of a card a request's model fills, so that several may stay loaded; all of it, if nobody
    knows better.
    """

    jobs: Sequence[PastJob]
    guess: Callable[[ImagineRequest, str], Guess]
    learned: Sequence[Learned] = ()
    weights: Mapping[str, float] = field(default_factory=dict)
    filling: Callable[[ImagineRequest, str], float] = _fills_it

    def speeds(self) -> Speeds:
        """Give speeds of one's own, which know what was learned."""
        speeds = Speeds(self.guess)
        for learned in self.learned:
            if not is_of_memory(learned):
                speeds.restore(learned)
        return speeds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayedRun:
    """A call of a replay: of which jobs, by their number in the past, and when.

    `load_s` is None if its model was loaded already.
    """

    gpu: int
    jobs: tuple[int, ...]
    begins_s: float
    load_s: float | None
    seconds: float

    @property
    def ends_s(self) -> float:
        """Tell when its card is free again."""
        return self.begins_s + (self.load_s or 0.0) + self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """What came of it: how long each past job waited for its start, None for one that the quota refused."""

    waits_s: tuple[float | None, ...]
    runs: tuple[ReplayedRun, ...]

    @property
    def order(self) -> list[int]:
        """Give the jobs in the order in which they were begun."""
        return list(dict.fromkeys(job for run in self.runs for job in run.jobs))

    @property
    def loads(self) -> int:
        """Count how often a model had to be loaded."""
        return sum(run.load_s is not None for run in self.runs)

    @property
    def busy_s(self) -> float:
        """Tell for how long the cards worked, loading included."""
        return sum(run.seconds + (run.load_s or 0.0) for run in self.runs)


def play_again(
    past: Past, *, policy: Policy | None = None, cards: Sequence[str] = ("",), quota: int | None = None
) -> Replay:
    """Play the past on some cards, by name. With a quota, nobody may have more pictures in a day, which is UTC's."""
    simulation = _Simulation(past, policy or Policy(), cards)
    return simulation.play(_admitted(past.jobs, quota))


def _admitted(jobs: Sequence[PastJob], quota: int | None) -> list[int]:
    """Give the numbers of the jobs that a quota lets in."""
    if quota is None:
        return list(range(len(jobs)))
    admitted = []
    counted: Counter[tuple[str, int]] = Counter()  # pictures by owner and day
    for number, job in enumerate(jobs):
        day = job.owner, int(job.arrived_s // DAY_S)
        if counted[day] + job.request.images > quota:
            continue
        admitted.append(number)
        counted[day] += job.request.images * job.is_counted
    return admitted


@dataclass(slots=True)
class _Lane:
    """A card with its models, least recently used first, as the share of it that each fills."""

    number: int
    card: str
    models: dict[str, float] = field(default_factory=dict)
    dispatch: Dispatch | None = None
    seconds: float = 0.0  # of the dispatch, loading aside

    def fetch(self, model: str, filling: float) -> bool:
        """Have a model loaded, at the cost of others where there is no room; False if it was there."""
        was_there = self.models.pop(model, None) is not None
        while self.models and sum(self.models.values()) + filling > 1:
            del self.models[next(iter(self.models))]
        self.models[model] = filling
        return not was_there


class _Simulation:
    def __init__(self, past: Past, policy: Policy, cards: Sequence[str]) -> None:
        self._past = past
        self._truth = past.speeds()
        self._queue = FairQueue(past.speeds(), policy)
        self._lanes = [_Lane(number, card) for number, card in enumerate(cards)]
        self._ends: list[tuple[float, int]] = []  # a heap: when which lane is free again
        self._begun: dict[int, float] = {}
        self._runs: list[ReplayedRun] = []
        for owner, weight in past.weights.items():
            self._queue.set_weight(owner, weight)

    def play(self, numbers: Sequence[int]) -> Replay:
        """Let time jump from one arrival or end to the next, until all is made."""
        jobs = self._past.jobs
        arrived = 0
        while arrived < len(numbers) or self._ends:
            moments = [jobs[numbers[arrived]].arrived_s] if arrived < len(numbers) else []
            now_s = min([*moments, *(end_s for end_s, _ in self._ends[:1])])
            while self._ends and self._ends[0][0] <= now_s:
                self._finish(self._lanes[heapq.heappop(self._ends)[1]])
            while arrived < len(numbers) and jobs[numbers[arrived]].arrived_s <= now_s:
                self._queue.add(self._job(numbers[arrived]))
                arrived += 1
            self._begin(now_s)
        begun = ((number, self._begun.get(number)) for number in range(len(jobs)))
        waits_s = tuple(None if at_s is None else at_s - jobs[number].arrived_s for number, at_s in begun)
        return Replay(waits_s=waits_s, runs=tuple(self._runs))

    def _begin(self, now_s: float) -> None:
        for lane in self._lanes:
            if lane.dispatch is not None:
                continue
            gpu = Gpu(number=lane.number, card=lane.card, resident=frozenset(lane.models))
            lane.dispatch = self._queue.select(gpu, now_s=now_s)
            if lane.dispatch is not None:
                self._run(lane, lane.dispatch, now_s)

    def _run(self, lane: _Lane, dispatch: Dispatch, now_s: float) -> None:
        first = dispatch.shares[0].request
        is_fetched = lane.fetch(dispatch.model, self._past.filling(first, lane.card))
        lane.seconds = self._seconds(dispatch, lane.card)
        jobs = tuple(share.job_id for share in dispatch.shares)
        run = ReplayedRun(
            gpu=lane.number,
            jobs=jobs,
            begins_s=now_s,
            load_s=self._truth.load_s(first, lane.card) if is_fetched else None,
            seconds=lane.seconds,
        )
        self._runs.append(run)
        heapq.heappush(self._ends, (run.ends_s, lane.number))
        for job in jobs:
            self._begun.setdefault(job, now_s)

    def _finish(self, lane: _Lane) -> None:
        assert lane.dispatch is not None
        self._queue.complete(lane.dispatch.id, lane.seconds)
        lane.dispatch = None

    def _seconds(self, dispatch: Dispatch, card: str) -> float:
        """Tell what a dispatch takes: what such a call takes, times how much slower its jobs really were than that."""
        call_s = self._truth.run_s(dispatch.shares[0].request, dispatch.size, card)
        paces = [(self._pace(share.job_id), len(share.indexes)) for share in dispatch.shares]
        return call_s * sum(pace * count for pace, count in paces) / sum(count for _, count in paces)

    def _pace(self, number: int) -> float:
        """Tell how many times slower a job really was than such jobs are; what was not measured is as expected.

        Nobody recorded on which card it was made: the first one is assumed.
        """
        job, card = self._past.jobs[number], self._lanes[0].card
        request = job.request
        if not job.gpu_s:
            return self._expected_s(job) / max(self._truth.picture_s(request, card), 1e-9)
        rows = job.rows or min(request.images, self._truth.most_at_once(request, card))
        return job.gpu_s / max(request.images * self._truth.run_s(request, rows, card) / rows, 1e-9)

    def _expected_s(self, job: PastJob) -> float:
        return job.expected_s or self._truth.picture_s(job.request, self._lanes[0].card)

    def _job(self, number: int) -> Job:
        past = self._past.jobs[number]
        missing = tuple(range(past.request.images))
        return Job(
            id=number, owner=past.owner, request=past.request, missing=missing, expected_s=self._expected_s(past)
        )
