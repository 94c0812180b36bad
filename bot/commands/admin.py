"""What may only admins do: with models, places, the queue, and members?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated

from bot import listings
from bot.access import Access
from bot.chat import Call, CommandError, View
from bot.command import Argument, Kind, command, shortened
from bot.delivery import Delivery
from bot.places import Places
from bot.values import yes_or_no
from generation import Service
from storage import Members, Settings

PAUSED = "paused"  # the setting that keeps a pause over a restart
ACCOUNT = re.compile(r"[a-z]+:[^\s:]{1,64}")
ROLE = re.compile(r"[a-z]+:role:[^\s:]{1,64}")


def account(text: str) -> str:
    """Read the key of an account, such as "discord:1"."""
    if not ACCOUNT.fullmatch(text):
        raise CommandError(f"{shortened(text)} is not an account: write PLATFORM:ID, for example discord:1234.")
    return text


def account_or_role(text: str) -> str:
    """Read the key of an account or of a role, such as "discord:role:5"."""
    if not ACCOUNT.fullmatch(text) and not ROLE.fullmatch(text):
        raise CommandError(
            f"{shortened(text)} is neither an account nor a role: write PLATFORM:ID or PLATFORM:role:ID, "
            "for example discord:1234."
        )
    return text


def models(text: str) -> Sequence[str]:
    """Read the names of models, with commas or spaces between them; the word "all" gives none."""
    names = text.casefold().replace(",", " ").split()
    if not names or (len(names) > 1 and names.count("all")):
        raise CommandError(f"{shortened(text)} names no models: write some, such as demo demo-fast, or all.")
    return [] if names == ["all"] else names


class PlaceAdmin:
    """The commands that settle what a place uses and allows."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places

    @command("admin model", "Choose the model that is used here when nobody names one.", is_admin=True)
    async def model(
        self, call: Call, name: Annotated[str | None, Argument("MODEL", "demo", kind=Kind.MODEL)] = None
    ) -> View:
        """Change this place's default, or tell it; jobs that were accepted keep their model."""
        if name is None:
            return View(text=f"The default model here is {await self._places.model(call)}.")
        spec = self._service.catalogue.get(name)
        self._service.catalogue.plan_default(spec, await self._service.card())
        await self._places.set_model(call, spec.name)
        return View(text=f"The default model here is now {spec.name}. Jobs accepted before keep theirs.")

    @command("admin models", "Choose which models may be used here: their names, or all.", is_admin=True)
    async def models(
        self, call: Call, names: Annotated[Sequence[str] | None, Argument("MODELS", "demo demo-fast", models)] = None
    ) -> View:
        """Change which models this place allows, or tell them; jobs that were accepted keep theirs."""
        if names is not None:
            await self._places.allow(call, await self._that_run(names))
        allowed = ", ".join(await self._places.allowed(call.place))
        return View(text=f"Models that may be used here: {allowed}. The default is {await self._places.model(call)}.")

    async def _that_run(self, names: Sequence[str]) -> list[str]:
        specs = [self._service.catalogue.get(name) for name in names]
        for spec in specs:
            self._service.catalogue.plan_default(spec, await self._service.card())
        return [spec.name for spec in specs]

    @command(
        "admin adult", "Allow adult content here, yes or no, where the platform has no mark for it.", is_admin=True
    )
    async def adult(
        self, call: Call, word: Annotated[bool | None, Argument("YES|NO", "yes", yes_or_no)] = None
    ) -> View:
        """Change whether this place is for adults, or tell it."""
        if word is not None and call.is_age_restricted is not None:
            raise CommandError("Here the channel's own age restriction decides: change it in the channel's settings.")
        if word is not None:
            await self._places.set_adult(call.place, is_allowed=word)
        is_adult = await self._places.is_adult(call)
        return View(text=f"Adult content is {'allowed' if is_adult else 'not allowed'} here.")


