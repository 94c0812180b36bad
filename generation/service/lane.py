"""How is one worker kept busy: errands first, then whatever the queue selects for it?"""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from generation.errors import GenerationError, ModelLoadError, WorkerDownError
from generation.events import Load, ModelLoaded, ModelLoadFailed, Unload
from generation.job import Gpu
from generation.memory.card import Card
from generation.port import Worker
from generation.service.dispatcher import Dispatcher

CLOSED = "The image service is being shut down."

T = TypeVar("T")


@dataclass(slots=True)
class _Errand:
    """Something the worker does between two dispatches."""

    run: Callable[[], Awaitable[Any]]
    done: asyncio.Future[Any]


class Lane:
    """A worker with its errands. `may_work` tells whether it is to take jobs now; `told_card` hears of its card.

    `obstacle` says why its worker did not start, "" while nothing is wrong; `stalled` is called when jobs wait for it.
    """

    def __init__(
        self,
        number: int,
        worker: Worker,
        dispatcher: Dispatcher,
        *,
        may_work: Callable[[], bool],
        told_card: Callable[[Card], None],
        stalled: Callable[[], None],
    ) -> None:
        self.card: Card | None = None
        self.obstacle = ""
        self._number = number
        self._worker = worker
        self._dispatcher = dispatcher
        self._may_work = may_work
        self._told_card = told_card
        self._stalled = stalled
        self._errands: deque[_Errand] = deque()
        self._wake = asyncio.Event()
        self._is_closed = False

    @property
    def resident(self) -> frozenset[str]:
        """The models that its worker has on the card."""
        return self._worker.resident

    @property
    def resting(self) -> frozenset[str]:
        """The models that its worker has in RAM, and not on the card."""
        return self._worker.resting

    @property
    def gpu(self) -> Gpu:
        """The lane as the queue sees it."""
        card = "" if self.card is None else self.card.name
        return Gpu(number=self._number, card=card, resident=self.resident, resting=self.resting)

    def prefetch(self, model: str) -> None:
        """Have a model's files at hand for its worker, while something else runs."""
        self._worker.prefetch(model)

    def wake(self) -> None:
        """Let it look whether there is something to do."""
        self._wake.set()

    async def start(self) -> Card:
        """Have the worker up, after what it does now, and tell its card.

        Raises:
            WorkerDownError: it cannot be started; it is tried again when somebody asks again or a job waits.
        """
        return await self._send(self._start_worker)

    async def load(self, model: str) -> float:
        """Make a model resident; gives the seconds it took.

        Raises:
            ModelLoadError: it does not fit or cannot be read; the text says what to do.
            WorkerDownError: the worker died or hung while loading, or cannot be started.
        """
        return await self._send(partial(self._load, model))

    async def unload(self, model: str) -> bool:
        """Drop a model from card and RAM; False if it was in neither.

        Raises:
            WorkerDownError: the worker died, and the model with it.
        """
        return await self._send(partial(self._unload, model))

    async def serve(self) -> None:
        """The heart: errands first, then whatever the queue selects; sleep when there is neither."""
        while True:
            if self._errands:
                await self._do(self._errands[0])
                self._errands.popleft()
            elif not self._may_work():
                self._wake.clear()
                await self._wake.wait()
            elif (card := await self._find_up()) is not None and self._may_work() and not self._errands:
                await self._dispatcher.run_next(self.gpu, self._worker, card)

    def close(self) -> None:
        """Let nobody wait for what will not happen any more."""
        self._is_closed = True
        for errand in self._errands:
            if not errand.done.done():
                errand.done.set_exception(WorkerDownError(CLOSED))

    async def _send(self, run: Callable[[], Awaitable[T]]) -> T:
        if self._is_closed:
            raise WorkerDownError(CLOSED)
        errand = _Errand(run, asyncio.get_running_loop().create_future())
        self._errands.append(errand)
        self._wake.set()
        result: T = await errand.done
        return result

    async def _do(self, errand: _Errand) -> None:
        try:
            result = await errand.run()
        except GenerationError as error:
            if not errand.done.done():
                errand.done.set_exception(error)
        else:
            if not errand.done.done():
                errand.done.set_result(result)

    async def _find_up(self) -> Card | None:
        """Start the worker before a job is chosen: that a worker does not start is no job's fault."""
        try:
            return await self._start_worker()
        except WorkerDownError:
            self._stalled()
            return None

    async def _start_worker(self) -> Card:
        try:
            card = await self._worker.start()
        except WorkerDownError as error:
            self.obstacle = str(error)
            raise
        self.obstacle = ""
        if card != self.card:
            self.card = card
            self._told_card(card)
        return card

    async def _load(self, model: str) -> float:
        card = await self._start_worker()
        loaded = await self._perform(self._dispatcher.load_order(model, card))
        assert loaded is not None
        if loaded.seconds:
            self._dispatcher.learn_load(loaded, card)
        return loaded.seconds

    async def _unload(self, model: str) -> bool:
        was_there = model in self.resident | self.resting
        if was_there:
            await self._perform(Unload(model=model))
        return was_there

    async def _perform(self, order: Load | Unload) -> ModelLoaded | None:
        loaded = None
        async with contextlib.aclosing(self._worker.perform(order)) as events:
            async for event in events:
                match event:
                    case ModelLoaded():
                        loaded = event
                    case ModelLoadFailed():
                        raise ModelLoadError(event.text)
                    case _:
                        pass
        return loaded
