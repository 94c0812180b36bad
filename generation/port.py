"""What does the queue's side ask of a worker?"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from generation.events import Load, Run, Unload, WorkerEvent
from generation.memory.card import Card


class Worker(Protocol):
    """What makes pictures: a process of this machine, or later an actor on another host."""

    @property
    def resident(self) -> frozenset[str]:
        """The models that are on the card now."""

    @property
    def resting(self) -> frozenset[str]:
        """The models that have left the card and are still in RAM."""

    async def start(self) -> Card:
        """Be up, and tell the card.

        Raises:
            WorkerDownError: it cannot be started now; the text says why, as far as that is known.
        """

    def perform(self, order: Run | Load | Unload) -> AsyncGenerator[WorkerEvent, None]:
        """Carry out an order and give its events; the last one tells how it ended. One order at a time.

        Raises:
            WorkerDownError: the worker died, hung or could not be started; what it was doing is lost.
        """

    def cancel(self, dispatch_id: int, job_id: int) -> None:
        """Stop a job of the dispatch under way at its next step."""

    def prefetch(self, model: str) -> None:
        """Have this model's files at hand: it comes next. No effect where it is loaded or there is no room for it."""