class ModelAdmin:
    """The commands that load and drop models."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places

    @command("admin load", "Load a model into memory before anybody asks for it.", is_admin=True)
    async def load(self, call: Call, name: Annotated[str, Argument("MODEL", "demo", kind=Kind.MODEL)]) -> View:
        """Load a model as soon as the run under way is over."""
        spec = self._service.catalogue.get(name)
        if spec.name in self._service.status().resident:
            return View(text=f"{spec.name} is loaded already.")
        seconds = await self._service.load(spec.name)
        return View(text=f"{spec.name} loaded in {seconds:.1f} s.")

    @command("admin unload", "Give back the memory of a loaded model.", is_admin=True)
    async def unload(self, call: Call, name: Annotated[str, Argument("MODEL", "demo", kind=Kind.MODEL)]) -> View:
        """Drop a model as soon as the run under way is over."""
        spec = self._service.catalogue.get(name)
        was_loaded = await self._service.unload(spec.name)
        return View(text=f"{spec.name} is unloaded." if was_loaded else f"{spec.name} is not loaded.")

    @command("admin status", "Show the card, the loaded models and the queue.", is_admin=True)
    async def status(self, call: Call) -> View:
        """Tell how things stand."""
        return listings.status(self._service.status(), await self._places.model(call))


class QueueAdmin:
    """The commands that stop the queue and let it go on."""

    def __init__(self, service: Service, settings: Settings, delivery: Delivery) -> None:
        self._service = service
        self._settings = settings
        self._delivery = delivery

    @command("admin pause", "Start no more jobs until /admin resume, not even after a restart.", is_admin=True)
    async def pause(self, call: Call) -> View:
        """Pause the queue."""
        await self._settings.put(PAUSED, "yes")
        self._service.pause()
        self._delivery.refresh_waiting()
        return View(text="The queue is paused: what runs is finished, what waits stays. /admin resume goes on.")

    @command("admin resume", "Let the queue go on.", is_admin=True)
    async def resume(self, call: Call) -> View:
        """Resume the queue."""
        await self._settings.remove(PAUSED)
        self._service.resume()
        self._delivery.refresh_waiting()
        return View(text="The queue goes on.")


class MemberAdmin:
    """The commands that shut members out and let them in again."""

    def __init__(self, members: Members, access: Access) -> None:
        self._members = members
        self._access = access

    @command("admin block", "Refuse all commands of a member.", is_admin=True)
    async def block(
        self, call: Call, member: Annotated[str, Argument("MEMBER", "discord:1234", account, Kind.MEMBER)]
    ) -> View:
        """Block an account."""
        if member in self._access.admins:
            raise CommandError(f"{member} is an admin: admins cannot be blocked.")
        is_new = await self._members.set_blocked(member, is_blocked=True)
        return View(text=f"{member} is blocked." if is_new else f"{member} was blocked already.")

    @command("admin unblock", "Let a blocked member use commands again.", is_admin=True)
    async def unblock(
        self, call: Call, member: Annotated[str, Argument("MEMBER", "discord:1234", account, Kind.MEMBER)]
    ) -> View:
        """Unblock an account."""
        is_new = await self._members.set_blocked(member, is_blocked=False)
        return View(text=f"{member} is no longer blocked." if is_new else f"{member} is not blocked.")

    @command("admin grant", "Give a role or an account the admin right.", is_admin=True)
    async def grant(
        self, call: Call, who: Annotated[str, Argument("WHO", "discord:role:1234", account_or_role, Kind.ROLE)]
    ) -> View:
        """Grant the admin right."""
        is_new = await self._access.grant(who)
        return View(text=f"{who} has the admin right now." if is_new else f"{who} has the admin right already.")

    @command("admin revoke", "Take the admin right from a role or an account.", is_admin=True)
    async def revoke(
        self, call: Call, who: Annotated[str, Argument("WHO", "discord:role:1234", account_or_role, Kind.ROLE)]
    ) -> View:
        """Revoke the admin right."""
        was_granted = await self._access.revoke(who)
        return View(text=f"{who} has no admin right any more." if was_granted else f"{who} has no admin right.")

    @command("admin admins", "List who has the admin right.", is_admin=True)
    async def admins(self, call: Call) -> View:
        """List the admins' keys."""
        return View(text=f"Admins: {', '.join(self._access.admins)}.", is_private=True)
