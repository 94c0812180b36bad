"""What does the process do that downloads one model: it tells how far it is, and how it ended?

The card is none of its business, so it imports no torch. It ends with the bot, and can be killed at any time: whatever
has come by then is kept, and the next one goes on from there.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections import deque
from concurrent.futures import ThreadPoolExecutor, wait
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from generation.errors import ModelLoadError
from generation.service.fetching import Fetched, FetchEvent, FetchFailed, Fetching, FetchSetup
from generation.worker.process import settle_in

if TYPE_CHECKING:
    from generation.pipelines.hub.fetch import Fetch

SPEED_SPAN_S = 15.0  # the speed is that of so many seconds

log = logging.getLogger(__name__)


def main(pipe: Connection, setup: FetchSetup) -> None:
    """Download a model, or leave with the other end of the pipe."""
    from generation.pipelines.hub.fetch import Fetch  # noqa: PLC0415 - the bot imports this module, too

    settle_in(setup.log_file, "fetcher")
    logging.getLogger("httpx2").setLevel(logging.WARNING)  # it logs addresses, with signatures in them
    threading.Thread(target=_leave_with, args=(pipe,), daemon=True, name="end of the bot").start()
    fetch = Fetch(setup)
    speed = _Speed()
    with ThreadPoolExecutor(1) as thread:
        ending = thread.submit(_run, fetch)
        while not ending.done():
            wait([ending], timeout=setup.report_s)
            if fetch.files:
                done = fetch.done_bytes
                pipe.send(Fetching(done_bytes=done, total_bytes=fetch.total_bytes, bytes_per_s=speed.of(done)))
        pipe.send(ending.result())


def _run(fetch: Fetch) -> FetchEvent:
    """Whatever goes wrong becomes an event: this is the fetcher's only catch-all."""
    try:
        fetch.run()
    except ModelLoadError as error:
        return FetchFailed(text=str(error))
    except Exception:
        log.exception("the download failed")
        return FetchFailed(text="The download failed. An admin finds the reason in the log.")
    return Fetched()


def _leave_with(pipe: Connection) -> None:
    try:
        while True:
            pipe.recv()
    except (EOFError, OSError):
        os._exit(0)


class _Speed:
    """How fast a number grows."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, done: int) -> float:
        """Take in what it is now, and give what it grew by in a second, lately."""
        now = time.monotonic()
        self._seen.append((now, done))
        while len(self._seen) > 2 and now - self._seen[1][0] > SPEED_SPAN_S:
            self._seen.popleft()
        since, before = self._seen[0]
        return 0.0 if now == since else (done - before) / (now - since)
