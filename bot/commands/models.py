"""Which models can be asked for here?"""

from __future__ import annotations

from bot import listings
from bot.chat import Call, View
from bot.command import command
from bot.places import Places
from generation import Service


class Models:
    """The commands about models that are for everyone."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places

    @command("models", "List the models that may be used here, with what this machine can run.")
    async def models(self, call: Call) -> View:
        """List the catalogue."""
        card = await self._service.card()
        default = await self._places.model(call)
        allowed = await self._places.allowed(call.place)
        return listings.models(self._service.catalogue, card, default, self._service.status().resident, allowed)
