"""How do admins give somebody a larger or smaller share of the GPU?"""

from __future__ import annotations

from typing import Annotated

from bot.chat import Call, CommandError, View
from bot.command import Argument, Kind, command, shortened
from bot.values import Chosen, account_or_role, is_role, number, or_none
from bot.weights import Weights
from generation import HEAVIEST, LIGHTEST

RANGE = f"{LIGHTEST:g} to {HEAVIEST:g}"


def shares(text: str) -> float:
    """Read how many shares somebody gets."""
    try:
        value = number(text)
    except CommandError as error:
        raise CommandError(f"{shortened(text)} {error.args[0].rstrip('.')}: a weight goes from {RANGE}.") from None
    if not LIGHTEST <= value <= HEAVIEST:
        raise CommandError(f"{shortened(text)} is no weight: it goes from {RANGE}, and none forgets it.")
    return value


class WeightAdmin:
    """The command about weights."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights

    @command(
        "admin weight",
        f"Show or set how many shares of GPU time an account or each of a role gets: {RANGE}, or none.",
        is_admin=True,
    )
    async def weight(
        self,
        call: Call,
        who: Annotated[str, Argument("WHO", "discord:1234", account_or_role, Kind.ROLE)],
        weight: Annotated[Chosen[float] | None, Argument("W", "2", or_none(shares))] = None,
    ) -> View:
        """Set a weight, or tell it."""
        if weight is not None:
            await self._weights.put(who, weight.value)
        whose = f"everyone with {who}" if is_role(who) else who
        kept = await self._weights.get(who)
        if kept is not None:
            since = " from their next job on" if is_role(who) and weight is not None else ""
            return View(text=f"{_capital(whose)} gets {kept:g} times the usual share of GPU time{since}.")
        rest = "" if is_role(who) else ": the largest of their roles' counts, else 1"
        return View(text=f"No weight is set for {whose}{rest}.")


def _capital(name: str) -> str:
    """Begin a sentence; a key stays as it is."""
    return name.replace("everyone", "Everyone", 1) if name.startswith("everyone ") else name
