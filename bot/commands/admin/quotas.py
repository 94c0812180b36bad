"""How do admins limit what somebody may ask for?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bot.chat import Call, CommandError, View
from bot.command import Argument, Flag, Kind, command, shortened
from bot.limits import in_words
from bot.quotas import Quotas
from bot.values import EVERYWHERE, HERE, Chosen, is_role, or_none, size, who
from generation import Catalogue


def pictures(text: str) -> int:
    """Read a number of pictures a day."""
    if not _is_number(text):
        raise CommandError(f"{shortened(text)} is no number of pictures a day: write a whole number, or none.")
    return int(text)


def at_least_one(text: str) -> int:
    """Read a number that leaves something possible."""
    if not _is_number(text) or int(text) == 0:
        raise CommandError("is not possible: write a whole number from 1, or none.")
    return int(text)


def names(text: str) -> Sequence[str]:
    """Read the names of models, with commas or spaces between them."""
    found = text.casefold().replace(",", " ").split()
    if not found:
        raise CommandError("names no models: write some, such as demo demo-fast, or none.")
    return found


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 9


class QuotaAdmin:
    """The command about limits."""

    def __init__(self, quotas: Quotas, catalogue: Catalogue) -> None:
        self._quotas = quotas
        self._catalogue = catalogue

    @command(
        "admin quota",
        "Limit what an account, each of a role, everyone here or everywhere may ask for; N is pictures a day.",
        is_admin=True,
    )
    async def quota(
        self,
        call: Call,
        whom: Annotated[str, Argument("WHO", "discord:1234", who, Kind.ROLE)],
        day: Annotated[Chosen[int] | None, Argument("N", "20", or_none(pictures))] = None,
        *,
        pending: Annotated[
            Chosen[int] | None,
            Flag("pending", "N", "jobs that may wait or run at a time; none lifts a limit", or_none(at_least_one)),
        ] = None,
        size: Annotated[
            Chosen[tuple[int, int]] | None,
            Flag("size", "WxH", "no side longer than its longer one, and no more pixels in all", or_none(size)),
        ] = None,
        steps: Annotated[Chosen[int] | None, Flag("steps", "N", "most steps", or_none(at_least_one))] = None,
        models: Annotated[
            Chosen[Sequence[str]] | None,
            Flag("models", "NAMES", "the only models that may be used", or_none(names), takes_words=True),
        ] = None,
        is_reset: Annotated[bool, Flag("reset", "", "forget all of it first", kind=Kind.SWITCH)] = False,
    ) -> View:
        """Change the limits that were given, or tell all that are set."""
        given = {"day": day, "pending": pending, "size": size, "steps": steps, "models": self._known(models)}
        changes = {name: chosen.value for name, chosen in given.items() if chosen is not None}
        scope = call.server_key if whom == HERE else whom
        if changes or is_reset:
            rules = await self._quotas.change(scope, changes, is_reset=is_reset)
        else:
            rules = await self._quotas.rules(scope)
        if not rules:
            return View(text=f"No limits are set for {_name(whom)}.")
        return View(text=f"Limits for {_name(whom)}: {in_words(rules)}.")

    def _known(self, models: Chosen[Sequence[str]] | None) -> Chosen[tuple[str, ...]] | None:
        """Find the models that were named, which refuses those that there are not."""
        if models is None or models.value is None:
            return None if models is None else Chosen(None)
        return Chosen(tuple(self._catalogue.get(name).name for name in models.value))


def _name(whom: str) -> str:
    if whom == HERE:
        return "everyone here"
    if whom == EVERYWHERE:
        return "everyone, wherever they ask"
    return f"everyone with {whom}" if is_role(whom) else whom
