"""What happens to jobs between the queue and the workers, and what is told about it?"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections.abc import Callable, Collection
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import assert_never

from generation.errors import UnknownModelError, UnreadableImageError, WorkerDownError
from generation.events import (
    AccountMoved,
    DispatchEnded,
    DispatchFailed,
    DispatchSettled,
    JobEvent,
    JobPassedOver,
    JobStarted,
    Load,
    ModelLoaded,
    ModelLoadFailed,
    ModelLoading,
    ModelRested,
    ModelsLearned,
    ModelUnloaded,
    PictureMade,
    Run,
    StepDone,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.job import Dispatch, Gpu, Job, JobState, Share
from generation.memory.card import Card
from generation.memory.ladder import Shortage
from generation.memory.lessons import Lessons
from generation.models.catalogue import Catalogue
from generation.port import Worker
from generation.queue.fair_queue import FairQueue
from generation.queue.outlook import Outlooks
from generation.queue.speeds import Learned
from generation.request import ImagineRequest
from generation.service.fates import Fates

LOST = "The {what} of this job is no longer there, so the job was given up; send the {what} anew."
CHANGED = "The {what} of this job is no longer what it was, so the job was given up; send the {what} anew."


@dataclass(slots=True)
class _Running:
    """A dispatch under way on a card: which pictures are made, as (job, index), and what was learned meanwhile."""

    dispatch: Dispatch
    worker: Worker
    card: Card
    made: set[tuple[int, int]] = field(default_factory=set)
    learned: list[Learned] = field(default_factory=list)

    @property
    def request(self) -> ImagineRequest:
        """One of its requests: all have the same model and shape."""
        return self.dispatch.shares[0].request

    @property
    def job_ids(self) -> tuple[int, ...]:
        return tuple(share.job_id for share in self.dispatch.shares)


class Dispatcher:
    """The fair queue, bound to its workers. It tells a job's every step by `emit` and keeps nothing of the past."""

    def __init__(
        self,
        catalogue: Catalogue,
        queue: FairQueue,
        lessons: Lessons,
        outlooks: Outlooks,
        emit: Callable[[JobEvent], None],
        now: Callable[[], float],
        start_images: Callable[[str], Path],
    ) -> None:
        self._catalogue = catalogue
        self._queue = queue
        self._lessons = lessons
        self._outlooks = outlooks
        self._emit = emit
        self._now = now
        self._start_images = start_images
        self._fates = Fates(queue)
        self._running: dict[int, _Running] = {}  # by dispatch

    @property
    def running(self) -> tuple[int, ...]:
        """The jobs in the workers' hands."""
        return tuple(dict.fromkeys(job_id for running in self._running.values() for job_id in running.job_ids))

    def shares_call(self, job_id: int) -> bool:
        """Tell whether pictures of a job are being made in one call with those of other jobs."""
        return any(job_id in running.job_ids and len(running.job_ids) > 1 for running in self._running.values())

    def submit(self, job: Job) -> None:
        """Let a new job wait for its turn."""
        before_ms = self._queue.virtual_time_ms(job.owner)
        if self._is_possible(job):
            self._queue.add(job)
            self._outlooks.expect(job.id)
        if (account_ms := self._queue.virtual_time_ms(job.owner)) != before_ms:
            self._emit(AccountMoved(owner=job.owner, virtual_time_ms=account_ms))

    def take_back(self, job: Job) -> None:
        """Let a job from before a restart go on waiting, in its old place."""
        if self._is_possible(job):
            self._queue.put_back(job, now_s=self._now())

    def _is_possible(self, job: Job) -> bool:
        self._fates.note(job)
        try:
            self._catalogue.get(job.request.model)
        except UnknownModelError as error:  # an operator took it out of the models file while the job waited
            self._emit(self._fates.end(job, JobState.FAILED, str(error)))
            return False
        return True

    def cancel(self, job_id: int) -> bool:
        """End a waiting job now, a running one at its next step; False if it is neither."""
        waiting = self._queue.cancel(job_id)
        if self._fates.is_flying(job_id):
            self._fates.cancel(job_id)
            self._stop([job_id])
            return True
        if waiting is not None:
            self._emit(self._fates.end(waiting, JobState.CANCELLED))
        return waiting is not None

    def _stop(self, job_ids: Collection[int]) -> None:
        for running in self._running.values():
            for job_id in running.job_ids:
                if job_id in job_ids:
                    running.worker.cancel(running.dispatch.id, job_id)

    def load_order(self, model: str, card: Card) -> Load:
        """Give the order to load a model as its default request would be placed."""
        request = self._catalogue.default_request(self._catalogue.get(model))
        return Load(model=model, experience=self._lessons.of(request, card))

    def learn_load(self, loaded: ModelLoaded, card: Card) -> None:
        """Take in what loading a model on order took."""
        request = self._catalogue.default_request(self._catalogue.get(loaded.model))
        self._emit(ModelsLearned(learned=(self._learn_load(request, loaded, card),)))

    def _learn_load(self, request: ImagineRequest, loaded: ModelLoaded, card: Card) -> Learned:
        return self._queue.speeds.learn_load(request, loaded.seconds, card.name, was_resting=loaded.was_resting)

    async def run_next(self, gpu: Gpu, worker: Worker, card: Card) -> None:
        """Let a worker do what the queue selects for it, if anything waits, and follow it to its end."""
        dispatch = self._queue.select(gpu, now_s=self._now())
        if dispatch is None:
            return
        running = self._running[dispatch.id] = _Running(dispatch, worker, card)
        self._take_off(dispatch)
        try:
            shares = [await self._with_pictures(share) for share in dispatch.shares]
            experience = self._lessons.of(running.request, card)
            order = Run(dispatch=replace(dispatch, shares=tuple(shares)), experience=experience)
            async with contextlib.aclosing(worker.perform(order)) as events:
                async for event in events:
                    self._follow(running, event)
        except UnreadableImageError as error:
            self._fail(running, DispatchFailed(dispatch_id=dispatch.id, text=str(error), gpu_seconds=0.0))
        except WorkerDownError:
            self._break(running)
        finally:
            self._running.pop(dispatch.id, None)

    def _take_off(self, dispatch: Dispatch) -> None:
        self._fates.take_off(dispatch)
        for share in dispatch.shares:
            foretold_s, waited_s = self._outlooks.start(share.job_id)
            self._emit(JobStarted(job_id=share.job_id, foretold_s=foretold_s, waited_s=waited_s))
        if dispatch.passed_over is not None:
            self._emit(JobPassedOver(job_id=dispatch.passed_over))

    async def _with_pictures(self, share: Share) -> Share:
        asked = share.request
        start_image = await self._given("start picture", asked.image)
        return replace(share, start_image=start_image, mask=await self._given("mask", asked.mask))

    async def _given(self, what: str, sha256: str) -> bytes:
        return await asyncio.to_thread(self._read_given, what, sha256) if sha256 else b""

    def _read_given(self, what: str, sha256: str) -> bytes:
        """Read what the worker cannot see; a file whose bytes are not those of its name is not what was given."""
        try:
            data = self._start_images(sha256).read_bytes()
        except OSError as error:
            raise UnreadableImageError(LOST.format(what=what)) from error
        if hashlib.sha256(data).hexdigest() != sha256:
            raise UnreadableImageError(CHANGED.format(what=what))
        return data

    def _follow(self, running: _Running, event: WorkerEvent) -> None:
        match event:
            case DispatchEnded():
                self._complete(running, event)
            case DispatchFailed():
                self._fail(running, event)
            case PictureMade():
                if self._fates.is_wanted(event.job_id):
                    running.made.add((event.job_id, event.index))
                    self._emit(event)
            case StepDone():
                if self._fates.is_wanted(event.job_id):
                    self._emit(event)
            case ModelLoading():
                self._emit(event)
            case ModelLoaded():
                running.learned.append(self._learn_load(running.request, event, running.card))
            case ModelRested() | ModelUnloaded() | ModelLoadFailed() | WorkerReady() | WorkerUnfit():
                pass
            case _:
                assert_never(event)

    def _complete(self, running: _Running, end: DispatchEnded) -> None:
        """The call went well: charge what was measured, and learn from it if it was not broken off."""
        is_whole = all(self._fates.is_wanted(job_id) for job_id in running.job_ids)
        jobs = self._queue.complete(running.dispatch.id, end.gpu_seconds, is_whole=is_whole)
        self._fates.charge(jobs, end.gpu_seconds)
        if is_whole:
            running.learned.append(self._queue.speeds.learned(running.request, running.card.name))
        if (measured := self._lessons.measure(running.request, running.card, end.plan, end.peaks)) is not None:
            running.learned.append(measured)
        self._settle(running, jobs)

    def _fail(self, running: _Running, failure: DispatchFailed) -> None:
        """The model could not do it: one job is charged and has failed; of several, nobody knows whose fault it was."""
        if failure.shortage is not None:
            self._concede(running, failure.shortage)
        elif len(running.dispatch.shares) > 1:
            self._break(running)
        else:
            jobs = self._queue.complete(running.dispatch.id, failure.gpu_seconds, is_whole=False)
            self._fates.charge(jobs, failure.gpu_seconds)
            self._fates.condemn(jobs, failure.text)
            self._settle(running, jobs)

    def _break(self, running: _Running) -> None:
        """The call was lost: let each job wait again with its seed, at no charge."""
        jobs = self._queue.fail(running.dispatch.id)
        for job in jobs:
            self._fates.put_back(job, running.made, is_counted=True)
        self._settle(running, jobs)

    def _concede(self, running: _Running, shortage: Shortage) -> None:
        """There was not enough memory: give something up from now on and try again; nobody is charged."""
        jobs = self._queue.fail(running.dispatch.id)
        lesson = self._lessons.concede(running.request, running.card, shortage, self._fates.rungs(jobs))
        if lesson is None:
            self._fates.condemn(jobs, self._lessons.last_resort(running.request, running.card))
        else:
            running.learned.append(lesson.learned)
            self._fates.step_down(jobs, lesson.rung)
            for job in jobs:
                self._fates.put_back(job, running.made, is_counted=False)
        self._settle(running, jobs)

    def _settle(self, running: _Running, jobs: tuple[Job, ...]) -> None:
        """Tell all at once what came of a dispatch."""
        del self._running[running.dispatch.id]
        self._stop([job.id for job in jobs if not self._fates.is_wanted(job.id)])
        outcomes = self._fates.land(jobs)
        times_ms = {job.owner: self._queue.virtual_time_ms(job.owner) for job in jobs}
        self._emit(DispatchSettled(virtual_times_ms=times_ms, learned=tuple(running.learned), outcomes=outcomes))
