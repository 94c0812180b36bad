"""How does a request become a job: durable first, then in the queue, then acknowledged?"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from bot import wording
from bot.chat import Accepted, Button, Call, Tone, View
from bot.delivery import Delivery
from bot.limits import day_began_s
from bot.links import Links
from bot.places import Places
from bot.quotas import Quotas
from bot.weights import Weights
from generation import DoesNotFitError, ImagineRequest, Job, Seat, Service
from storage import JobRecord, Jobs, NewJob, Offers


class Intake:
    """The one way into the queue, for new jobs and for those that an earlier run left behind; `now` gives Unix time."""

    def __init__(
        self,
        service: Service,
        jobs: Jobs,
        places: Places,
        delivery: Delivery,
        quotas: Quotas,
        weights: Weights,
        links: Links,
        offers: Offers,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._places = places
        self._delivery = delivery
        self._quotas = quotas
        self._weights = weights
        self._links = links
        self._offers = offers
        self._now = now

    async def accept(
        self, call: Call, request: ImagineRequest, *, rerun_of: int | None = None, is_spoiler: bool = False
    ) -> Accepted | View:
        """Accept a request: it is durable when this returns. A repeat of the call's key changes nothing.

        One that this machine cannot run is refused with a button for the nearest that it can, if there is any.

        Raises:
            CommandError: its model may not be used in that place, or it is more than its owner may ask for.
            DoesNotFitError: this machine cannot run it, nor anything like it.
            StorageError: it could not be kept, so it was not accepted.
        """
        await self._places.check(call, request.model)
        try:
            await self._service.check(request)
        except DoesNotFitError as error:
            if error.nearest is None or error.nearest.model not in await self._places.usable(call):
                raise
            return await self._instead(request, error, error.nearest, is_spoiler=is_spoiler)
        await self._weights.settle(call.member)
        limits, now_s = await self._quotas.of(call), self._now()
        job_id, is_new = await self._jobs.accept(
            call.key,
            self._new_job(call, request, rerun_of=rerun_of, is_spoiler=is_spoiler),
            lambda usage: limits.check(request, usage, now_s),
            since_ms=1000 * day_began_s(now_s),
        )
        if is_new:
            record = await self._jobs.get(job_id)
            assert record is not None
            self.enqueue([(record, await self.job(record))], self._service.submit, {record.id: call.key}, call)
        return Accepted(job_id=job_id)

    async def _instead(
        self, request: ImagineRequest, error: DoesNotFitError, nearest: ImagineRequest, *, is_spoiler: bool
    ) -> View:
        number = await self._offers.keep(nearest.to_json(), is_spoiler=is_spoiler)
        label = wording.instead(nearest, request, error.nearest_seconds or 0.0)
        offered = ((Button(action="instead", number=number, label=label),),)
        return View(text=str(error), buttons=offered, tone=Tone.REFUSED, is_private=True)

    def _new_job(self, call: Call, request: ImagineRequest, *, rerun_of: int | None, is_spoiler: bool) -> NewJob:
        return NewJob(
            owner=call.member.owner,
            place=call.place.to_json(),
            model=request.model,
            prompt=request.prompt,
            request=request.to_json(),
            images=request.images,
            expected_ms=round(1000 * self._service.expected_s(request)),
            roles=sorted(call.member.roles),
            server=call.server_key,
            rerun_of=rerun_of,
            start_image=request.image,
            mask=request.mask,
            is_spoiler=is_spoiler,
        )

    def enqueue(
        self,
        jobs: Iterable[tuple[JobRecord, Job]],
        put: Callable[[Job], None],
        keys: Mapping[int, str],
        call: Call | None = None,
    ) -> None:
        """Let jobs wait, each followed by its message.

        Without a pause in between, so that the first view of a message is the job's place in the queue.
        """
        for record, job in jobs:
            self._delivery.follow(record, call, key=keys.get(record.id, ""))
            put(replace(job, owner=self._links.person(job.owner)))  # linked, maybe, since its record was read
        self._delivery.refresh_waiting()

    async def job(self, record: JobRecord) -> Job:
        """Give what is left to do of a job; pictures that are kept already are not made again."""
        request = ImagineRequest.from_json(dict(record.request))
        kept = {picture.index for picture in record.pictures}
        since_ms = record.passed_over_ms
        return Job(
            id=record.id,
            owner=record.owner,
            request=request,
            missing=tuple(index for index in range(request.images) if index not in kept),
            expected_s=record.expected_ms / 1000,
            attempts=record.attempts,
            gpu_seconds=record.gpu_ms / 1000,
            seats=await self._seats(record, request),
            passed_over_s=None if since_ms is None else max(0.0, self._now() - since_ms / 1000),
            is_boosted=record.boosted_ms is not None,
        )

    async def _seats(self, record: JobRecord, request: ImagineRequest) -> Mapping[int, Seat]:
        """Give the seats in which a rerun has to repeat the pictures of before, as far as they are known."""
        original = None if record.rerun_of is None else await self._jobs.get(record.rerun_of)
        if original is None or original.is_deleted or ImagineRequest.from_json(dict(original.request)) != request:
            return {}
        batches = {picture.index: picture.provenance.get("batch") for picture in original.pictures}
        return {index: Seat.from_text(batch) for index, batch in batches.items() if batch is not None}
