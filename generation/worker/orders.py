"""How do orders reach the worker, some of them ahead of their turn?"""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from multiprocessing.connection import Connection

from generation.events import Cancel, Order, Prefetch
from generation.job import Dispatch
from generation.worker.prefetch import Prefetcher


class Orders:
    """The orders as they come in, to iterate over; cancellations are known at once, ahead of their turn.

    So are wishes to read files ahead, once there is a `prefetcher` for them. As long as none waits, `between` does
    something useful, piece by piece, until it says that nothing is left to do.
    """

    def __init__(self, pipe: Connection) -> None:
        self.prefetcher: Prefetcher | None = None
        self.between: Callable[[], bool] = lambda: False
        self._pipe = pipe
        self._waiting: queue.SimpleQueue[Order] = queue.SimpleQueue()
        self._cancelled: set[Cancel] = set()
        threading.Thread(target=self._read, daemon=True, name="orders").start()

    def __iter__(self) -> Iterator[Order]:
        while True:
            while self._waiting.empty() and self.between():
                pass
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
            match order:
                case Cancel():
                    self._cancelled.add(order)
                case Prefetch():
                    if self.prefetcher is not None:
                        self.prefetcher.wish(order.model)
                case _:
                    self._waiting.put(order)
