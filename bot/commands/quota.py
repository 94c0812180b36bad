"""How much may somebody still ask for?"""

from __future__ import annotations

import time
from collections.abc import Callable

from bot.chat import Call, View
from bot.command import command
from bot.limits import allowance, day_began_s
from bot.quotas import Quotas
from storage import Ledger, Usage


class Allowance:
    """The command about the caller's own limits."""

    def __init__(self, quotas: Quotas, ledger: Ledger, now: Callable[[], float] = time.time) -> None:
        self._quotas = quotas
        self._ledger = ledger
        self._now = now

    @command("quota", "Show how much you may ask for here, and how much of it you have used.")
    async def quota(self, call: Call) -> View:
        """Tell the caller's limits and use."""
        now_s = self._now()
        usage = Usage(
            pending=await self._ledger.pending(call.member.owner),
            images=await self._ledger.images_since(call.member.owner, 1000 * day_began_s(now_s)),
        )
        return View(text=allowance(await self._quotas.of(call), usage, now_s), is_private=True)
