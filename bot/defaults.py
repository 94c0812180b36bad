"""Which model does a place use when nobody names one?"""

from __future__ import annotations

from bot.chat import Place
from generation import Catalogue
from storage import Settings

MODEL = "model"


class Defaults:
    """The default model of each place: what an admin chose there, else the catalogue's own."""

    def __init__(self, catalogue: Catalogue, settings: Settings) -> None:
        self._catalogue = catalogue
        self._settings = settings

    async def model(self, place: Place) -> str:
        """Give the place's default model; a choice that has left the catalogue counts as none."""
        chosen = await self._settings.get(MODEL, scope=place.key)
        known = {spec.name for spec in self._catalogue}
        return chosen if chosen in known else self._catalogue.default

    async def set_model(self, place: Place, model: str) -> None:
        """Make a model the place's default, from the next request on."""
        await self._settings.put(MODEL, model, scope=place.key)
