"""In which ways could the fair queue be broken without anybody noticing, if it were not for the gates?

Each is the shipped queue with one mistake.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from generation.job import Dispatch, Gpu, Job
from generation.queue.fair_queue import ONE_GPU, FairQueue
from generation.queue.forecast import Forecast, Outlook
from generation.queue.policy import Policy
from generation.queue.speeds import Speeds
from tests.simulator.policy import Contender


class WithoutLift(FairQueue):
    """Idle time earns credit."""

    def _lift(self, name: str) -> None:
        pass


class LiftIfOthersWait(FairQueue):
    """Whoever comes to an empty queue keeps the credit of idle time."""

    def _lift(self, name: str) -> None:
        if self.waiting_count():
            super()._lift(name)


class Uncorrected(FairQueue):
    """What was estimated is charged, whatever was measured."""

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> tuple[Job, ...]:
        return super().complete(dispatch_id, self.in_flight[dispatch_id].seconds, is_whole=False)


class SwitchCharged(FairQueue):
    """Whoever's turn a model switch falls on pays for it."""

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> tuple[Job, ...]:
        load_s = self.in_flight[dispatch_id].load_s
        jobs = super().complete(dispatch_id, gpu_seconds, is_whole=is_whole)
        payer = jobs[0].owner
        self.restore(payer, self.virtual_time_ms(payer) + round(1000 * load_s / self.weight(payer)), self.weight(payer))
        return jobs


class CountsCalls(FairQueue):
    """A call is a call, however long it takes: round robin."""

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> tuple[Job, ...]:
        return super().complete(dispatch_id, 1.0, is_whole=False)


class Weightless(FairQueue):
    """Everybody has the same share."""

    def set_weight(self, owner: str, weight: float) -> None:
        super().set_weight(owner, 1.0)


class Late(FairQueue):
    """A call begins only once there is something to fill it with."""

    def select(self, gpu: Gpu = ONE_GPU, *, now_s: float = 0.0) -> Dispatch | None:
        return super().select(gpu, now_s=now_s) if self.waiting_count() > 1 else None


class Alone(FairQueue):
    """Nobody's pictures are made together with anybody else's."""

    def _filled(self, job: Job, limit_ms: float, card: str) -> list[Job]:
        return super()._filled(job, limit_ms, card)[:1]


class Additive(FairQueue):
    """A job starts when all that came before it is made."""

    def snapshot_eta(self, gpus: Sequence[Gpu] = (ONE_GPU,), *, now_s: float = 0.0) -> Outlook:
        told: dict[int, Forecast] = {}
        at_s = 0.0
        for job in sorted(self._room.copied()._jobs.values(), key=lambda job: job.id):
            told[job.id] = Forecast(job_id=job.id, runs_before=len(told), seconds=at_s)
            at_s += job.expected_s * len(job.missing) / len(gpus)
        return Outlook(forecasts=told)


def shipped(policy: Policy | None = None, kind: type[FairQueue] = FairQueue) -> Contender:
    """Give the queue that serves, or one with a mistake, with its own parameters unless others are given."""
    return lambda world: kind(Speeds(world.guess), policy)


MUTANTS: Mapping[str, Contender] = {
    "without lift": shipped(kind=WithoutLift),
    "lift only if others wait": shipped(kind=LiftIfOthersWait),
    "uncorrected charges": shipped(kind=Uncorrected),
    "switches charged": shipped(kind=SwitchCharged),
    "boundless window": shipped(Policy(window_s=math.inf)),
    "three times the declared window": shipped(Policy(window_s=3 * Policy().window_s)),
    "round robin by calls": shipped(kind=CountsCalls),
    "calls of any length": shipped(Policy(longest_dispatch_s=math.inf)),
    "no window": shipped(Policy(window_s=0.0)),
    "nothing made together": shipped(kind=Alone),
    "weights ignored": shipped(kind=Weightless),
    "waits for full calls": shipped(kind=Late),
    "forecasts by adding up": shipped(kind=Additive),
}
