"""What must a policy offer, so that the simulator can drive it?

`generation.queue.fair_queue.FairQueue` offers it as it is, and so does every rival in `baselines`. The values that pass
here are those of `generation.job` and `generation.queue.forecast`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeAlias

from generation.job import Dispatch, Gpu, Job
from generation.queue.forecast import Outlook
from tests.simulator.worlds import World


class QueuePolicy(Protocol):
    """Decides what each GPU makes next. It has no clock: `now_s` is the simulator's, and only goes forward.

    The simulator is a referee as well. It stops with `ForbiddenCall` at a dispatch with pictures that do not wait, with
    models or shapes that differ, or with more pictures than the card takes.
    """

    def set_weight(self, owner: str, weight: float) -> None:
        """Give an owner so many shares; told once, before the owner's first job."""

    def add(self, job: Job) -> None:
        """Let a job wait, of which all pictures are missing. Numbers grow in the order of arrival.

        `expected_s` is what the catalogue expects of a picture.
        """

    def cancel(self, job_id: int) -> object:
        """Let what waits of a job wait no longer. What of it is in flight is broken off by the simulator.

        Told of jobs without anything that waits, too.
        """

    def select(self, gpu: Gpu, *, now_s: float) -> Dispatch | None:
        """Choose what an idle GPU does next. None while something waits counts as idling, which a gate forbids.

        A dispatch's `id` is the policy's own and never used twice. `gpu.resident` are the models that are loaded there.
        """

    def complete(self, dispatch_id: int, gpu_seconds: float, *, is_whole: bool = True) -> object:
        """Take in what a dispatch took, loading aside; what it did not make it took out of the queue all the same.

        Without `is_whole` it was broken off, since everybody whose pictures it made gave up.
        """

    def snapshot_eta(self, gpus: Sequence[Gpu], *, now_s: float) -> Outlook:
        """Say when each waiting job will be begun, if nobody else comes; nothing may change by that."""


Contender: TypeAlias = Callable[[World], QueuePolicy]
"""Makes a policy for a world, of which it may use `guess` and `gpus` alone: the rest is the future, and the truth."""
