"""Which adapters can be asked for here?"""

from __future__ import annotations

import asyncio
from typing import Annotated

from bot import lora_list
from bot.chat import Call, View
from bot.command import Argument, Flag, Kind, command
from bot.places import Places
from bot.values import whole_number
from generation import Catalogue


class Loras:
    """The command about adapters; it is for everyone."""

    def __init__(self, catalogue: Catalogue, places: Places) -> None:
        self._catalogue = catalogue
        self._places = places

    @command("loras", "List the LoRAs that there are: for which models, and with which words.")
    async def loras(
        self,
        call: Call,
        words: Annotated[str, Argument("WORDS", "outline")] = "",
        *,
        page: Annotated[int, Flag("page", "N", "turn the page", whole_number, Kind.WHOLE)] = 1,
    ) -> View:
        """List what the folder holds now, a page at a time; files that cannot be used are listed with the reason."""
        allowed = await self._places.allowed(call.place)
        models = [spec for spec in self._catalogue if spec.name in allowed]
        found = await asyncio.to_thread(self._catalogue.loras.all)
        return lora_list.loras(found, models, words, page)
