"""What waits and what runs: how is it seen, and how is it given up?"""

from __future__ import annotations

from typing import Annotated

from bot import listings, wording
from bot.access import Access
from bot.button import Press, button, is_under_way
from bot.chat import Call, CommandError, View
from bot.command import Argument, command
from bot.delivery import Delivery
from bot.turns import line_up
from bot.values import job_number
from generation import Service
from storage import JobRecord, Jobs


class Waiting:
    """The commands about jobs that are not over."""

    def __init__(self, service: Service, delivery: Delivery, jobs: Jobs, access: Access) -> None:
        self._service = service
        self._delivery = delivery
        self._jobs = jobs
        self._access = access

    @command("queue", "Show what runs and what waits.")
    async def queue(self, call: Call) -> View:
        """List the queue; other people's prompts stay theirs."""
        owned = {job.id: wording.title(job.prompt) for job in await self._unfinished(call)}
        line = line_up(self._service, owned)
        downloads = self._service.downloads.under_way
        return listings.queue(self._service.status(), line, owned, self._delivery.obstacle, downloads)

    @command("cancel", "Give up a job that waits or runs; without an ID, your only one.")
    async def cancel(self, call: Call, job_id: Annotated[int | None, Argument("ID", "12", job_number)] = None) -> View:
        """Cancel; a running job stops at its next step."""
        return self._cancel(await self._only_job(call) if job_id is None else await self._access.own_job(job_id, call))

    @button("cancel", "Cancel", at=(0, 0), offered=is_under_way)
    async def cancel_pressed(self, press: Press) -> View:
        """Cancel the job under whose message the button stands."""
        return self._cancel(await self._access.own_job(press.job_id, press.call))

    def _cancel(self, job: JobRecord) -> View:
        fate = "will not be made"
        if self._service.shares_call(job.id):
            fate = "is given up; it ends with the run that it shares with other jobs"
        elif job.id in self._service.status().running:
            fate = "stops at its next step"
        if not self._service.cancel(job.id):
            raise CommandError(f"Job {job.id} is over already.")
        return View(text=f"Job {job.id} {fate}.", is_private=True)

    async def _only_job(self, call: Call) -> JobRecord:
        jobs = await self._unfinished(call)
        if not jobs:
            raise CommandError("You have no job that waits or runs.")
        if len(jobs) > 1:
            numbers = ", ".join(str(job.id) for job in jobs)
            raise CommandError(f"You have {len(jobs)} jobs under way, say which one: /cancel ID, one of {numbers}.")
        return jobs[0]

    async def _unfinished(self, call: Call) -> list[JobRecord]:
        return [job for job in await self._jobs.unfinished() if job.owner == call.member.owner]
