"""What becomes of a job between the queue and the worker, and what is told about it?"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from generation.catalogue import Catalogue
from generation.errors import UnknownModelError, UnreadableImageError, WorkerDownError
from generation.events import (
    AccountMoved,
    DispatchEnded,
    DispatchFailed,
    JobEnded,
    JobEvent,
    JobRequeued,
    JobStarted,
    ModelLoaded,
    ModelLoadFailed,
    ModelLoading,
    ModelUnloaded,
    PictureMade,
    Run,
    StepDone,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.fair_queue import FairQueue, Forecast
from generation.job import MOST_ATTEMPTS, Dispatch, Job, JobState, Share
from generation.port import Worker
from generation.request import ImagineRequest
from generation.speeds import Speeds

POISONED = "The image worker broke down {attempts} times on this job, so it was given up; the log has the reason."
LOST_IMAGE = "The start picture of this job is no longer there, so it was given up; send the picture anew."
CHANGED_IMAGE = "The start picture of this job is no longer what it was, so it was given up; send the picture anew."


@dataclass(slots=True)
class _Running:
    """The dispatch under way: which pictures are made, as (job, index), and which jobs are to stop."""

    dispatch: Dispatch
    made: set[tuple[int, int]] = field(default_factory=set)
    cancelled: set[int] = field(default_factory=set)

    @property
    def job_ids(self) -> tuple[int, ...]:
        return tuple(share.job_id for share in self.dispatch.shares)

    def request(self, job_id: int) -> ImagineRequest:
        return next(share.request for share in self.dispatch.shares if share.job_id == job_id)


class Dispatcher:
    """The fair queue, bound to a worker. It tells a job's every step by `emit` and keeps nothing of the past."""

    def __init__(
        self,
        catalogue: Catalogue,
        worker: Worker,
        emit: Callable[[JobEvent], None],
        now: Callable[[], float],
        start_images: Callable[[str], Path],
    ) -> None:
        self._catalogue = catalogue
        self._worker = worker
        self._emit = emit
        self._now = now
        self._start_images = start_images
        self._speeds = Speeds(catalogue)
        self._queue = FairQueue(self._speeds.picture_seconds)
        self._gpu_seconds: dict[int, float] = {}  # of each job that is not over
        self._running: _Running | None = None

    @property
    def running(self) -> tuple[int, ...]:
        """The jobs in the worker's hands."""
        return () if self._running is None else self._running.job_ids

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._queue.waiting_count()

    def waits(self, job_id: int) -> bool:
        """Tell whether any of a job waits."""
        return self._queue.waits(job_id)

    def restore(self, owner: str, virtual_time_ms: int) -> None:
        """Take over an owner's account from before a restart."""
        self._queue.restore(owner, virtual_time_ms)

    def submit(self, job: Job) -> None:
        """Let a new job wait for its turn."""
        before_ms = self._queue.virtual_time_ms(job.owner)
        self._enqueue(job, self._queue.add)
        if self._queue.virtual_time_ms(job.owner) != before_ms:
            self._tell_account(job.owner)

    def take_back(self, job: Job) -> None:
        """Let a job from before a restart go on waiting, in its old place."""
        self._enqueue(job, self._queue.put_back)

    def _enqueue(self, job: Job, put: Callable[[Job], None]) -> None:
        self._gpu_seconds[job.id] = job.gpu_seconds
        try:
            self._catalogue.get(job.request.model)
        except UnknownModelError as error:  # an operator took it out of the models file while the job waited
            self._end(job, JobState.FAILED, str(error))
        else:
            put(job)

    def cancel(self, job_id: int) -> bool:
        """End a waiting job now, a running one at its next step; False if it is neither."""
        waiting = self._queue.cancel(job_id)
        if self._running is not None and job_id in self._running.job_ids:
            self._running.cancelled.add(job_id)
            self._worker.cancel(self._running.dispatch.id, job_id)
            return True
        if waiting is not None:
            self._end(waiting, JobState.CANCELLED)
        return waiting is not None

    def forecast(self) -> list[Forecast]:
        """Say when each waiting job starts, soonest first; those far down are left out."""
        return self._queue.forecast(now_s=self._now())

    async def run_next(self) -> None:
        """Let the worker do what the queue selects, and follow it to its end."""
        dispatch = self._queue.select(resident=self._worker.resident, now_s=self._now())
        if dispatch is None:
            return
        running = self._running = _Running(dispatch)
        for job_id in running.job_ids:
            self._emit(JobStarted(job_id=job_id))
        try:
            shares = [await self._with_start_image(share) for share in dispatch.shares]
            order = Run(dispatch=replace(dispatch, shares=tuple(shares)))
            async with contextlib.aclosing(self._worker.perform(order)) as events:
                async for event in events:
                    self._follow(running, event)
        except UnreadableImageError as error:
            self._settle(running, 0.0, str(error))
        except WorkerDownError:
            self._requeue(running)
        finally:
            self._running = None

    async def _with_start_image(self, share: Share) -> Share:
        if not share.request.image:
            return share
        return replace(share, start_image=await asyncio.to_thread(self._read_start_image, share.request.image))

    def _read_start_image(self, sha256: str) -> bytes:
        """Read what the worker cannot see; a file whose bytes are not those of its name is no start picture."""
        try:
            data = self._start_images(sha256).read_bytes()
        except OSError as error:
            raise UnreadableImageError(LOST_IMAGE) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise UnreadableImageError(CHANGED_IMAGE)
        return data

    def _follow(self, running: _Running, event: WorkerEvent) -> None:
        match event:
            case DispatchEnded():
                self._settle(running, event.gpu_seconds)
            case DispatchFailed():
                self._settle(running, event.gpu_seconds, event.text)
            case PictureMade():
                self._speeds.learn(running.request(event.job_id), event.seconds)
                if event.job_id not in running.cancelled:
                    running.made.add((event.job_id, event.index))
                    self._emit(event)
            case StepDone():
                if event.job_id not in running.cancelled:
                    self._emit(event)
            case ModelLoading():
                self._emit(event)
            case ModelLoaded() | ModelUnloaded() | ModelLoadFailed() | WorkerReady() | WorkerUnfit():
                pass
            case _:
                assert_never(event)

    def _settle(self, running: _Running, gpu_seconds: float, error: str = "") -> None:
        """Charge what was measured; end the jobs that failed, were cancelled or lack nothing more."""
        jobs = self._queue.complete(running.dispatch.id, gpu_seconds)
        pictures = sum(len(job.missing) for job in jobs)
        for job in jobs:
            self._gpu_seconds[job.id] += gpu_seconds * len(job.missing) / pictures
            if job.id in running.cancelled:
                self._end(job, JobState.CANCELLED)
            elif error:
                self._queue.cancel(job.id)
                self._end(job, JobState.FAILED, error)
            elif self._queue.waits(job.id):
                self._tell_account(job.owner)
                self._tell_requeued(job)
            else:
                self._end(job, JobState.DONE)

    def _requeue(self, running: _Running) -> None:
        """The worker died: let each job wait again with its seed, at no charge, unless that happened too often."""
        for job in self._queue.fail(running.dispatch.id):
            missing = tuple(index for index in job.missing if (job.id, index) not in running.made)
            again = replace(job, missing=missing, attempts=job.attempts + 1)
            if job.id in running.cancelled:
                self._end(job, JobState.CANCELLED)
            elif not missing:
                self._end(job, JobState.DONE)
            elif again.attempts >= MOST_ATTEMPTS:
                self._end(job, JobState.FAILED, POISONED.format(attempts=again.attempts))
            else:
                self._queue.put_back(again)
                self._tell_requeued(again)

    def _end(self, job: Job, state: JobState, error: str = "") -> None:
        self._emit(
            JobEnded(
                job_id=job.id,
                owner=job.owner,
                state=state,
                gpu_seconds=self._gpu_seconds.pop(job.id),
                virtual_time_ms=self._queue.virtual_time_ms(job.owner),
                error=error,
            )
        )

    def _tell_requeued(self, job: Job) -> None:
        self._emit(JobRequeued(job_id=job.id, attempts=job.attempts, gpu_seconds=self._gpu_seconds[job.id]))

    def _tell_account(self, owner: str) -> None:
        self._emit(AccountMoved(owner=owner, virtual_time_ms=self._queue.virtual_time_ms(owner)))
