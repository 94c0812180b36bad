"""How does the asyncio side start a process of its own, talk to it, notice that it died or hangs, and end it?"""

from __future__ import annotations

import asyncio
import contextlib
import faulthandler
import logging
import multiprocessing
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar

EXIT_TIMEOUT_S = 5.0

log = logging.getLogger(__name__)

Order = TypeVar("Order")
Event = TypeVar("Event")


class ProcessDownError(Exception):
    """A process has died, or said nothing for too long; `is_hung` tells which."""

    def __init__(self, *, is_hung: bool) -> None:
        super().__init__("the process hangs" if is_hung else "the process died")
        self.is_hung = is_hung


class SpawnedProcess(Generic[Order, Event]):
    """One process with its pipe and the two threads at this end of it. Once stopped it is gone for good.

    `main` is called in it with the other end of the pipe and `setup`; `name` is what the log calls it. It never
    outlives this process, and Ctrl-C is none of its business.

    Raises:
        OSError: no memory or no process is left for it.
    """

    def __init__(self, main: Callable[[Connection, Any], None], setup: Any, *, name: str) -> None:
        context = multiprocessing.get_context("spawn")
        self._name = name
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=main, args=(theirs, setup), daemon=True, name=f"fairbrush-{name}")
        with _no_interrupts():
            self._process.start()
        theirs.close()
        self._inbox: asyncio.Queue[Event | None] = asyncio.Queue()
        self._relay = threading.Thread(
            target=_relay,
            args=(self._pipe, asyncio.get_running_loop(), self._inbox),
            daemon=True,
            name=f"{name} events",
        )
        self._relay.start()
        self._outbox: queue.SimpleQueue[Order | None] = queue.SimpleQueue()
        self._sender = threading.Thread(
            target=_send_orders, args=(self._pipe, self._outbox), daemon=True, name=f"{name} orders"
        )
        self._sender.start()

    @property
    def is_gone(self) -> bool:
        """Tell whether it has ended."""
        return bool(wait([self._process.sentinel], timeout=0))  # true at once, whoever has waited for its end

    @property
    def has_spoken(self) -> bool:
        """Tell whether there is something that nobody has read yet, its end included."""
        return not self._inbox.empty()

    def send(self, order: Order) -> None:
        """Hand an order down, at once whatever its size; a dead process is noticed by the missing answer."""
        self._outbox.put(order)

    async def next_event(self, timeout_s: float) -> Event:
        """Wait for the next event.

        Raises:
            ProcessDownError: the process has died, or said nothing for that long.
        """
        try:
            async with asyncio.timeout(timeout_s):  # wait_for may swallow a cancellation before Python 3.12
                event = await self._inbox.get()
        except TimeoutError:
            log.error("the %s said nothing for %.0f s", self._name, timeout_s)
            raise ProcessDownError(is_hung=True) from None
        if event is None:
            log.error("the %s died, exit code %s", self._name, self._process.exitcode)
            raise ProcessDownError(is_hung=False)
        return event

    async def stop(self) -> None:
        """Kill the process and wait for its end; the pipe is closed only when nobody reads it any more."""
        self._process.kill()
        await asyncio.to_thread(self._process.join, EXIT_TIMEOUT_S)
        await asyncio.to_thread(self._relay.join, EXIT_TIMEOUT_S)
        self._outbox.put(None)
        await asyncio.to_thread(self._sender.join, EXIT_TIMEOUT_S)
        self._pipe.close()


def settle_in(log_file: str, name: str) -> None:
    """In a process that was just born: leave Ctrl-C to the bot, and let whatever libraries print go to the log.

    Crash reports of the interpreter go there, too.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    descriptor = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable()
    logging.basicConfig(level=logging.INFO, format=f"%(asctime)s {name} %(levelname)s %(message)s")


def _relay(pipe: Connection, loop: asyncio.AbstractEventLoop, inbox: asyncio.Queue[Any]) -> None:
    """Hand events from the pipe to the loop until the process is gone; None tells its end."""
    event: Any = None
    while True:
        try:
            event = pipe.recv()
        except (EOFError, OSError):
            event = None
        with contextlib.suppress(RuntimeError):  # the loop is closed already
            loop.call_soon_threadsafe(inbox.put_nowait, event)
        if event is None:
            return


def _send_orders(pipe: Connection, outbox: queue.SimpleQueue[Any]) -> None:
    """Write orders into the pipe: one with a start picture may take long, for ever if the process hangs."""
    with contextlib.suppress(OSError):  # the process is gone
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
