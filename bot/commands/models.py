"""Which models can be asked for here?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bot import listings, wording
from bot.chat import Call, View
from bot.command import command
from bot.places import Places
from generation import Service, download_bytes, gigabytes, here, is_from_hub


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
        resident, stock = self._service.status().resident, await self._stock()
        catalogue = self._service.catalogue
        return await asyncio.to_thread(listings.models, catalogue, card, default, resident, allowed, stock)

    async def _stock(self) -> Mapping[str, str]:
        """Say of each model from the hub whether it is here, or how far on its way."""
        catalogue, under_way = self._service.catalogue, self._service.downloads.under_way
        present = await asyncio.to_thread(here, catalogue)
        told = {
            spec.name: "In the cache."
            if spec.name in present
            else f"To download: about {gigabytes(download_bytes(spec))}."
            for spec in catalogue
            if is_from_hub(spec)
        }
        return told | {download.model: wording.downloading(download) for download in under_way}
