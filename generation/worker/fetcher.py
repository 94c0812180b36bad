"""How does the asyncio side have a model downloaded by a process of its own, and go on when that dies?"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeAlias

from generation.models.model import ModelSpec
from generation.pipelines.hub.fetcher import main
from generation.service.fetching import Fetched, FetchEvent, FetchFailed, Fetching, FetchSetup
from generation.worker.process import ProcessDownError, SpawnedProcess

SILENCE_S = 60.0  # it tells its progress all the time
MOST_BREAKDOWNS = 3  # in a row, without a byte in between
BROKE_DOWN = "{model}: the download broke down {times} times. What has come is kept; the log has the reason."

_Process: TypeAlias = SpawnedProcess[None, FetchEvent]

log = logging.getLogger(__name__)


class LocalFetcher:
    """Downloads by processes of this machine, one a model; one that dies is replaced and goes on from where it was.

    Their logs go to `log_file`. They tell their progress every `report_s` seconds; the first pause after a failure of
    the network takes `first_pause_s` seconds.
    """

    def __init__(self, log_file: str, *, report_s: float = 1.0, first_pause_s: float = 1.0) -> None:
        self._log_file = log_file
        self._report_s = report_s
        self._first_pause_s = first_pause_s

    async def fetch(self, spec: ModelSpec) -> AsyncGenerator[FetchEvent, None]:
        """Download what is missing of a model, and tell how it goes; the last event says how it ended.

        One that is given up before takes its process with it.
        """
        breakdowns, most_bytes = 0, 0
        while True:
            try:
                async with aclosing(self._attempt(spec)) as events:
                    async for event in events:
                        if isinstance(event, Fetching) and event.done_bytes > most_bytes:
                            breakdowns, most_bytes = 0, event.done_bytes
                        yield event
                return
            except (ProcessDownError, OSError) as error:  # the latter: it could not be spawned
                breakdowns += 1
                log.error("the download of %s broke down, %d times in a row now: %s", spec.name, breakdowns, error)
                if breakdowns == MOST_BREAKDOWNS:
                    yield FetchFailed(text=BROKE_DOWN.format(model=spec.name, times=breakdowns))
                    return

    async def _attempt(self, spec: ModelSpec) -> AsyncGenerator[FetchEvent, None]:
        setup = FetchSetup(
            spec=spec, log_file=self._log_file, report_s=self._report_s, first_pause_s=self._first_pause_s
        )
        process: _Process = SpawnedProcess(main, setup, name="fetcher")
        try:
            while True:
                event = await process.next_event(SILENCE_S)
                yield event
                if isinstance(event, Fetched | FetchFailed):
                    return
        finally:
            await process.stop()
