"""How do tests run jobs: real worker processes with two fake models, and every event that comes of it?"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import TypeVar

import psutil

from generation import (
    AccountMoved,
    Card,
    Catalogue,
    DispatchSettled,
    ImagineRequest,
    Job,
    JobEnded,
    JobEvent,
    JobRequeued,
    JobStarted,
    Learned,
    LocalFetcher,
    LocalWorker,
    ModelsLearned,
    Outlook,
    PictureMade,
    Policy,
    Service,
    StepDone,
    WorkerSetup,
)
from tests.fake_models import write_models

PATIENCE_S = 60.0

Event = TypeVar("Event")


def request(
    *, model: str = "flat", seed: int = 1, images: int = 1, steps: int = 4, prompt: str = "red"
) -> ImagineRequest:
    """Give a small request."""
    return ImagineRequest(
        model=model,
        prompt=prompt,
        negative_prompt="",
        width=64,
        height=64,
        num_inference_steps=steps,
        guidance_scale=3.0,
        seed=seed,
        images=images,
    )


def job(job_id: int, owner: str = "ann", *, asked: ImagineRequest | None = None, seed: int | None = None) -> Job:
    """Give a whole job; its seed is its number unless it is told."""
    asked = asked or request(seed=job_id if seed is None else seed)
    expected_s = 0.01 * asked.num_inference_steps
    return Job(id=job_id, owner=owner, request=asked, missing=tuple(range(asked.images)), expected_s=expected_s)


class Studio:
    """A folder with a models file and the switches of its two models; opened, a service on workers of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.log_file = folder / "worker.log"
        self.service: Service
        self.workers: list[LocalWorker] = []
        self.events: list[JobEvent | JobRequeued] = []  # each outcome once more after the dispatch that it is of
        self._changed = asyncio.Condition()
        self._switches = folder / "switches"
        self._switches.mkdir()
        self._pictures = folder / "pictures"
        self._pictures.mkdir()

    def catalogue(
        self, *, seconds_per_step: float = 0.01, batch_fixed_share: float = 0.0, weights_gib: float = 0.01
    ) -> Catalogue:
        """Write the models file and read it with the models that ship; "flat" is the default."""
        file = write_models(
            self.folder,
            seconds_per_step=seconds_per_step,
            batch_fixed_share=batch_fixed_share,
            weights_gib=weights_gib,
        )
        return Catalogue.load(extra=file, default="flat")

    @contextmanager
    def switched(self, switch: str, *, seed: int | None = None) -> Iterator[None]:
        """Keep a switch on for a while, for all pictures or for that of one seed."""
        self.switch_on(switch, seed=seed)
        try:
            yield
        finally:
            self.switch_off(switch)

    def switch_on(self, switch: str, *, seed: int | None = None, number: float | None = None) -> None:
        """Turn a fault on, for the picture of a seed or with a number, if the switch takes one."""
        meant = number if seed is None else seed
        (self._switches / switch).write_text("" if meant is None else str(meant))

    def switch_off(self, switch: str) -> None:
        """Turn a fault off."""
        (self._switches / switch).unlink(missing_ok=True)

    def picture(self, sha256: str) -> Path:
        """Tell where the picture of that name lies."""
        return self._pictures / sha256

    def keep(self, png: bytes) -> str:
        """Keep a picture under the name that its content has, and give the name."""
        sha256 = hashlib.sha256(png).hexdigest()
        self.picture(sha256).write_bytes(png)
        return sha256

    @asynccontextmanager
    async def opened(
        self,
        catalogue: Catalogue | None = None,
        *,
        devices: tuple[str, ...] = ("cpu",),
        card: Card | None = None,
        policy: Policy | None = None,
        learned: Iterable[Learned] = (),
        waits: Iterable[tuple[float, float]] = (),
        is_paused: bool = False,
        step_timeout_s: float = 30.0,
        load_timeout_s: float = 30.0,
        outlook_pause_s: float = 0.0,
        first_pause_s: float = 0.02,
        now: Callable[[], float] = time.monotonic,
    ) -> AsyncIterator[Studio]:
        """Open a service on a worker process for each device; the events of an earlier opening are forgotten.

        With a `card`, fake models are run as that one would run them.
        """
        catalogue = catalogue or self.catalogue()
        self.workers = [
            self.another_worker(catalogue, device, step_timeout_s, load_timeout_s, card) for device in devices
        ]
        self.service = Service(
            catalogue,
            self.workers,
            policy=policy,
            learned=learned,
            waits=waits,
            is_paused=is_paused,
            start_images=self.picture,
            fetcher=LocalFetcher(str(self.log_file), report_s=0.02, first_pause_s=first_pause_s),
            now=now,
            outlook_pause_s=outlook_pause_s,
        )
        self.events = []
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(asyncio.timeout(PATIENCE_S))
            for worker in self.workers:
                await stack.enter_async_context(worker)
            tasks = await stack.enter_async_context(asyncio.TaskGroup())
            await stack.enter_async_context(self.service)
            tasks.create_task(self._listen())
            yield self

    @property
    def worker(self) -> LocalWorker:
        """The first worker."""
        return self.workers[0]

    def another_worker(
        self,
        catalogue: Catalogue | None = None,
        device: str = "cpu",
        step_timeout_s: float = 30,
        load_timeout_s: float = 30,
        card: Card | None = None,
    ) -> LocalWorker:
        """Give a worker, not opened yet."""
        catalogue = catalogue or self.catalogue()
        setup = WorkerSetup(catalogue=catalogue, device=device, log_file=str(self.log_file), card=card)
        return LocalWorker(setup, step_timeout_s=step_timeout_s, load_timeout_s=load_timeout_s)

    async def _listen(self) -> None:
        async for event in self.service.events():
            async with self._changed:
                self.events.extend([event, *event.outcomes] if isinstance(event, DispatchSettled) else [event])
                self._changed.notify_all()

    async def seen(self, kind: type[Event], *, after: int = 0, **fields: object) -> Event:
        """Wait until an event of this kind with these fields is among the events from number `after` on."""

        def fits(event: JobEvent | JobRequeued) -> bool:
            return isinstance(event, kind) and all(getattr(event, name) == value for name, value in fields.items())

        return await self._until(lambda: next((event for event in self.events[after:] if fits(event)), None))

    async def _until(self, look: Callable[[], JobEvent | JobRequeued | None]) -> Event:
        async with self._changed:
            while (found := look()) is None:
                await self._changed.wait()
        return found  # type: ignore[return-value]

    async def ended(self, job_id: int, *, after: int = 0) -> JobEnded:
        """Wait for the end of a job."""
        return await self.seen(JobEnded, after=after, job_id=job_id)

    async def outlook(self, *job_ids: int) -> Outlook:
        """Wait for a dry run that says when these jobs start."""
        return await self.foreseen(lambda outlook: set(job_ids) <= outlook.forecasts.keys())

    async def foreseen(self, holds: Callable[[Outlook], bool]) -> Outlook:
        """Wait for a dry run of which something holds."""
        async with self._changed:
            while not holds(self.service.outlook()):
                await self._changed.wait()
        return self.service.outlook()

    async def held(self, job_id: int) -> StepDone:
        """Wait until a job makes steps."""
        return await self.seen(StepDone, job_id=job_id)

    def pictures(self, job_id: int) -> list[PictureMade]:
        """Give the pictures of a job so far."""
        return [event for event in self.events if isinstance(event, PictureMade) and event.job_id == job_id]

    def accounts_ms(self) -> dict[str, int]:
        """Give the accounts as whoever listens has kept them."""
        kept: dict[str, int] = {}
        for event in self.events:
            if isinstance(event, AccountMoved):
                kept[event.owner] = event.virtual_time_ms
            elif isinstance(event, DispatchSettled):
                kept |= event.virtual_times_ms
        return kept

    def learned(self) -> dict[tuple[str, str, str], Learned]:
        """Give what was learned of the machine as whoever listens has kept it."""
        told = [event for event in self.events if isinstance(event, DispatchSettled | ModelsLearned)]
        return {(each.card, each.model, each.shape): each for event in told for each in event.learned}

    def started(self) -> list[int]:
        """Give the jobs in the order in which they were started, one that was started again twice."""
        return [event.job_id for event in self.events if isinstance(event, JobStarted)]


def workers() -> list[psutil.Process]:
    """Give the worker processes of this process that are alive."""
    children = psutil.Process().children(recursive=True)
    return [child for child in children if child.is_running() and any("spawn_main" in part for part in child.cmdline())]
