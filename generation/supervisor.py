"""How does the asyncio side start a worker process, talk to it, notice that it died or hangs, and replace it?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import multiprocessing
import queue
import signal
import threading
from collections.abc import AsyncGenerator, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from types import TracebackType
from typing import Self

from generation.errors import WorkerDownError
from generation.events import (
    Cancel,
    DispatchEnded,
    DispatchFailed,
    Load,
    ModelLoaded,
    ModelLoadFailed,
    ModelLoading,
    ModelUnloaded,
    Order,
    Run,
    Unload,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.vram import Card
from generation.worker import WorkerSetup, main

START_TIMEOUT_S = 180.0
EXIT_TIMEOUT_S = 5.0
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0

NOT_STARTED = "The image worker could not be started. An admin finds the reason in the log."
DIED = "The image worker broke down and is being restarted."
HUNG = "The image worker stopped answering and is being restarted."

log = logging.getLogger(__name__)


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
        self._process: _Process | None = None
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
        """The models that are loaded now."""
        return frozenset(self._resident)

    async def start(self) -> Card:
        """Be up, and tell the card; after failed starts, wait a while first, each time longer.

        Raises:
            WorkerDownError: the process did not start; the text says why, as far as that is known.
        """
        if self._process is not None and self._process.has_died:
            await self._stop()
        if self._process is None:
            if self._failed_starts:
                await asyncio.sleep(min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._failed_starts))
            self._spawn()
        if self._process is None:
            self._failed_starts += 1
            raise WorkerDownError(NOT_STARTED)
        if self._process.card is None:
            self._process.card = await self._first_look(self._process)
        return self._process.card

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
                event = await self._process.next_event(timeout_s)
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

    def _note(self, event: WorkerEvent) -> None:
        match event:
            case ModelLoaded():
                self._resident.add(event.model)
            case ModelUnloaded() | ModelLoadFailed():
                self._resident.discard(event.model)
            case _:
                pass

    async def _first_look(self, process: _Process) -> Card:
        """Wait for what a new process says first."""
        text = NOT_STARTED
        try:
            match await process.next_event(START_TIMEOUT_S):
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
            self._process = _Process(self._setup)
        except OSError as error:  # no memory or no process left for it
            log.error("the worker cannot be spawned: %s", error)
        self.starts += 1

    async def _stop(self) -> None:
        process, self._process = self._process, None
        self._resident.clear()
        if process is not None:
            await process.stop()


class _Process:
    """One process with its pipe and the two threads at this end of it. Once stopped it is gone for good."""

    def __init__(self, setup: WorkerSetup) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, setup), daemon=True, name="fairbrush-worker")
        with _no_interrupts():
            self._process.start()
        theirs.close()
        self._inbox: asyncio.Queue[WorkerEvent | None] = asyncio.Queue()
        self._relay = threading.Thread(
            target=_relay, args=(self._pipe, asyncio.get_running_loop(), self._inbox), daemon=True, name="worker events"
        )
        self._relay.start()
        self._outbox: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._sender = threading.Thread(
            target=_send_orders, args=(self._pipe, self._outbox), daemon=True, name="worker orders"
        )
        self._sender.start()
        self.card: Card | None = None

    @property
    def has_died(self) -> bool:
        """Tell whether an idle process is gone: it has nothing to say unless it was told to do something."""
        is_gone = bool(wait([self._process.sentinel], timeout=0))  # true at once, whoever has waited for its end
        is_idle = self.card is not None
        return is_gone or (is_idle and not self._inbox.empty())

    def send(self, order: Order) -> None:
        """Hand an order down, at once whatever its size; a dead process is noticed by the missing answer."""
        self._outbox.put(order)

    async def next_event(self, timeout_s: float) -> WorkerEvent:
        """Wait for the next event.

        Raises:
            WorkerDownError: the process has died, or said nothing for that long.
        """
        try:
            async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation before Python 3.12
                event = await self._inbox.get()
        except TimeoutError:
            log.error("the worker said nothing for %.0f s", timeout_s)
            raise WorkerDownError(HUNG) from None
        if event is None:
            log.error("the worker died, exit code %s", self._process.exitcode)
            raise WorkerDownError(DIED)
        return event

    async def stop(self) -> None:
        """Kill the process and wait for its end; the pipe is closed only when nobody reads it any more."""
        self._process.kill()
        await asyncio.to_thread(self._process.join, EXIT_TIMEOUT_S)
        await asyncio.to_thread(self._relay.join, EXIT_TIMEOUT_S)
        self._outbox.put(None)
        await asyncio.to_thread(self._sender.join, EXIT_TIMEOUT_S)
        self._pipe.close()


def _relay(pipe: Connection, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[WorkerEvent | None]) -> None:
    """Hand events from the pipe to the loop until the worker is gone; None tells its end."""
    event: WorkerEvent | None = None
    while True:
        try:
            event = pipe.recv()
        except (EOFError, OSError):
            event = None
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(inbox.put_nowait, event)
        if event is None:
            return


def _send_orders(pipe: Connection, outbox: queue.SimpleQueue[Order | None]) -> None:
    """Write orders into the pipe: one with a start picture may take long, for ever if the worker hangs."""
    with contextlib.suppress(OSError):  # the worker is gone
        while (order := outbox.get()) is not None:
            pipe.send(order)


@contextlib.contextmanager
def _no_interrupts() -> Iterator[None]:
    """Let a process be born deaf to Ctrl-C, which the terminal sends to it too, though it is the bot's business."""
    resource_tracker.ensure_running()  # else it is started in the midst of this, and listens to signals again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _ends(order: Order, event: WorkerEvent) -> bool:
    match order:
        case Run():
            return isinstance(event, DispatchEnded | DispatchFailed)
        case Load():
            return isinstance(event, ModelLoaded | ModelLoadFailed)
        case _:
            return isinstance(event, ModelUnloaded | ModelLoadFailed)
