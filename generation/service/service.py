"""How are jobs submitted and followed, and models loaded, while each worker does one thing at a time?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from generation.errors import UnreadableImageError
from generation.events import (
    AccountMoved,
    DispatchSettled,
    JobEnded,
    JobEvent,
    JobStarted,
    OutlookChanged,
    QueueStalled,
)
from generation.job import Job
from generation.memory.card import Card
from generation.memory.experience import Experiences, is_of_memory
from generation.memory.lessons import Lessons
from generation.models.catalogue import Catalogue
from generation.port import Worker
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Outlook
from generation.queue.guesses import Guesses
from generation.queue.outlook import PAUSE_S, Outlooks, Prospect
from generation.queue.policy import Policy
from generation.queue.speeds import Learned, Speeds
from generation.request import ImagineRequest
from generation.service.dispatcher import Dispatcher
from generation.service.downloads import Downloads, Fetcher
from generation.service.lanes import Lanes
from generation.service.status import ServiceStatus

NO_IMAGES = "Start pictures are not possible here: this service was set up for text alone."


def _no_start_images(sha256: str) -> Path:  # noqa: ARG001 - it stands in for what finds one
    raise UnreadableImageError(NO_IMAGES)


class Service:
    """The queue and its workers. `events` is one stream, in order, for one reader; jobs are added by `submit`.

    `start_images` tells where the start picture of a name lies, and may refuse with an UnreadableImageError.
    `learned` is what was kept of earlier runs, and `waits` how their forecasts came out: (foretold, waited) in seconds,
    the newest last. `guesses` are the first ones of speeds. `downloads` are of models that are not on this disk, made
    by the `fetcher`. Use as an async context manager: leaving it stops the lanes, not the jobs, which are durable
    elsewhere.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        workers: Sequence[Worker],
        *,
        policy: Policy | None = None,
        learned: Iterable[Learned] = (),
        waits: Iterable[tuple[float, float]] = (),
        is_paused: bool = False,
        start_images: Callable[[str], Path] = _no_start_images,
        fetcher: Fetcher | None = None,
        now: Callable[[], float] = time.monotonic,
        outlook_pause_s: float = PAUSE_S,
    ) -> None:
        self.catalogue = catalogue
        learned = tuple(learned)
        self._experiences = Experiences(learned)
        self.guesses = Guesses(catalogue, self._experiences)
        speeds = Speeds(self.guesses)
        for each in learned:
            if not is_of_memory(each):
                speeds.restore(each)
        self._queue = FairQueue(speeds, policy)
        self._events: asyncio.Queue[JobEvent | None] = asyncio.Queue()
        self._is_paused = is_paused
        self._outlooks = Outlooks(
            self._queue,
            lambda: self._lanes.gpus,
            lambda: self._is_paused or bool(self._lanes.obstacle),
            self._look_ahead,
            now,
            pause_s=outlook_pause_s,
            waits=waits,
        )
        lessons = Lessons(catalogue, self._experiences)
        self._dispatcher = Dispatcher(catalogue, self._queue, lessons, self._outlooks, self._tell, now, start_images)
        self._lanes = Lanes(
            workers,
            self._dispatcher,
            may_work=lambda: not self._is_paused and self._queue.waiting_count() > 0,
            told_card=self._know,
            stalled=self._stall,
        )
        self.downloads = Downloads(catalogue, fetcher, self._join, self._tell)
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

    async def _serve(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._outlooks.follow(), name="outlooks")
            tasks.create_task(self._lanes.serve(), name="lanes")
            tasks.create_task(self.downloads.serve(), name="downloads")

    def _close(self) -> None:
        """Let nobody wait for what will not happen any more."""
        self._events.put_nowait(None)
        self._lanes.close()
        self.downloads.close()

    async def events(self) -> AsyncIterator[JobEvent]:
        """Give what happens to jobs, in order, until the service is left; raises what broke it, if anything did."""
        while (event := await self._events.get()) is not None:
            yield event
        if self._task is not None and not self._task.cancelled():
            self._task.result()

    def _tell(self, event: JobEvent) -> None:
        self._events.put_nowait(event)
        if isinstance(event, JobStarted | JobEnded | DispatchSettled):
            self._outlooks.outdate()
        if isinstance(event, DispatchSettled):  # what waits again may be for a worker that sleeps
            self._lanes.wake()

    def _look_ahead(self) -> None:
        self._lanes.look_ahead(self._outlooks.latest)
        self._tell(OutlookChanged())

    def _know(self, card: Card) -> None:
        self.guesses.note(card)
        self._outlooks.outdate()

    def _stall(self, obstacle: str) -> None:
        self._outlooks.hold()
        self._tell(QueueStalled(text=obstacle))

    def restore(self, owner: str, virtual_time_ms: int, weight: float = 1.0) -> None:
        """Take over an owner's account from before a restart; before any of their jobs."""
        self._queue.restore(owner, virtual_time_ms, weight)

    def take_back(self, job: Job) -> None:
        """Let a job from before a restart go on waiting, in its old place."""
        self.downloads.admit(job, self._rejoin)

    def submit(self, job: Job) -> None:
        """Let a new job, already made durable, wait for its turn; if its model has to be downloaded, for that first."""
        self.downloads.admit(job, self._join)

    def _join(self, job: Job) -> None:
        self._dispatcher.submit(job)
        self._look_again(job.request.model)

    def _rejoin(self, job: Job) -> None:
        self._dispatcher.take_back(job)
        self._look_again(job.request.model)

    def _look_again(self, model: str = "") -> None:
        self._outlooks.outdate()
        self._lanes.wake(model)

    def cancel(self, job_id: int) -> bool:
        """End a waiting job now, a running one at its next step; False if it is neither."""
        return self.downloads.cancel(job_id) or self._dispatcher.cancel(job_id)

    def boost(self, job_id: int) -> bool:
        """Let a waiting job be served next, at its owner's expense; False if it does not wait."""
        is_boosted = self.downloads.boost(job_id) or self._queue.boost(job_id)
        self._outlooks.outdate()
        return is_boosted

    def weight(self, owner: str) -> float:
        """Tell how many shares of GPU time an owner has."""
        return self._queue.weight(owner)

    def set_weight(self, owner: str, weight: float) -> None:
        """Give an owner so many shares of GPU time."""
        self._queue.set_weight(owner, weight)
        self._outlooks.outdate()

    def merge(self, owner: str, into: str) -> None:
        """Make two owners one, with their jobs; the larger account is kept."""
        before_ms = self._queue.virtual_time_ms(into)
        self._queue.merge(owner, into)
        self.downloads.merge(owner, into)
        if (account_ms := self._queue.virtual_time_ms(into)) != before_ms:
            self._tell(AccountMoved(owner=into, virtual_time_ms=account_ms))
        self._outlooks.outdate()

    @property
    def policy(self) -> Policy:
        """The queue's parameters in force."""
        return self._queue.policy

    def set_policy(self, policy: Policy) -> None:
        """Serve by other parameters from the next dispatch on."""
        self._queue.policy = policy
        self._outlooks.outdate()

    def waits(self, job_id: int) -> bool:
        """Tell whether a job waits, for its turn or for its model."""
        return self._queue.waits(job_id) or self.downloads.waits(job_id)

    def shares_call(self, job_id: int) -> bool:
        """Tell whether a job is being made in one call with others: cancelled, it ends when they do."""
        return self._dispatcher.shares_call(job_id)

    def outlook(self) -> Outlook:
        """Give the latest dry run: what runs, and what starts when. An OutlookChanged tells of a newer one."""
        return self._outlooks.latest

    def prospect(self, job_id: int) -> Prospect | None:
        """Say when a waiting job starts, as far as that can be promised; None if it does not wait."""
        return self._outlooks.prospect(job_id)

    def expected_s(self, request: ImagineRequest) -> float:
        """Say how many GPU-seconds a picture is expected to take, on the slowest card that is known."""
        return max(self._queue.speeds.picture_s(request, gpu.card) for gpu in self._lanes.gpus)

    def status(self) -> ServiceStatus:
        """Tell how things stand now."""
        return ServiceStatus(
            cards=self._lanes.cards,
            resident=self._lanes.resident,
            resting=self._lanes.resting,
            conceded=self._experiences.described(),
            is_paused=self._is_paused,
            running=self._dispatcher.running,
            waiting=self._queue.waiting_count(),
        )

    async def check(self, request: ImagineRequest) -> None:
        """Refuse a request that does not fit the smallest card: any worker may be the one to make it.

        Raises:
            DoesNotFitError, InvalidRequestError: it does not fit; one of its adapters is not there any more.
            WorkerDownError: no worker can be started, so nobody knows.
        """
        if request.loras:
            await asyncio.to_thread(self.catalogue.check_loras, request)
        card = await self.card()
        known = self._experiences.of(request, card.name)
        await asyncio.to_thread(self.catalogue.plan, request, card, experience=known)  # a refusal takes 40 ms

    async def card(self) -> Card:
        """Tell the smallest card; waits for the workers' first start. One that does not start is left out.

        Raises:
            WorkerDownError: none can be started; it is tried again when somebody asks again or a job waits.
        """
        return await self._lanes.smallest_card()

    def pause(self) -> None:
        """Start no further dispatch; what runs goes on."""
        self._is_paused = True
        self._outlooks.hold()

    def resume(self) -> None:
        """Go on dispatching."""
        self._is_paused = False
        self._look_again()

    async def load(self, model: str) -> float:
        """Make a model resident, where there are fewest, once it is on this disk; gives the seconds of loading.

        Raises:
            UnknownModelError, DoesNotFitError: there is no such model, or the smallest card cannot run it.
            ModelLoadError: it cannot be downloaded or read; the text says what to do.
            WorkerDownError: the worker died or hung while loading, or cannot be started.
        """
        request = self.catalogue.default_request(self.catalogue.get(model))
        await self.check(request)
        await self.downloads.need(request.model)
        return await self._lanes.load(request.model)

    async def unload(self, model: str) -> bool:
        """Drop a model from all cards and from RAM, after the dispatches that run now; False if it was nowhere.

        Raises:
            UnknownModelError: there is no such model.
            WorkerDownError: a worker died, and the model with it.
        """
        return await self._lanes.unload(self.catalogue.get(model).name)
