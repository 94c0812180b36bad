"""How are jobs submitted and followed, and models loaded, while one worker does one thing at a time?"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from generation.catalogue import Catalogue
from generation.dispatcher import Dispatcher
from generation.errors import GenerationError, ModelLoadError, UnreadableImageError, WorkerDownError
from generation.events import JobEvent, Load, ModelLoaded, ModelLoadFailed, QueueStalled, Unload
from generation.fair_queue import Forecast
from generation.job import Job
from generation.port import Worker
from generation.request import ImagineRequest
from generation.vram import Card

CLOSED = "The image service is being shut down."
NO_IMAGES = "Start pictures are not possible here: this service was set up for text alone."

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """What an admin sees. `card` is None until the worker has started."""

    card: Card | None
    resident: frozenset[str]
    is_paused: bool
    running: tuple[int, ...]
    waiting: int


def _no_start_images(sha256: str) -> Path:  # noqa: ARG001 - it stands in for what finds one
    raise UnreadableImageError(NO_IMAGES)


@dataclass(slots=True)
class _Errand:
    """Something the worker does between two dispatches."""

    run: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]


class Service:
    """The queue and its worker. `events` is one stream, in order, for one reader; jobs are added by `submit`.

    `start_images` tells where the start picture of a name lies, and may refuse with an UnreadableImageError.
    Use as an async context manager: leaving it stops the worker's task, not the jobs, which are durable elsewhere.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        worker: Worker,
        *,
        is_paused: bool = False,
        start_images: Callable[[str], Path] = _no_start_images,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self.catalogue = catalogue
        self._worker = worker
        self._events: asyncio.Queue[JobEvent | None] = asyncio.Queue()
        self._dispatcher = Dispatcher(catalogue, worker, self._events.put_nowait, now, start_images)
        self._errands: deque[_Errand] = deque()
        self._wake = asyncio.Event()
        self._is_paused = is_paused
        self._card: Card | None = None
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._serve(), name="service")
        self._task.add_done_callback(lambda _: self._close())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.wait([self._task])
        if not self._task.cancelled():
            self._task.result()

    async def events(self) -> AsyncIterator[JobEvent]:
        """Give what happens to jobs, in order, until the service is left; raises what broke it, if anything did."""
        while (event := await self._events.get()) is not None:
            yield event
        if self._task is not None and not self._task.cancelled():
            self._task.result()

    def restore(self, owner: str, virtual_time_ms: int) -> None:
        """Take over an owner's account from before a restart; before any of their jobs."""
        self._dispatcher.restore(owner, virtual_time_ms)

    def take_back(self, job: Job) -> None:
        """Let a job from before a restart go on waiting, in its old place."""
        self._dispatcher.take_back(job)
        self._wake.set()

    def submit(self, job: Job) -> None:
        """Let a new job, already made durable, wait for its turn."""
        self._dispatcher.submit(job)
        self._wake.set()

    def cancel(self, job_id: int) -> bool:
        """End a waiting job now, a running one at its next step; False if it is neither."""
        return self._dispatcher.cancel(job_id)

    def waits(self, job_id: int) -> bool:
        """Tell whether a job waits for its turn."""
        return self._dispatcher.waits(job_id)

    def forecast(self) -> list[Forecast]:
        """Say when each waiting job starts, soonest first; those far down are left out."""
        return self._dispatcher.forecast()

    def status(self) -> ServiceStatus:
        """Tell how things stand now."""
        return ServiceStatus(
            card=self._card,
            resident=self._worker.resident,
            is_paused=self._is_paused,
            running=self._dispatcher.running,
            waiting=self._dispatcher.waiting,
        )

    async def check(self, request: ImagineRequest) -> None:
        """Refuse a request that this machine cannot run.

        Raises:
            DoesNotFitError: it does not fit; the text says what would.
            WorkerDownError: the worker cannot be started, so nobody knows.
        """
        self.catalogue.plan(request, await self.card())

    async def card(self) -> Card:
        """Tell the worker's card; waits for the worker's first start.

        Raises:
            WorkerDownError: it cannot be started; it is tried again when somebody asks again or a job waits.
        """
        if self._card is None:
            return await self._send(self._start_worker)
        return self._card

    def pause(self) -> None:
        """Start no further dispatch; what runs goes on."""
        self._is_paused = True

    def resume(self) -> None:
        """Go on dispatching."""
        self._is_paused = False
        self._wake.set()

    async def load(self, model: str) -> float:
        """Make a model resident, after the dispatch that runs now; gives the seconds it took.

        Raises:
            UnknownModelError: there is no such model.
            ModelLoadError: it does not fit or cannot be read; the text says what to do.
            WorkerDownError: the worker died or hung while loading, or cannot be started.
        """
        return await self._send(partial(self._perform, Load(model=self.catalogue.get(model).name)))

    async def unload(self, model: str) -> bool:
        """Drop a model from the card, after the dispatch that runs now; False if it was not resident.

        Raises:
            UnknownModelError: there is no such model.
            WorkerDownError: the worker died, and the model with it.
        """
        return await self._send(partial(self._unload, self.catalogue.get(model).name))

    async def _send(self, run: Callable[[], Awaitable[T]]) -> T:
        if self._task is None or self._task.done():
            raise WorkerDownError(CLOSED)
        errand = _Errand(run, asyncio.get_running_loop().create_future())
        self._errands.append(errand)
        self._wake.set()
        result: T = await errand.done
        return result

    async def _serve(self) -> None:
        """The heart: errands first, then whatever the queue selects; sleep when there is neither."""
        while True:
            if self._errands:
                await self._do(self._errands[0])
                self._errands.popleft()
            elif self._is_paused or not self._dispatcher.waiting:
                self._wake.clear()
                await self._wake.wait()
            elif await self._is_worker_up() and not self._is_paused and not self._errands:
                await self._dispatcher.run_next()

    async def _is_worker_up(self) -> bool:
        """Start the worker before a job is chosen: that a worker does not start is no job's fault."""
        try:
            await self._start_worker()
        except WorkerDownError as error:
            self._events.put_nowait(QueueStalled(text=str(error)))
            return False
        return True

    async def _start_worker(self) -> Card:
        self._card = await self._worker.start()
        return self._card

    async def _do(self, errand: _Errand) -> None:
        try:
            result = await errand.run()
        except GenerationError as error:
            if not errand.done.done():
                errand.done.set_exception(error)
        else:
            if not errand.done.done():
                errand.done.set_result(result)

    async def _unload(self, model: str) -> bool:
        was_resident = model in self._worker.resident
        if was_resident:
            await self._perform(Unload(model=model))
        return was_resident

    async def _perform(self, order: Load | Unload) -> float:
        seconds = 0.0
        async with contextlib.aclosing(self._worker.perform(order)) as events:
            async for event in events:
                match event:
                    case ModelLoaded():
                        seconds = event.seconds
                    case ModelLoadFailed():
                        raise ModelLoadError(event.text)
                    case _:
                        pass
        return seconds

    def _close(self) -> None:
        """Let nobody wait for what will not happen any more."""
        self._events.put_nowait(None)
        for errand in self._errands:
            if not errand.done.done():
                errand.done.set_exception(WorkerDownError(CLOSED))
