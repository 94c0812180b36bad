"""What may admins settle for a place: its default model, its models, adult content?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from bot.chat import Call, CommandError, View
from bot.command import Argument, Kind, command
from bot.places import Places
from bot.values import models, yes_or_no
from generation import Service


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
        await self._service.check(self._service.catalogue.default_request(spec))
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
            await self._service.check(self._service.catalogue.default_request(spec))
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
