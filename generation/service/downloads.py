"""Which models are being downloaded, and who waits for them, while everybody else is served?

A job whose model is not whole on this disk waits apart from the queue. One download serves all who want the model; once
it is there, they join the queue in the order in which they came. Where nobody wants it any more, it is broken off, and
what has come is kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeAlias, assert_never

from generation.errors import GenerationError, ModelLoadError, UnknownModelError, WorkerDownError
from generation.events import DownloadMoved, JobEnded, JobEvent
from generation.job import Job, JobState
from generation.models.catalogue import Catalogue
from generation.models.model import ModelSpec
from generation.models.stock import here, is_from_hub
from generation.service.fetching import Download, Fetched, FetchEvent, FetchFailed, Fetching
from generation.service.lane import CLOSED

STOPPED = "An admin has stopped the download of {model}. What has come is kept."

Put: TypeAlias = Callable[[Job], None]


class Fetcher(Protocol):
    """What downloads models: processes of this machine."""

    def fetch(self, spec: ModelSpec) -> AsyncGenerator[FetchEvent, None]:
        """Download what is missing of a model, and tell how it goes; the last event says how it ended.

        One that is given up before is broken off.
        """


@dataclass(slots=True)
class _Course:
    """A model that somebody wants: the jobs, each with its way into the queue if nothing had to be downloaded."""

    spec: ModelSpec
    jobs: dict[int, tuple[Job, Put]] = field(default_factory=dict)
    waiters: set[asyncio.Future[None]] = field(default_factory=set)
    is_begun: bool = False  # since the disk does not hold all of it
    progress: Fetching | None = None
    task: asyncio.Task[None] | None = None

    @property
    def is_wanted(self) -> bool:
        return bool(self.jobs or self.waiters)

    @property
    def download(self) -> Download:
        return Download(model=self.spec.name, jobs=tuple(self.jobs), progress=self.progress)


class Downloads:
    """The models under way to this disk. Without a `fetcher`, nothing is ever downloaded, nor waited for.

    `join` lets a job that waited for a download into the queue; `tell` hears of what happens.
    """

    def __init__(
        self, catalogue: Catalogue, fetcher: Fetcher | None, join: Put, tell: Callable[[JobEvent], None]
    ) -> None:
        self._catalogue = catalogue
        self._fetcher = fetcher
        self._join = join
        self._tell = tell
        self._here: set[str] = set()
        self._courses: dict[str, _Course] = {}
        self._wake = asyncio.Event()
        self._is_closed = False

    @property
    def under_way(self) -> tuple[Download, ...]:
        """The downloads, in the order in which they began."""
        return tuple(course.download for course in self._courses.values() if course.is_begun)

    def of(self, job_id: int) -> Download | None:
        """Give the download that a job waits for, if it does."""
        return next((download for download in self.under_way if job_id in download.jobs), None)

    def waits(self, job_id: int) -> bool:
        """Tell whether a job waits until its model is there."""
        return self._course_of(job_id) is not None

    async def serve(self) -> None:
        """Download what is wanted, for ever."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._wake.wait()
                self._wake.clear()
                for course in self._courses.values():
                    if course.task is None:
                        course.task = tasks.create_task(self._bring(course), name=f"download of {course.spec.name}")

    def admit(self, job: Job, put: Put) -> None:
        """Let a job into the queue: by `put` if its model is there already, else once it has been downloaded."""
        try:
            spec = self._catalogue.get(job.request.model)
        except UnknownModelError:  # it left the catalogue while the job waited
            put(job)
            return
        if self._is_needless(spec):
            put(job)
        else:
            self._want(spec).jobs[job.id] = job, put

    async def need(self, model: str) -> None:
        """Wait until a model is there.

        Raises:
            UnknownModelError: there is no such model.
            ModelLoadError: it cannot be downloaded, or an admin has stopped that; the text says why.
            WorkerDownError: the service is being left.
        """
        spec = self._catalogue.get(model)
        if self._is_needless(spec):
            return
        if self._is_closed:
            raise WorkerDownError(CLOSED)
        course, waiter = self._want(spec), asyncio.get_running_loop().create_future()
        course.waiters.add(waiter)
        try:
            await waiter
        finally:
            course.waiters.discard(waiter)
            self._drop_unwanted(course)

    def stop(self, model: str) -> bool:
        """Break a download off for all who want it; False if there is none."""
        course = self._courses.get(model)
        if course is None or not course.is_begun:
            return False
        self._give_up(course, STOPPED.format(model=model))
        self._break_off(course)
        return True

    def cancel(self, job_id: int) -> bool:
        """End a job that waits until its model is there; False if it does not."""
        course = self._course_of(job_id)
        if course is None:
            return False
        job, _ = course.jobs.pop(job_id)
        self._tell(_end(job, JobState.CANCELLED))
        self._drop_unwanted(course)
        return True

    def boost(self, job_id: int) -> bool:
        """Let a job be served first once its model is there; False if it does not wait for that."""
        course = self._course_of(job_id)
        if course is not None:
            job, put = course.jobs[job_id]
            course.jobs[job_id] = replace(job, is_boosted=True), put
        return course is not None

    def merge(self, owner: str, into: str) -> None:
        """Let the jobs of an owner be another's."""
        for course in self._courses.values():
            for job_id, (job, put) in course.jobs.items():
                if job.owner == owner:
                    course.jobs[job_id] = replace(job, owner=into), put

    def close(self) -> None:
        """Let nobody wait for what will not happen any more; jobs are durable elsewhere."""
        self._is_closed = True
        for course in self._courses.values():
            _refuse(course, WorkerDownError(CLOSED))

    def _is_needless(self, spec: ModelSpec) -> bool:
        return self._fetcher is None or spec.name in self._here or not is_from_hub(spec)

    def _want(self, spec: ModelSpec) -> _Course:
        self._wake.set()
        return self._courses.setdefault(spec.name, _Course(spec))

    def _course_of(self, job_id: int) -> _Course | None:
        return next((course for course in self._courses.values() if job_id in course.jobs), None)

    async def _bring(self, course: _Course) -> None:
        model = course.spec.name
        error = ""
        if model not in await asyncio.to_thread(here, [course.spec]):
            course.is_begun = True
            self._tell(DownloadMoved(model=model))
            error = await self._fetch(course)
        del self._courses[model]
        if error:
            self._give_up(course, error)
        else:
            self._here.add(model)
            self._let_in(course)
        self._tell(DownloadMoved(model=model))

    async def _fetch(self, course: _Course) -> str:
        """Download a model; gives the reason if that fails."""
        assert self._fetcher is not None
        async with aclosing(self._fetcher.fetch(course.spec)) as events:
            async for event in events:
                match event:
                    case Fetching():
                        course.progress = event
                        self._tell(DownloadMoved(model=course.spec.name))
                    case FetchFailed():
                        return event.text
                    case Fetched():
                        return ""
                    case _:
                        assert_never(event)
        raise AssertionError("a download ended without saying how")

    def _let_in(self, course: _Course) -> None:
        for job, put in course.jobs.values():
            if course.is_begun:  # the time that it took earns its owner no credit: as if submitted now
                self._join(replace(job, passed_over_s=None))
            else:
                put(job)
        for waiter in course.waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _give_up(self, course: _Course, error: str) -> None:
        for job, _ in course.jobs.values():
            self._tell(_end(job, JobState.FAILED, error))
        course.jobs.clear()
        _refuse(course, ModelLoadError(error))

    def _drop_unwanted(self, course: _Course) -> None:
        if not course.is_wanted and self._courses.get(course.spec.name) is course:
            self._break_off(course)

    def _break_off(self, course: _Course) -> None:
        del self._courses[course.spec.name]
        if course.task is not None:
            course.task.cancel()
        self._tell(DownloadMoved(model=course.spec.name))


def _refuse(course: _Course, error: GenerationError) -> None:
    for waiter in course.waiters:
        if not waiter.done():
            waiter.set_exception(error)


def _end(job: Job, state: JobState, error: str = "") -> JobEnded:
    return JobEnded(job_id=job.id, owner=job.owner, state=state, gpu_seconds=job.gpu_seconds, error=error)
