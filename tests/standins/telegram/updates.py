"""How does the bot learn what happened: what waits for its next poll, and until when?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

from tests.standins.telegram.clock import Clock
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.refusal import BotApiError

FIRST_ID = 700_000_001
KEPT_S = 24 * 3600.0
UNASKED = {"chat_member", "message_reaction", "message_reaction_count"}  # these come only by name
CONFLICT_PAUSE_S = 3.0
IMPATIENCE_S = 0.5
WEBHOOK = "can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"
OTHER_POLLER = "terminated by other getUpdates request; make sure that only one bot instance is running"


class Updates:
    """Keeps updates in order until a poll with a higher offset confirms them, at most for a day.

    A poll that waits is ended with 409 when another one comes; whoever sees that again within three seconds sees it
    late. Asking for the same offset twice within half a second gives one update at a time.
    """

    def __init__(self, clock: Clock, inspect: Callable[[dict[str, Any]], None]) -> None:
        self.webhook = ""
        self.history: dict[int, dict[str, Any]] = {}
        self._clock = clock
        self._inspect = inspect
        self._kept: dict[int, float] = {}
        self._again: list[int] = []
        self._allowed: set[str] | None = None
        self._waiting: asyncio.Future[None] | None = None
        self._next_id = FIRST_ID
        self._next_conflict_at = 0.0
        self._last_poll = (0, -IMPATIENCE_S)

    def add(self, kind: str, content: dict[str, Any]) -> int | None:
        """Keeps an update of a kind that the bot asked for, and gives its id."""
        if kind in UNASKED if self._allowed is None else kind not in self._allowed:
            return None
        update_id, self._next_id = self._next_id, self._next_id + 1
        self.history[update_id] = {"update_id": update_id, kind: content}
        self._inspect(self.history[update_id])
        self._kept[update_id] = self._clock.now()
        self._wake()
        return update_id

    def send_again(self, update_id: int) -> None:
        """Gives an update out once more, whether or not it was confirmed."""
        self._again.append(update_id)
        self._wake()

    @property
    def pending(self) -> int:
        return len(self._kept)

    def forget(self) -> None:
        """Drops what is pending."""
        self._kept.clear()

    def info(self) -> dict[str, Any]:
        return {"url": self.webhook, "has_custom_certificate": False, "pending_update_count": self.pending}

    async def poll(self, fields: Fields) -> list[dict[str, Any]]:
        """Answers getUpdates."""
        if self.webhook:
            raise BotApiError(409, WEBHOOK)
        offset, timeout = fields.integer("offset"), fields.integer("timeout")
        limit = min(max(fields.integer("limit", 100), 1), 100)
        if (allowed := fields.json("allowed_updates")) is not None:
            self._allowed = set(allowed) or None
        if self._last_poll[0] == offset and time.monotonic() < self._last_poll[1] + IMPATIENCE_S:
            limit = 1
        self._last_poll = offset, time.monotonic()
        self._confirm(offset)
        if (found := self._pick(limit)) or timeout <= 0:
            return found
        await self._wait(timeout)
        return self._pick(limit)

    def close(self) -> None:
        """Lets a poll that waits go home."""
        self._wake()

    async def _wait(self, timeout_s: float) -> None:
        if self._waiting is not None:
            self._end_with_conflict(self._waiting)
        waiting = self._waiting = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(timeout_s):
                await waiting
        except TimeoutError:
            return
        finally:
            if self._waiting is waiting:
                self._waiting = None

    def _end_with_conflict(self, waiting: asyncio.Future[None]) -> None:
        def end() -> None:
            if not waiting.done():
                waiting.set_exception(BotApiError(409, OTHER_POLLER))

        if time.monotonic() < self._next_conflict_at:
            asyncio.get_running_loop().call_later(CONFLICT_PAUSE_S, end)
            return
        self._next_conflict_at = time.monotonic() + CONFLICT_PAUSE_S
        end()

    def _confirm(self, offset: int) -> None:
        first = sorted(self._kept)[offset:][:1] if offset < 0 else [offset]
        for update_id in [one for one in self._kept if first and one < first[0]]:
            del self._kept[update_id]

    def _pick(self, limit: int) -> list[dict[str, Any]]:
        oldest = self._clock.now() - KEPT_S
        self._kept = {update_id: at for update_id, at in self._kept.items() if at > oldest}
        again, self._again = self._again[:limit], self._again[limit:]
        return [self.history[update_id] for update_id in [*again, *self._kept][:limit]]

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
