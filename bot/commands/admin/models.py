"""How do admins download, load and drop models, and see how things stand?"""

from __future__ import annotations

import asyncio
from typing import Annotated

from bot import listings, wording
from bot.access import Access
from bot.arrivals import STOP, Arrivals, number_of
from bot.button import Press, button
from bot.chat import Answer, Call, CommandError, View
from bot.command import Argument, Kind, command
from bot.places import Places
from generation import ModelSpec, Service, here


class ModelAdmin:
    """The commands that download, load and drop models."""

    def __init__(self, service: Service, places: Places, access: Access, arrivals: Arrivals) -> None:
        self._service = service
        self._places = places
        self._access = access
        self._arrivals = arrivals

    @command("admin download", "Download a model from the hub before anybody asks for it.", is_admin=True)
    async def download(self, call: Call, name: Annotated[str, Argument("MODEL", "demo", kind=Kind.MODEL)]) -> Answer:
        """Download a model, beside everything else, unless it is on this disk."""
        spec = self._service.catalogue.get(name)
        if await _is_here(spec):
            return View(text=f"{spec.name} is on this disk already.")
        await self._service.check(self._service.catalogue.default_request(spec))
        return self._arrivals.begin(call, spec.name, is_loaded=False)

    @button(STOP, "Cancel", at=(0, 0), offered=lambda _: False)  # it stands under no job
    async def stop(self, press: Press) -> View:
        """Stop the download under whose message the button stands, for all who want it."""
        if not self._access.is_admin(press.call.member):
            raise CommandError("Only admins may stop a download.")
        numbers = {number_of(spec.name): spec.name for spec in self._service.catalogue}
        model = numbers.get(press.button.number, "")
        if not self._service.downloads.stop(model):
            raise CommandError("This download is over already.")
        return View(text=f"The download of {model} is stopped. What has come is kept.", is_private=True)

    @command("admin load", "Load a model into memory before anybody asks for it.", is_admin=True)
    async def load(self, call: Call, name: Annotated[str, Argument("MODEL", "demo", kind=Kind.MODEL)]) -> Answer:
        """Load a model as soon as the run under way is over; one that is not on this disk is downloaded before."""
        spec = self._service.catalogue.get(name)
        if spec.name in self._service.status().resident:
            return View(text=f"{spec.name} is loaded already.")
        if not await _is_here(spec):
            await self._service.check(self._service.catalogue.default_request(spec))
            return self._arrivals.begin(call, spec.name, is_loaded=True)
        return wording.loaded(spec.name, await self._service.load(spec.name))

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


async def _is_here(spec: ModelSpec) -> bool:
    return bool(await asyncio.to_thread(here, [spec]))
