"""What becomes of the jobs of a dispatch when it ends, well or badly?

- The call went well: a job is done, or waits for the rest of its pictures.
- It went wrong with pictures of several jobs: nobody knows whose fault it was, so all of them wait again and each is
  made alone from then on.
- It went wrong with one job's pictures: that job has failed, if the model said so; if the worker died, it waits again.
- There was not enough memory: the jobs wait again, and something is given up (generation/memory/ladder.py); a job for
  which nothing is left to give up has failed.
- A job under which three calls broke is given up.

A job may be in several dispatches at once, on several GPUs; its fate is told when the last of them has ended.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field, replace

from generation.events import JobEnded, JobRequeued
from generation.job import MOST_ATTEMPTS, Dispatch, Job, JobState
from generation.memory.ladder import Rung
from generation.queue.fair_queue import FairQueue

POISONED = "The image worker broke down {attempts} times on this job, so it was given up; the log has the reason."


@dataclass(slots=True)
class _Course:
    """A job that is not over: `flights` counts the dispatches under way that make pictures of it.

    `rungs` are the steps that were taken for it when memory ran out.
    """

    gpu_seconds: float
    attempts: int
    flights: int = 0
    is_cancelled: bool = False
    error: str = ""
    rungs: set[Rung] = field(default_factory=set)


class Fates:
    """The jobs that are not over, and what the dispatches made of them."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self._courses: dict[int, _Course] = {}

    def note(self, job: Job) -> None:
        """Take in a job that waits, or is about to."""
        self._courses[job.id] = _Course(job.gpu_seconds, job.attempts)

    def take_off(self, dispatch: Dispatch) -> None:
        """Take in that a dispatch has begun."""
        for share in dispatch.shares:
            self._courses[share.job_id].flights += 1

    def is_flying(self, job_id: int) -> bool:
        """Tell whether pictures of a job are being made."""
        return job_id in self._courses and self._courses[job_id].flights > 0

    def cancel(self, job_id: int) -> None:
        """Let a job under way come to nothing."""
        self._courses[job_id].is_cancelled = True

    def is_wanted(self, job_id: int) -> bool:
        """Tell whether what is still made of a job is of any use."""
        course = self._courses[job_id]
        return not course.is_cancelled and not course.error

    def charge(self, jobs: Collection[Job], gpu_seconds: float) -> None:
        """Count to each job what its pictures of a dispatch took."""
        pictures = sum(len(job.missing) for job in jobs)
        for job in jobs:
            self._courses[job.id].gpu_seconds += gpu_seconds * len(job.missing) / pictures

    def condemn(self, jobs: Iterable[Job], error: str) -> None:
        """Let jobs fail, for a reason that their owners are told."""
        for job in jobs:
            self._courses[job.id].error = self._courses[job.id].error or error

    def rungs(self, jobs: Iterable[Job]) -> frozenset[Rung]:
        """Tell which steps were taken for any of these jobs when memory ran out."""
        return frozenset().union(*(self._courses[job.id].rungs for job in jobs))

    def step_down(self, jobs: Iterable[Job], rung: Rung) -> None:
        """Take in that a step was taken for these jobs."""
        for job in jobs:
            self._courses[job.id].rungs.add(rung)

    def put_back(self, job: Job, made: Collection[tuple[int, int]], *, is_counted: bool) -> None:
        """Let a job wait for what a broken call did not make, unless that happened too often.

        `made` are the pictures that it did make, as (job, index). `is_counted` makes it one of the job's attempts.
        """
        course = self._courses[job.id]
        course.attempts += is_counted
        missing = tuple(index for index in job.missing if (job.id, index) not in made)
        if not missing or not self.is_wanted(job.id):
            return
        if course.attempts >= MOST_ATTEMPTS:
            self.condemn([job], POISONED.format(attempts=course.attempts))
        else:
            self._queue.put_back(replace(job, missing=missing, attempts=course.attempts))

    def land(self, jobs: Iterable[Job]) -> tuple[JobEnded | JobRequeued, ...]:
        """Take in that a dispatch has ended, and tell the fates that are decided by that."""
        outcomes = (self._land(job) for job in jobs)
        return tuple(outcome for outcome in outcomes if outcome is not None)

    def _land(self, job: Job) -> JobEnded | JobRequeued | None:
        course = self._courses[job.id]
        course.flights -= 1
        if not self.is_wanted(job.id):
            self._queue.cancel(job.id)
        if course.flights:
            return None
        if course.is_cancelled:
            return self.end(job, JobState.CANCELLED)
        if course.error:
            return self.end(job, JobState.FAILED, course.error)
        if self._queue.waits(job.id):
            return JobRequeued(job_id=job.id, attempts=course.attempts, gpu_seconds=course.gpu_seconds)
        return self.end(job, JobState.DONE)

    def end(self, job: Job, state: JobState, error: str = "") -> JobEnded:
        """Forget a job, and tell its end."""
        course = self._courses.pop(job.id)
        return JobEnded(job_id=job.id, owner=job.owner, state=state, gpu_seconds=course.gpu_seconds, error=error)
