"""How do admins stop the queue and let it go on?"""

from __future__ import annotations

from bot.chat import Call, View
from bot.command import command
from bot.delivery import Delivery
from generation import Service
from storage import Settings

PAUSED = "paused"  # the setting that keeps a pause over a restart


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
