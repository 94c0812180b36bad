"""What does the message of a job show, at each moment, with which buttons?"""

from __future__ import annotations

from dataclasses import replace

from bot import wording
from bot.button import Keyboard, Offer, Stage
from bot.chat import Call, Capabilities, Progress, View
from bot.places import Places
from bot.turns import Turn
from generation import Catalogue, ImagineRequest, JobState
from storage import JobRecord, Jobs, PictureRecord, Pictures

WAITING, RUNNING = Offer(stage=Stage.WAITING), Offer(stage=Stage.RUNNING)


class Messages:
    """Computes views, whole, from records; shows nothing itself."""

    def __init__(
        self, catalogue: Catalogue, places: Places, jobs: Jobs, pictures: Pictures, keyboard: Keyboard
    ) -> None:
        self._models = {spec.name: spec for spec in catalogue}
        self._places = places
        self._jobs = jobs
        self._pictures = pictures
        self._keyboard = keyboard

    def waiting(
        self,
        job_id: int,
        request: ImagineRequest,
        made: int = 0,
        turn: Turn | None = None,
        obstacle: str = "",
        reach_s: float | None = None,
    ) -> View:
        """Acknowledge a job that waits; `made` of its pictures are there."""
        view = wording.waiting(job_id, request, made, turn, obstacle, reach_s)
        return self._with_buttons(view, job_id, WAITING)

    def running(self, job_id: int, request: ImagineRequest, progress: Progress | None, note: str) -> View:
        """Show a job under way."""
        return self._with_buttons(wording.running(job_id, request, progress, note), job_id, RUNNING)

    async def describe(self, job: JobRecord, capabilities: Capabilities) -> View:
        """Say how a job stands, or how it ended, on a platform of these capabilities."""
        request = ImagineRequest.from_json(dict(job.request))
        if not JobState(job.state).is_over:
            offer = RUNNING if job.state == JobState.RUNNING else WAITING
            return self._with_buttons(wording.under_way(job, request), job.id, offer)
        paths = [self._pictures.path(picture.sha256) for picture in job.pictures]
        view = wording.finished(job, request, paths, await self._comparison(job))
        return self._with_buttons(view, job.id, self._offer(job, request, capabilities))

    async def shown(self, job: JobRecord, call: Call) -> View:
        """Describe a job to whoever calls.

        Raises:
            CommandError: its pictures must not be seen in that place.
        """
        view = await self.describe(job, call.platform.capabilities)
        if view.pictures:
            await self._places.check_shown(call, ImagineRequest.from_json(dict(job.request)).model)
        return view

    async def picture(self, job: JobRecord, picture: PictureRecord, call: Call) -> View:
        """Show one picture of a job by itself, as the file that it is.

        Raises:
            CommandError: it must not be seen in that place.
        """
        request = ImagineRequest.from_json(dict(job.request))
        await self._places.check_shown(call, request.model)
        offer = self._offer(job, request, call.platform.capabilities)
        offer = replace(offer, pictures=1, is_single=True)
        view = wording.single(job, request, picture, self._pictures.path(picture.sha256))
        return replace(view, buttons=self._keyboard.under(job.id, offer, index=picture.index))

    def _offer(self, job: JobRecord, request: ImagineRequest, capabilities: Capabilities) -> Offer:
        spec = self._models.get(request.model)
        is_done = job.state == JobState.DONE
        return Offer(
            stage=Stage.DONE if is_done else Stage.GIVEN_UP,
            pictures=len(job.pictures) if is_done else 0,
            is_lossless=capabilities.is_lossless,
            has_image_to_image=spec is not None and spec.has_image_to_image,
        )

    def _with_buttons(self, view: View, job_id: int, offer: Offer) -> View:
        return replace(view, buttons=self._keyboard.under(job_id, offer))

    async def _comparison(self, job: JobRecord) -> str:
        if job.rerun_of is None or not job.pictures:
            return ""
        original = await self._jobs.get(job.rerun_of)
        return "" if original is None else wording.comparison(original, job.pictures)
