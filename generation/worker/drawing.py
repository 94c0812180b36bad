"""How are the pictures of a dispatch drawn in one call, watched step by step, and broken off when nobody wants them?"""

from __future__ import annotations

import logging
import time
from collections.abc import Generator
from io import BytesIO
from multiprocessing.connection import Connection

from PIL import Image

from generation.errors import Interrupted
from generation.events import PictureMade, StepDone
from generation.job import Dispatch, Seat, Share
from generation.lora import LoraWeights
from generation.memory.placement import VramPlan
from generation.pipelines.pipeline import Pipeline, Step
from generation.worker.encoding import encode_png
from generation.worker.orders import Orders
from generation.worker.rows import finished, rows_of

PREVIEW_INTERVAL_S = 0.4
SLOW_STEP = 4.0  # times its prediction: on Windows the driver moves what does not fit to RAM, without an error

log = logging.getLogger(__name__)


def render(
    dispatch: Dispatch,
    pipeline: Pipeline,
    plan: VramPlan,
    loras: tuple[LoraWeights, ...],
    orders: Orders,
    pipe: Connection,
) -> Generator[PictureMade, None, bool]:
    """Make the pictures of a dispatch in one call, and give those of the jobs that were not cancelled meanwhile.

    Returns whether the call went through.
    """
    watch = _Watch(dispatch, plan, orders, pipe)
    started = time.monotonic()
    try:
        watch.check()
        rows = rows_of(dispatch, loras)
        drawn = pipeline.render(rows, watch, lambda _: watch.check())
        images = [finished(row, image) for row, image in zip(rows, drawn, strict=True)]
    except Interrupted:
        return False
    seconds = (time.monotonic() - started) / dispatch.size
    adapted = {"loras": ", ".join(str(weights) for weights in loras)} if loras else {}
    for share in watch.wanted:
        for index, place in zip(share.indexes, share.places, strict=True):
            image, seat = images[place], Seat(place, dispatch.size)
            provenance = {**pipeline.provenance, **adapted, "batch": str(seat)}
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
    return True


class _Watch:
    """Called after each step: reports it, with a preview now and then; interrupts a call that nobody wants any more.

    A call goes on for the others if some of its jobs are cancelled: a batch that shrank would change their pixels.
    """

    def __init__(self, dispatch: Dispatch, plan: VramPlan, orders: Orders, pipe: Connection) -> None:
        self._dispatch = dispatch
        self._orders = orders
        self._pipe = pipe
        self._last_preview = time.monotonic()
        self._step_s = dispatch.size * plan.predicted_seconds / max(1, dispatch.shares[0].request.steps_taken)
        self._last_step: float | None = None  # the first one warms up, so that nothing is said of it

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
        self._note_pace(step)
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

    def _note_pace(self, step: Step) -> None:
        now = time.monotonic()
        if self._last_step is not None and now - self._last_step > SLOW_STEP * self._step_s:
            taken_s, model = now - self._last_step, self._dispatch.model
            log.warning("%s, step %d: %.2f s, %.2f s predicted", model, step.number, taken_s, self._step_s)
        self._last_step = now


def _small_png(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, format="PNG", compress_level=1)
    return buffer.getvalue()
