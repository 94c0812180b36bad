"""When do the waiting jobs start: how is that known at any time, without holding anything up?

Dry runs of the queue are made on a copy, in a thread, now and then; between two of them the latest one counts. What it
foretold each job is remembered until the job starts, which tells how far such forecasts may be trusted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from generation.job import Gpu
from generation.queue.calibration import Calibration
from generation.queue.fair_queue import FairQueue
from generation.queue.forecast import Outlook, look_ahead

PAUSE_S = 5.0  # at least, from one dry run to the next


@dataclass(frozen=True, slots=True, kw_only=True)
class Prospect:
    """When a waiting job starts, from now: in half of such cases within `p50_s`, in nine of ten within `p90_s`.

    `runs_before` dispatches go first; None if that is not known yet, or more than a dry run looks ahead.
    """

    runs_before: int | None
    p50_s: float
    p90_s: float


@dataclass(slots=True)
class _Wait:
    """The wait of a job, from its submission on; None until a dry run has foretold how long it is."""

    since_s: float
    foretold_s: float | None = None


class Outlooks:
    """The latest dry run, and what came of those before. `changed` is called for each new one.

    `gpus` tells who serves now, `is_held` whether nobody does just now.
    """

    def __init__(
        self,
        queue: FairQueue,
        gpus: Callable[[], Sequence[Gpu]],
        is_held: Callable[[], bool],
        changed: Callable[[], None],
        now: Callable[[], float],
        *,
        pause_s: float,
        waits: Iterable[tuple[float, float]],
    ) -> None:
        self.latest = Outlook(forecasts={})
        self._queue = queue
        self._gpus = gpus
        self._is_held = is_held
        self._changed = changed
        self._now = now
        self._pause_s = pause_s
        self._calibration = Calibration(waits)
        self._made_s = 0.0
        self._waits: dict[int, _Wait] = {}
        self._is_outdated = asyncio.Event()

    def outdate(self) -> None:
        """Let the next dry run come as soon as it may."""
        self._is_outdated.set()

    def expect(self, job_id: int) -> None:
        """Take in that a job was submitted just now: how long it waits will be told and measured."""
        if not self._is_held():
            self._waits[job_id] = _Wait(self._now())

    def hold(self) -> None:
        """Forget what was foretold: jobs that are kept from starting say nothing about forecasts."""
        self._waits.clear()

    def start(self, job_id: int) -> tuple[float | None, float]:
        """Give how long a job that starts now was first foretold to wait, and has waited; and learn from it."""
        wait = self._waits.pop(job_id, None)
        if wait is None or wait.foretold_s is None:
            return None, 0.0
        waited_s = self._now() - wait.since_s
        self._calibration.learn(wait.foretold_s, waited_s)
        return wait.foretold_s, waited_s

    def prospect(self, job_id: int) -> Prospect | None:
        """Say when a job starts; None if it does not wait."""
        if not self._queue.waits(job_id):
            return None
        known = self.latest.forecasts.get(job_id)
        if known is None:
            runs_before, seconds = None, self._busy_s() + (self._queue.fluid_s(job_id) or 0.0)
        else:
            runs_before, seconds = known.runs_before, max(0.0, known.seconds - (self._now() - self._made_s))
        likely = self._calibration.range(seconds)
        return Prospect(runs_before=runs_before, p50_s=likely.p50_s, p90_s=likely.p90_s)

    def _busy_s(self) -> float:
        """Estimate how long it takes until some GPU is idle."""
        left_s = [flight.left_s(self._now()) for flight in self._queue.in_flight.values()]
        return min(left_s) if len(left_s) >= len(self._gpus()) else 0.0

    async def follow(self) -> None:
        """Look ahead whenever something has changed, for ever; with a pause after each time that there was work."""
        while True:
            await self._is_outdated.wait()
            self._is_outdated.clear()
            await self._look()
            if self.latest.runs or self.latest.under_way:
                await asyncio.sleep(self._pause_s)

    async def _look(self) -> None:
        twin, gpus, now_s = self._queue.copied(), self._gpus(), self._now()
        self.latest = await asyncio.to_thread(look_ahead, twin, gpus, now_s)
        self._made_s = now_s
        self._foretell()
        self._changed()

    def _foretell(self) -> None:
        """Keep what each job was foretold first, as long as it waits."""
        self._waits = {job_id: wait for job_id, wait in self._waits.items() if self._queue.waits(job_id)}
        for job_id, wait in self._waits.items():
            told = self.latest.forecasts.get(job_id)
            if told is not None and wait.foretold_s is None:
                wait.foretold_s = self._made_s + told.seconds - wait.since_s
