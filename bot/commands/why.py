"""How does somebody learn why their job waits?"""

from __future__ import annotations

from bot import reasons, wording
from bot.access import Access
from bot.button import Press, Stage, button
from bot.chat import CommandError, View
from bot.delivery import Delivery
from bot.turns import foretell
from generation import JobState, Service


class Why:
    """The button under the message of a job that waits."""

    def __init__(self, service: Service, delivery: Delivery, access: Access) -> None:
        self._service = service
        self._delivery = delivery
        self._access = access

    @button("why", "Why?", at=(0, 1), offered=lambda offer: offer.stage is Stage.WAITING)
    async def why(self, press: Press) -> View:
        """List what goes before the job under whose message the button stands."""
        job = await self._access.own_job(press.job_id, press.call)
        if (download := self._service.downloads.of(job.id)) is not None:
            return View(text=f"Job {job.id} waits for its model. {wording.downloading(download)}", is_private=True)
        turn = foretell(self._service, job.id)
        if turn is None:
            why_not = "is over already" if JobState(job.state).is_over else "waits no more: it is being made now"
            raise CommandError(f"Job {job.id} {why_not}.")
        return reasons.explain(
            job,
            turn,
            self._service.outlook(),
            self._delivery.obstacle,
            is_own=job.owner == press.call.member.owner,
            cards=len(self._service.status().cards),
        )
