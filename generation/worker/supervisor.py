"""How does the asyncio side start a worker process, talk to it, notice that it died or hangs, and replace it?"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Self, TypeAlias

from generation.errors import WorkerDownError
from generation.events import (
    Cancel,
    DispatchEnded,
    DispatchFailed,
    Load,
    ModelLoaded,
    ModelLoadFailed,
    ModelLoading,
    ModelRested,
    ModelUnloaded,
    Order,
    Prefetch,
    Run,
    Unload,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.memory.card import Card
from generation.worker.process import ProcessDownError, SpawnedProcess
from generation.worker.worker import WorkerSetup, main

START_TIMEOUT_S = 180.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

NOT_STARTED = "The image worker could not be started. An admin finds the reason in the log."
DIED = "The image worker broke down and is being restarted."
HUNG = "The image worker stopped answering and is being restarted."

log = logging.getLogger(__name__)

_Process: TypeAlias = SpawnedProcess[Order, WorkerEvent]


class LocalWorker:
    """One worker process on this machine. Orders are carried out one at a time; a dead process is replaced at the next.

    An order that brings no event for `step_timeout_s` (`load_timeout_s` while a model loads) counts as hung: the
    process is killed. Use as an async context manager; the process never outlives it.
    """

    def __init__(self, setup: WorkerSetup, *, step_timeout_s: float, load_timeout_s: float) -> None:
        self._setup = setup
        self._step_timeout_s = step_timeout_s
        self._load_timeout_s = load_timeout_s
        self._resident: set[str] = set()
        self._resting: set[str] = set()
        self._process: _Process | None = None
        self._card: Card | None = None  # of the process that is there now
        self._failed_starts = 0
        self.starts = 0

    async def __aenter__(self) -> Self:
        self._spawn()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stop()

    @property
    def resident(self) -> frozenset[str]:
        """The models that are on the card now."""
        return frozenset(self._resident)

    @property
    def resting(self) -> frozenset[str]:
        """The models that have left the card and are still in RAM."""
        return frozenset(self._resting)

    async def start(self) -> Card:
        """Be up, and tell the card; after failed starts, wait a while first, each time longer.

        Raises:
            WorkerDownError: the process did not start; the text says why, as far as that is known.
        """
        if self._process is not None and self._has_died(self._process):
            await self._stop()
        if self._process is None:
            if self._failed_starts:
                await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._failed_starts))
            self._spawn()
        if self._process is None:
            self._failed_starts += 1
            raise WorkerDownError(NOT_STARTED)
        if self._card is None:
            self._card = await self._first_look(self._process)
        return self._card

    def _has_died(self, process: _Process) -> bool:
        """Tell whether an idle process is gone: it has nothing to say unless it was told to do something."""
        is_idle = self._card is not None
        return process.is_gone or (is_idle and process.has_spoken)

    async def perform(self, order: Run | Load | Unload) -> AsyncGenerator[WorkerEvent, None]:
        """Carry out an order and give its events; the last one tells how it ended.

        An order that is given up before its last event takes the process with it.

        Raises:
            WorkerDownError: the process died, hung or did not start; the next order starts another.
        """
        await self.start()
        assert self._process is not None
        self._process.send(order)
        timeout_s, is_over = self._step_timeout_s, False
        try:
            while not is_over:
                event = await _next_event(self._process, timeout_s)
                timeout_s = self._load_timeout_s if isinstance(event, ModelLoading) else self._step_timeout_s
                self._note(event)
                is_over = _ends(order, event)
                yield event
        finally:
            if not is_over:
                await self._stop()

    def cancel(self, dispatch_id: int, job_id: int) -> None:
        """Stop a job of the dispatch under way at its next step; no effect if it is over."""
        if self._process is not None:
            self._process.send(Cancel(dispatch_id=dispatch_id, job_id=job_id))

    def prefetch(self, model: str) -> None:
        """Have this model's files at hand; no effect where it is loaded or there is no room for it."""
        if self._process is not None:
            self._process.send(Prefetch(model=model))

    def _note(self, event: WorkerEvent) -> None:
        match event:
            case ModelLoaded():
                self._resident.add(event.model)
                self._resting.discard(event.model)
            case ModelRested():
                self._resident.discard(event.model)
                self._resting.add(event.model)
            case ModelUnloaded():
                self._resident.discard(event.model)
                self._resting.discard(event.model)
            case ModelLoadFailed():
                self._resident.discard(event.model)
            case _:
                pass

    async def _first_look(self, process: _Process) -> Card:
        """Wait for what a new process says first."""
        text = NOT_STARTED
        try:
            match await _next_event(process, START_TIMEOUT_S):
                case WorkerReady(card=card):
                    self._failed_starts = 0
                    return card
                case WorkerUnfit() as event:
                    text = event.text
                case event:
                    log.error("the worker said %s before it was ready", type(event).__name__)
        except WorkerDownError:
            pass
        self._failed_starts += 1
        log.error("the worker did not start, %d times in a row now: %s", self._failed_starts, text)
        await self._stop()
        raise WorkerDownError(text)

    def _spawn(self) -> None:
        try:
            self._process = SpawnedProcess(main, self._setup, name="worker")
        except OSError as error:  # no memory or no process left for it
            log.error("the worker cannot be spawned: %s", error)
        self.starts += 1

    async def _stop(self) -> None:
        process, self._process, self._card = self._process, None, None
        self._resident.clear()
        self._resting.clear()
        if process is not None:
            await process.stop()


async def _next_event(process: _Process, timeout_s: float) -> WorkerEvent:
    try:
        return await process.next_event(timeout_s)
    except ProcessDownError as error:
        raise WorkerDownError(HUNG if error.is_hung else DIED) from None


def _ends(order: Order, event: WorkerEvent) -> bool:
    match order:
        case Run():
            return isinstance(event, DispatchEnded | DispatchFailed)
        case Load():
            return isinstance(event, ModelLoaded | ModelLoadFailed)
        case _:
            return isinstance(event, ModelUnloaded | ModelLoadFailed)
