"""How do admins see by which policy the queue chooses, try another one on the last days, and set it?"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated

from bot.chat import Call, CommandError, View
from bot.command import Argument, command, shortened
from bot.comparisons import report
from bot.policies import GPUS, PARAMETERS, QUOTA, Parameter, Policies, changed, read_values, value_of, written
from bot.recorder import restored
from bot.trials import Variant, compare, playable
from generation import Service
from storage import Ledger, Measurements, Members

TRY, SET, DEFAULTS = "try", "set", "defaults"
EXAMPLE = f"{TRY} W=60 quota=20"
MOST_DAYS = 7
MOST_JOBS = 20_000
DAY_MS = 86_400_000
HOW_TO = f"""
/admin policy {EXAMPLE}
shows what other values would have meant in the last {MOST_DAYS} days.
/admin policy {SET} W=60
puts them in force; /admin policy {SET} {DEFAULTS} goes back to the operator's."""


class PolicyAdmin:
    """The command that shows, tries and sets the queue's policy."""

    def __init__(
        self,
        service: Service,
        policies: Policies,
        ledger: Ledger,
        measurements: Measurements,
        members: Members,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._policies = policies
        self._ledger = ledger
        self._measurements = measurements
        self._members = members
        self._now = now
        self._is_replaying = False

    @command("admin policy", "Show how the queue chooses, try other values on the last days, set them.", is_admin=True)
    async def policy(self, call: Call, change: Annotated[str | None, Argument("CHANGE", EXAMPLE)] = None) -> View:
        """Show the policy, or do what was typed."""
        if change is None:
            return View(text="\n".join(["The policy in force:", *map(self._line, PARAMETERS), HOW_TO]))
        verb, *rest = change.split(maxsplit=1)
        if verb.casefold() not in (TRY, SET):
            raise CommandError(f"{shortened(verb)} is neither {TRY} nor {SET}: write /admin policy {EXAMPLE}")
        if not rest:
            raise CommandError(f"Say which values, such as /admin policy {verb.casefold()} W=60")
        return await (self._try(rest[0]) if verb.casefold() == TRY else self._set(rest[0]))

    def _line(self, parameter: Parameter) -> str:
        value, operators = value_of(self._policies.in_force, parameter), self._policies.operators_value(parameter)
        before = "" if value == operators else f" (the operator's is {parameter.written(operators)})"
        return f"{parameter.title}, {parameter.written(value)}{before}: {parameter.meaning}."

    async def _set(self, typed: str) -> View:
        if typed.casefold() == DEFAULTS:
            await self._policies.reset()
            return View(text=f"The operator's policy is in force again: {written(self._policies.in_force)}.")
        await self._policies.change(read_values(typed, PARAMETERS))
        return View(text=f"In force from the next run on: {written(self._policies.in_force)}.")

    async def _try(self, typed: str) -> View:
        values = read_values(typed, (*PARAMETERS, QUOTA, GPUS))
        await self._service.card()  # by then the cards are known
        cards = tuple(card.name for card in self._service.status().cards if card is not None)
        in_force = Variant(policy=self._policies.in_force, cards=cards)
        tried = _tried(in_force, values)
        if self._is_replaying:
            raise CommandError("A replay is under way: try again when it has been answered.")
        self._is_replaying = True
        try:
            return View(text=await self._replayed(in_force, tried), is_private=True)
        finally:
            self._is_replaying = False

    async def _replayed(self, in_force: Variant, tried: Variant) -> str:
        since_ms = round(1000 * self._now()) - MOST_DAYS * DAY_MS
        recorded = await self._ledger.recorded(since_ms, MOST_JOBS)
        jobs = await asyncio.to_thread(playable, recorded, self._service.catalogue)
        if not jobs:
            raise CommandError(f"No job of the last {MOST_DAYS} days is recorded, so there is nothing to play again.")
        learned = [restored(each) for each in await self._measurements.all()]
        weights = {key: account.weight for key, account in (await self._members.accounts()).items()}
        found = await asyncio.to_thread(compare, jobs, self._service.guesses, learned, weights, (in_force, tried))
        return report(found, in_force, tried, is_cut_off=len(recorded) == MOST_JOBS)


def _tried(in_force: Variant, values: Mapping[str, float]) -> Variant:
    """Give what is to be played beside the policy in force.

    Raises:
        CommandError: nothing would be different.
    """
    count = int(values.get(GPUS.word, len(in_force.cards)))
    tried = Variant(
        policy=changed(in_force.policy, values),
        cards=tuple(in_force.cards[number % len(in_force.cards)] for number in range(count)),
        quota=int(values.get(QUOTA.word, 0)) or None,
    )
    if tried == in_force:
        raise CommandError("Just that is in force already: try other values, such as /admin policy try W=60")
    if replace(tried, policy=replace(tried.policy, boost_s_per_hour=in_force.policy.boost_s_per_hour)) == in_force:
        raise CommandError("Boosts are not played again: try other values, such as /admin policy try W=60")
    return tried
