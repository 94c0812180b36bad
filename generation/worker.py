"""What does the process do that owns the card: it takes orders from the pipe and sends events back.

Plain blocking code. A second thread only reads orders, so that a cancel is seen between two steps and a bot that
dies takes its worker with it at once. Whatever libraries print goes to the log, never to the bot's terminal.
"""

from __future__ import annotations

import faulthandler
import logging
import os
import queue
import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from multiprocessing.connection import Connection
from typing import assert_never

from PIL import Image

from generation.catalogue import Catalogue
from generation.encoding import encode_png
from generation.errors import CardFullError, GenerationError, Interrupted
from generation.events import (
    Cancel,
    DispatchEnded,
    DispatchFailed,
    Load,
    ModelLoadFailed,
    Order,
    PictureMade,
    Run,
    StepDone,
    Unload,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.job import Dispatch, Seat, Share
from generation.pipelines.card import find_card
from generation.pipelines.pipeline import Pipeline, Row, Step
from generation.shelf import Shelf
from generation.start_image import fit

PREVIEW_INTERVAL_S = 0.4

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker is told at its birth. `device` is torch's name of the card, or "auto"; logs go to `log_file`."""

    catalogue: Catalogue
    device: str
    log_file: str


def main(pipe: Connection, setup: WorkerSetup) -> None:
    """Work until the other end of the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the bot's business
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # Before torch is loaded: threads that spin for each other on busy cores make a picture of 0.4 s take 50 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    _print_to(setup.log_file)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s worker %(levelname)s %(message)s")
    orders = Orders(pipe)
    try:
        card = find_card(setup.device)
    except GenerationError as error:
        pipe.send(WorkerUnfit(text=str(error)))
        return
    pipe.send(WorkerReady(card=card))
    shelf = Shelf(setup.catalogue, card, pipe.send)
    for order in orders:
        for event in work(order, shelf, orders, pipe):
            pipe.send(event)


def _print_to(log_file: str) -> None:
    """Let both outputs, crash reports of the interpreter included, end up in the log."""
    descriptor = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    os.close(descriptor)
    faulthandler.enable()


def work(order: Order, shelf: Shelf, orders: Orders, pipe: Connection) -> Iterator[WorkerEvent]:
    """Carry out one order. Whatever goes wrong becomes an event: this is the worker's only catch-all."""
    started = None
    try:
        match order:
            case Run():
                pipeline = shelf.fetch(order.dispatch.shares[0].request, rows=order.dispatch.size)
                started = time.monotonic()  # loading the model is nobody's expense
                yield from _render(order.dispatch, pipeline, orders, pipe)
                yield DispatchEnded(dispatch_id=order.dispatch.id, gpu_seconds=time.monotonic() - started)
            case Load():
                shelf.load_default(order.model)
            case Unload():
                shelf.unload(order.model)
            case Cancel():
                pass  # noted by the reading thread
            case _:
                assert_never(order)
    except CardFullError as error:
        yield _failed(order, str(error), started, is_out_of_memory=True)
    except GenerationError as error:
        yield _failed(order, str(error), started)
    except Exception:  # the process must outlive a job that fails
        log.exception("%s failed", type(order).__name__)
        yield _failed(order, "The model failed on this request. An admin finds the reason in the log.", started)


def _failed(order: Order, text: str, started: float | None, *, is_out_of_memory: bool = False) -> WorkerEvent:
    if isinstance(order, Run):
        return DispatchFailed(
            dispatch_id=order.dispatch.id,
            text=text,
            gpu_seconds=0.0 if started is None else time.monotonic() - started,
            is_out_of_memory=is_out_of_memory,
        )
    assert isinstance(order, Load | Unload)
    return ModelLoadFailed(model=order.model, text=text)


def _render(dispatch: Dispatch, pipeline: Pipeline, orders: Orders, pipe: Connection) -> Iterator[PictureMade]:
    """Make the pictures of a dispatch in one call, and give those of the jobs that were not cancelled meanwhile."""
    watch = _Watch(dispatch, orders, pipe)
    started = time.monotonic()
    try:
        watch.check()
        images = pipeline.render(_rows(dispatch), watch)
    except Interrupted:
        return
    seconds = (time.monotonic() - started) / dispatch.size
    for share in watch.wanted:
        for index, place in zip(share.indexes, share.places, strict=True):
            image, seat = images[place], Seat(place, dispatch.size)
            provenance = {**pipeline.provenance, "batch": str(seat)}
            yield PictureMade(
                job_id=share.job_id,
                index=index,
                seed=share.request.seed_of(index),
                png=encode_png(image, share.request, index, provenance),
                width=image.width,
                height=image.height,
                seconds=seconds,
                provenance=provenance,
            )


def _rows(dispatch: Dispatch) -> list[Row]:
    """Lay out a call; a row that is there only to repeat a call of the past gets the first picture once more."""
    laid: dict[int, Row] = {}
    for share in dispatch.shares:
        asked = share.request
        start_image = fit(share.start_image, (asked.width, asked.height)) if asked.image else None
        for index, place in zip(share.indexes, share.places, strict=True):
            laid[place] = Row(asked, asked.seed_of(index), start_image)
    first = laid[dispatch.shares[0].places[0]]
    return [laid.get(place, first) for place in range(dispatch.size)]


class _Watch:
    """Called after each step: reports it, with a preview now and then; interrupts a call that nobody wants any more.

    A call goes on for the others if some of its jobs are cancelled: a batch that shrank would change their pixels.
    """

    def __init__(self, dispatch: Dispatch, orders: Orders, pipe: Connection) -> None:
        self._dispatch = dispatch
        self._orders = orders
        self._pipe = pipe
        self._last_preview = time.monotonic()

    @property
    def wanted(self) -> list[Share]:
        """The shares of the jobs that were not cancelled."""
        return [share for share in self._dispatch.shares if not self._orders.is_cancelled(self._dispatch, share.job_id)]

    def check(self) -> None:
        """Raise Interrupted if all jobs were cancelled."""
        if not self.wanted:
            raise Interrupted

    def __call__(self, step: Step) -> None:
        self.check()
        is_time = time.monotonic() - self._last_preview >= PREVIEW_INTERVAL_S
        for share in self.wanted:
            preview = _small_png(step.preview(share.places[0])) if is_time else None
            self._pipe.send(
                StepDone(
                    job_id=share.job_id,
                    index=share.indexes[0],
                    pictures=len(share.indexes),
                    step=step.number,
                    steps=step.count,
                    preview=preview,
                )
            )
        if is_time:
            self._last_preview = time.monotonic()


def _small_png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()


class Orders:
    """The orders as they come in, to iterate over; cancellations are known at once, ahead of their turn."""

    def __init__(self, pipe: Connection) -> None:
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._cancelled: set[Cancel] = set()
        threading.Thread(target=self._read, daemon=True, name="orders").start()

    def __iter__(self) -> Iterator[Order]:
        while True:
            yield self._waiting.get()

    def is_cancelled(self, dispatch: Dispatch, job_id: int) -> bool:
        """Tell whether this job of this dispatch is to stop."""
        return Cancel(dispatch_id=dispatch.id, job_id=job_id) in self._cancelled

    def _read(self) -> None:
        while True:
            try:
                order: Order = self._pipe.recv()
            except (EOFError, OSError):
                os._exit(0)  # the bot is gone: so are we, even in the midst of a step
            if isinstance(order, Cancel):
                self._cancelled.add(order)
            else:
                self._waiting.put(order)
