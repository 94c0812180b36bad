"""What can a test let go wrong on the way between the bot and Discord?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.standins.discord.errors import ApiError


@dataclass(eq=False)
class Fault:
    """What befalls the next so many requests of a route: an answer of this status, or none at all (status 0)."""

    route: str
    status: int
    is_after: bool
    times: int


@dataclass(eq=False)
class Hold:
    """A route that keeps its callers waiting until released. `reached` is set when somebody waits."""

    route: str
    reached: asyncio.Event
    released: asyncio.Event


class Faults:
    """Switches. A route is the beginning of "PATCH /channels/{channel_id}/messages/{message_id}"."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._holds: list[Hold] = []
        self._refusals: list[tuple[str, ApiError]] = []

    def fail(self, route: str, *, status: int = 500, after_acceptance: bool = False, times: int = 1) -> None:
        """Answers with an error: before Discord has done anything, or after it has done what was asked."""
        self._faults.append(Fault(route, status, after_acceptance, times))

    def drop(self, route: str, *, after_acceptance: bool = False, times: int = 1) -> None:
        """Drops the socket instead of an answer."""
        self._faults.append(Fault(route, 0, after_acceptance, times))

    def refuse(self, route: str, error: ApiError) -> None:
        """Answers the next request with one of Discord's own errors, as an Unknown interaction at random."""
        self._refusals.append((route, error))

    @asynccontextmanager
    async def held(self, route: str) -> AsyncIterator[asyncio.Event]:
        """Keeps all requests of the route waiting; gives the event that somebody waits."""
        hold = Hold(route, asyncio.Event(), asyncio.Event())
        self._holds.append(hold)
        try:
            yield hold.reached
        finally:
            self._holds.remove(hold)
            hold.released.set()

    def clear(self) -> None:
        """Lets everything go well again."""
        self._faults.clear()
        self._refusals.clear()

    async def wait(self, route: str) -> None:
        for hold in [hold for hold in self._holds if route.startswith(hold.route)]:
            hold.reached.set()
            await hold.released.wait()

    def next(self, route: str, *, is_after: bool) -> Fault | None:
        for fault in self._faults:
            if fault.is_after == is_after and route.startswith(fault.route):
                fault.times -= 1
                if fault.times == 0:
                    self._faults.remove(fault)
                return fault
        return None

    def raise_refusal(self, route: str) -> None:
        for refusal in self._refusals:
            if route.startswith(refusal[0]):
                self._refusals.remove(refusal)
                raise refusal[1]
