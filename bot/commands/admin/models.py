"""How do admins load and drop models, and see how things stand?"""

from __future__ import annotations

from typing import Annotated

from bot import listings
from bot.chat import Call, View
from bot.command import Argument, Kind, command
from bot.places import Places
from generation import Service


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
