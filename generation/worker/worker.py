"""What does the process do that owns the card: it takes orders from the pipe and sends events back.

Plain blocking code. A second thread only reads orders, so that a cancel is seen between two steps and a bot that
dies takes its worker with it at once; a third one reads files ahead. Whatever libraries print goes to the log, never to
the bot's terminal.
"""

from __future__ import annotations

import logging
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import assert_never

from generation.errors import CardFullError, GenerationError
from generation.events import (
    Cancel,
    DispatchEnded,
    DispatchFailed,
    Load,
    ModelLoadFailed,
    Order,
    Prefetch,
    Run,
    Unload,
    WorkerEvent,
    WorkerReady,
    WorkerUnfit,
)
from generation.memory.card import Card
from generation.memory.ladder import Shortage
from generation.memory.placement import Phase, Precision, VramPlan
from generation.models.catalogue import Catalogue
from generation.pipelines.card import find_card, free_gib
from generation.pipelines.speed.workshop import Workshop
from generation.worker.drawing import render
from generation.worker.orders import Orders
from generation.worker.prefetch import Prefetcher
from generation.worker.process import settle_in
from generation.worker.shelf import Shelf

# Pieces of memory that can grow leave fewer holes than pieces of fixed sizes. torch reads it when it is loaded.
ALLOCATOR, GROWING = "PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True"

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSetup:
    """What a worker is told at its birth. `device` is torch's name of the card, or "auto"; logs go to `log_file`.

    A `card` is taken at its word, such as a part of a large one; else the device is looked at, of which at most
    `vram_limit_gib` are used, with denoisers in that `precision`. With a `workshop`, an idle worker makes its models
    faster.
    """

    catalogue: Catalogue
    device: str
    log_file: str
    card: Card | None = None
    precision: Precision | None = None
    vram_limit_gib: float | None = None
    workshop: Workshop | None = None


def main(pipe: Connection, setup: WorkerSetup) -> None:
    """Work until the other end of the pipe is closed."""
    # Before torch is loaded: threads that spin for each other on busy cores make a picture of 0.4 s take 50 s.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    settle_in(setup.log_file, "worker")
    orders = Orders(pipe)
    if setup.device != "cpu" and platform.system() != "Windows":  # where torch has no such pieces
        os.environ.setdefault(ALLOCATOR, GROWING)
    if setup.workshop is not None and setup.device != "cpu":
        setup.workshop.open()
    try:
        card = setup.card or find_card(setup.device, precision=setup.precision, limit_gib=setup.vram_limit_gib)
    except GenerationError as error:
        pipe.send(WorkerUnfit(text=str(error)))
        return
    pipe.send(WorkerReady(card=card))
    shelf = Shelf(setup.catalogue, card, pipe.send)
    orders.prefetcher = Prefetcher(shelf.files_to_come, free_gib)
    if setup.workshop is not None:
        orders.between = partial(shelf.prepare, setup.workshop)
    for order in orders:
        for event in work(order, shelf, orders, pipe):
            pipe.send(event)


def work(order: Order, shelf: Shelf, orders: Orders, pipe: Connection) -> Iterator[WorkerEvent]:
    """Carry out one order. Whatever goes wrong becomes an event: this is the worker's only catch-all."""
    course = _Course()
    try:
        match order:
            case Run():
                yield from _run(order, course, shelf, orders, pipe)
            case Load():
                shelf.load_default(order.model, order.experience)
            case Unload():
                shelf.unload(order.model)
            case Cancel() | Prefetch():
                pass  # the reading thread's business
            case _:
                assert_never(order)
    except CardFullError as error:
        log.warning("%s ran out of memory: %s", type(order).__name__, error.phase)
        yield _failed(order, str(error), course, error.phase)
    except GenerationError as error:
        yield _failed(order, str(error), course)
    except Exception:  # the process must outlive a job that fails
        log.exception("%s failed", type(order).__name__)
        yield _failed(order, "The model failed on this request. An admin finds the reason in the log.", course)


@dataclass(slots=True)
class _Course:
    """How far a run has come: its plan, and when it began, once its model was there."""

    plan: VramPlan | None = None
    had_company: bool = False
    started_s: float | None = None

    @property
    def gpu_seconds(self) -> float:
        """Loading the model is nobody's expense."""
        return 0.0 if self.started_s is None else time.monotonic() - self.started_s


def _run(order: Run, course: _Course, shelf: Shelf, orders: Orders, pipe: Connection) -> Iterator[WorkerEvent]:
    """Make the pictures of a dispatch, its model placed by what is known of such requests."""
    dispatch, asked = order.dispatch, order.dispatch.shares[0].request
    plan = course.plan = shelf.plan(asked, dispatch.size, order.experience)
    course.had_company = shelf.has_company(asked.model)
    pipeline = shelf.fetch(asked.model, plan, is_alone=order.experience.concessions.is_alone)
    course.had_company = shelf.has_company(asked.model)
    loras = shelf.loras(asked)
    course.started_s = time.monotonic()
    is_whole = yield from render(dispatch, pipeline, plan, loras, orders, pipe)
    others_gib = shelf.company_gib(asked.model)
    peaks = {phase: gib - others_gib for phase, gib in pipeline.peaks.items()} if is_whole else {}
    for phase, gib in peaks.items():
        predicted_gib = plan.gib(phase) - plan.overhead_gib
        log.info("%s, %s: %.2f GiB measured, %.2f GiB predicted", asked.model, phase, gib, predicted_gib)
    yield DispatchEnded(dispatch_id=dispatch.id, gpu_seconds=course.gpu_seconds, plan=plan, peaks=peaks)


def _failed(order: Order, text: str, course: _Course, full_in: Phase | None = None) -> WorkerEvent:
    """Say what became of an order; `full_in` is the phase in which memory ran out."""
    if not isinstance(order, Run):
        assert isinstance(order, Load | Unload)
        return ModelLoadFailed(model=order.model, text=text)
    shortage = None
    if full_in is not None and course.plan is not None:
        rows, had_company = order.dispatch.size, course.had_company
        shortage = Shortage(plan=course.plan, phase=full_in, rows=rows, had_company=had_company)
    return DispatchFailed(dispatch_id=order.dispatch.id, text=text, gpu_seconds=course.gpu_seconds, shortage=shortage)
