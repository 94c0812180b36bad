"""Does a queue go on as before when its program was killed: what can be rebuilt from what the database keeps?"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from generation.job import Dispatch, Gpu, Job
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Outlook
from generation.queue.policy import Policy
from generation.queue.speeds import Learned, Speeds
from tests.simulator.worlds import World


@dataclass(slots=True)
class _Kept:
    """A job as its row has it, and since when the switch to its model is put off."""

    job: Job
    passed_over_since_s: float | None = None


class RebuiltQueue:
    """The fair queue, thrown away and rebuilt before each selection at which `is_due` says so.

    What it is rebuilt from are accounts, weights, jobs, boosts and learned speeds, as they would be in the tables. A
    selection with calls under way is never such a moment: a kill breaks them, and what is made anew differs for that
    reason.
    """

    def __init__(self, world: World, policy: Policy, is_due: Callable[[], bool]) -> None:
        self._world = world
        self._policy = policy
        self._is_due = is_due
        self._queue = FairQueue(Speeds(world.guess), policy)
        self._weights: dict[str, float] = {}
        self._accounts: dict[str, int] = {}
        self._jobs: dict[int, _Kept] = {}
        self._boosted: list[int] = []  # in the order in which they were boosted
        self._learned: dict[tuple[str, str, str], str] = {}
        self.restarts = 0

    def set_weight(self, owner: str, weight: float) -> None:
        """Pass it on, and keep it."""
        self._weights[owner] = weight
        self._queue.set_weight(owner, weight)

    def add(self, job: Job) -> None:
        """Pass it on, and keep the job and the account, which may have been lifted."""
        self._queue.add(job)
        self._jobs[job.id] = _Kept(job)
        self._accounts[job.owner] = self._queue.virtual_time_ms(job.owner)

    def boost(self, job_id: int) -> None:
        """Pass it on, and keep when it was."""
        if self._queue.boost(job_id):
            self._boosted.append(job_id)

    def cancel(self, job_id: int) -> None:
        """Pass it on, and keep nothing of the job."""
        self._queue.cancel(job_id)
        self._jobs.pop(job_id, None)

    def select(self, gpu: Gpu, *, now_s: float) -> Dispatch | None:
        """Restart if it is time, then pass it on, and keep what was passed over."""
        if not self._queue.in_flight and self._is_due():
            self._restart(now_s)
        dispatch = self._queue.select(gpu, now_s=now_s)
        if dispatch is not None and dispatch.passed_over is not None:
            self._jobs[dispatch.passed_over].passed_over_since_s = now_s
        for share in () if dispatch is None else dispatch.shares:
            self._depart(share.job_id, share.indexes)
        return dispatch

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> None:
        """Pass it on, and keep the accounts and what was learned."""
        flight = self._queue.in_flight[dispatch_id]
        for job in self._queue.complete(dispatch_id, gpu_seconds, is_whole=is_whole):
            self._accounts[job.owner] = self._queue.virtual_time_ms(job.owner)
        if is_whole:
            learned = self._queue.speeds.learned(flight.request, flight.card)
            self._learned[learned.card, learned.model, learned.shape] = json.dumps(dict(learned.facts))

    def snapshot_eta(self, gpus: Sequence[Gpu], *, now_s: float) -> Outlook:
        """Pass it on."""
        return self._queue.snapshot_eta(gpus, now_s=now_s)

    def _depart(self, job_id: int, indexes: Sequence[int]) -> None:
        kept = self._jobs[job_id]
        if left := tuple(index for index in kept.job.missing if index not in indexes):
            kept.job = replace(kept.job, missing=left)
        else:
            del self._jobs[job_id]

    def _restart(self, now_s: float) -> None:
        """Start as the service does: speeds, accounts with their weights, then the jobs, boosted ones first."""
        self.restarts += 1
        speeds = Speeds(self._world.guess)
        for (card, model, shape), facts in self._learned.items():
            speeds.restore(Learned(card=card, model=model, shape=shape, facts=json.loads(facts)))
        self._queue = FairQueue(speeds, self._policy)
        for owner, weight in self._weights.items():
            self._queue.restore(owner, self._accounts.get(owner, 0), weight)
        boosted = [job_id for job_id in self._boosted if job_id in self._jobs]
        for job_id in dict.fromkeys((*boosted, *self._jobs)):
            kept = self._jobs[job_id]
            since_s = kept.passed_over_since_s
            passed_over_s = None if since_s is None else now_s - since_s
            job = replace(kept.job, passed_over_s=passed_over_s, is_boosted=job_id in boosted)
            self._queue.put_back(job, now_s=now_s)
