"""Which models can be asked for here?"""

from __future__ import annotations

from bot import wording
from bot.chat import Call, View
from bot.command import command
from bot.defaults import Defaults
from generation import Service


class Models:
    """The commands about models that are for everyone."""

    def __init__(self, service: Service, defaults: Defaults) -> None:
        self._service = service
        self._defaults = defaults

    @command("models", "List the models, with what this machine can run.")
    async def models(self, call: Call) -> View:
        """List the catalogue."""
        card = await self._service.card()
        default = await self._defaults.model(call.place)
        return wording.models(self._service.catalogue, card, default, self._service.status().resident)
