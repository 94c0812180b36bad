"""How is a picture made once more: the same, with another seed, varied, or larger?"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from bot.access import Access
from bot.button import Offer, Press, button, has_pictures, is_over
from bot.chat import Answer, Call
from bot.command import Argument, command
from bot.completion import draw_seed
from bot.intake import Intake
from bot.values import job_number
from generation import Catalogue, ImagineRequest
from storage import JobRecord


def can_vary(offer: Offer) -> bool:
    """Offer a button where the model can start from a picture."""
    return has_pictures(offer) and offer.has_image_to_image


class Again:
    """The commands and buttons that begin with a job of before."""

    def __init__(self, catalogue: Catalogue, access: Access, intake: Intake) -> None:
        self._catalogue = catalogue
        self._access = access
        self._intake = intake

    @command("rerun", "Make a job's pictures once more, with the same seed and settings.")
    async def rerun(self, call: Call, job_id: Annotated[int, Argument("ID", "12", job_number)]) -> Answer:
        """Accept the very request of an earlier job."""
        job = await self._access.visible_job(job_id, call)
        return await self._intake.accept(call, _request(job), rerun_of=job.id, is_spoiler=job.is_spoiler)

    @button("vary", "V{n}", at=(2, 0), offered=can_vary)
    async def vary(self, press: Press) -> Answer:
        """Make variations of one picture."""
        job, picture = await self._access.visible_picture(press.job_id, press.index, press.call)
        request = self._catalogue.varied(_request(job), picture.sha256, seed=draw_seed())
        return await self._intake.accept(press.call, request, is_spoiler=job.is_spoiler)

    @button("again", "🔄", at=(3, 0), offered=is_over)
    async def again(self, press: Press) -> Answer:
        """Make the pictures of a job with a new seed."""
        job = await self._access.visible_job(press.job_id, press.call)
        request = replace(_request(job), seed=draw_seed())
        return await self._intake.accept(press.call, request, is_spoiler=job.is_spoiler)

    @button("upscale", "⬆️", at=(4, 0), offered=lambda offer: can_vary(offer) and offer.pictures == 1)
    async def upscale(self, press: Press) -> Answer:
        """Make one picture twice as large."""
        job, picture = await self._access.visible_picture(press.job_id, press.index, press.call)
        request = self._catalogue.upscaled(_request(job), picture.index, picture.sha256)
        return await self._intake.accept(press.call, request, is_spoiler=job.is_spoiler)


def _request(job: JobRecord) -> ImagineRequest:
    return ImagineRequest.from_json(dict(job.request))
