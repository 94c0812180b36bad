"""Which of several workers is it that looks for work first, loads a model, or decides what fits?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

from generation.errors import WorkerDownError
from generation.job import Gpu
from generation.memory.card import Card
from generation.port import Worker
from generation.queue.forecast import Outlook
from generation.service.dispatcher import Dispatcher
from generation.service.lane import CLOSED, Lane


class Lanes:
    """One lane for each worker, all on the same queue. `stalled` is called when jobs wait and no worker starts."""

    def __init__(
        self,
        workers: Sequence[Worker],
        dispatcher: Dispatcher,
        *,
        may_work: Callable[[], bool],
        told_card: Callable[[Card], None],
        stalled: Callable[[str], None],
    ) -> None:
        self._lanes = [
            Lane(number, worker, dispatcher, may_work=may_work, told_card=told_card, stalled=self._note_stall)
            for number, worker in enumerate(workers)
        ]
        self._stalled = stalled

    @property
    def cards(self) -> tuple[Card | None, ...]:
        """The cards in the workers' order, None for a worker that has never started."""
        return tuple(lane.card for lane in self._lanes)

    @property
    def resident(self) -> frozenset[str]:
        """The models that are loaded anywhere."""
        return frozenset().union(*(lane.resident for lane in self._lanes))

    @property
    def resting(self) -> frozenset[str]:
        """The models that are in some worker's RAM, and on no card."""
        return frozenset().union(*(lane.resting for lane in self._lanes)) - self.resident

    @property
    def obstacle(self) -> str:
        """Say why nobody can serve; "" as long as anybody can, as far as is known."""
        return self._lanes[0].obstacle if all(lane.obstacle for lane in self._lanes) else ""

    @property
    def gpus(self) -> tuple[Gpu, ...]:
        """Those that can serve as far as is known; all of them if that is none."""
        able = tuple(lane.gpu for lane in self._lanes if not lane.obstacle)
        return able or tuple(lane.gpu for lane in self._lanes)

    async def serve(self) -> None:
        """Keep all workers busy, for ever."""
        async with asyncio.TaskGroup() as tasks:
            for number, lane in enumerate(self._lanes):
                tasks.create_task(lane.serve(), name=f"lane {number}")

    def wake(self, model: str = "") -> None:
        """Let all look for work; of those that are idle first one that has the model, then the emptiest."""
        for lane in sorted(self._lanes, key=lambda lane: (model not in lane.resident, len(lane.resident))):
            lane.wake()

    def look_ahead(self, outlook: Outlook) -> None:
        """Let each worker that is busy have at hand what the next model that it will have to load needs."""
        for run in outlook.under_way:
            coming = (to_come for to_come in outlook.runs if to_come.gpu == run.gpu and to_come.load_s)
            if (following := next(coming, None)) is not None:
                self._lanes[run.gpu].prefetch(following.model)

    def close(self) -> None:
        """Let nobody wait for what will not happen any more."""
        for lane in self._lanes:
            lane.close()

    async def smallest_card(self) -> Card:
        """Tell the card with the least memory, after all workers' first start; one that does not start is left out.

        Raises:
            WorkerDownError: none can be started; it is tried again when somebody asks again or a job waits.
        """
        is_any_known = any(self.cards)
        unknown = [lane for lane in self._lanes if lane.card is None and not (is_any_known and lane.obstacle)]
        refusals = await asyncio.gather(*(_refusal(lane) for lane in unknown))
        cards = [card for card in self.cards if card is not None]
        if not cards:
            raise next((refusal for refusal in refusals if refusal is not None), WorkerDownError(CLOSED))
        return min(cards, key=lambda card: card.memory_gib)

    async def load(self, model: str) -> float:
        """Make a model resident where there are fewest, unless it is somewhere; gives the seconds that it took.

        Raises:
            ModelLoadError, WorkerDownError: as `Lane.load`.
        """
        if model in self.resident:
            return 0.0
        return await min(self._lanes, key=lambda lane: (bool(lane.obstacle), len(lane.resident))).load(model)

    async def unload(self, model: str) -> bool:
        """Drop a model everywhere; False if it was nowhere.

        Raises:
            WorkerDownError: as `Lane.unload`.
        """
        able = (lane for lane in self._lanes if not lane.obstacle)  # a worker that does not start has nothing loaded
        return any(await asyncio.gather(*(lane.unload(model) for lane in able)))

    def _note_stall(self) -> None:
        if self.obstacle:
            self._stalled(self.obstacle)


async def _refusal(lane: Lane) -> WorkerDownError | None:
    """Start a lane's worker, and tell why it does not start."""
    try:
        await lane.start()
    except WorkerDownError as error:
        return error
    return None
