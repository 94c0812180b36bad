"""How does a request become a job: durable first, then in the queue, then acknowledged?"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from bot.chat import Accepted, Call
from bot.delivery import Delivery
from bot.places import Places
from generation import ImagineRequest, Job, JobState, Service
from storage import JobRecord, Jobs, Members, NewJob


class Intake:
    """The one way into the queue, for new jobs and for those that an earlier run left behind."""

    def __init__(self, service: Service, jobs: Jobs, members: Members, places: Places, delivery: Delivery) -> None:
        self._service = service
        self._jobs = jobs
        self._members = members
        self._places = places
        self._delivery = delivery

    async def accept(
        self, call: Call, request: ImagineRequest, *, rerun_of: int | None = None, is_spoiler: bool = False
    ) -> Accepted:
        """Accept a request: it is durable when this returns. A repeat of the call's key changes nothing.

        Raises:
            CommandError: its model may not be used in that place.
            DoesNotFitError: this machine cannot run it.
            StorageError: it could not be kept, so it was not accepted.
        """
        await self._places.check(call, request.model)
        await self._service.check(request)
        job = NewJob(
            owner=call.member.key,
            place=call.place.to_json(),
            model=request.model,
            prompt=request.prompt,
            request=request.to_json(),
            rerun_of=rerun_of,
            start_image=request.image,
            is_spoiler=is_spoiler,
        )
        job_id, is_new = await self._jobs.accept(call.key, job)
        if is_new:
            record = await self._jobs.get(job_id)
            assert record is not None
            self._enqueue([record], self._service.submit, {record.id: call.key}, call)
        return Accepted(job_id=job_id)

    async def resume(self) -> None:
        """Take up what an earlier run left: accounts, jobs that are not over, and ends that nobody was shown."""
        accounts_ms = await self._members.virtual_times_ms()
        for owner, virtual_time_ms in accounts_ms.items():
            self._service.restore(owner, virtual_time_ms)
        unfinished = []
        for record in await self._jobs.unfinished():
            if _job(record).missing:
                unfinished.append(record)
            else:  # its last picture was kept, but not its end
                await self._jobs.end(
                    record.id,
                    JobState.DONE,
                    gpu_seconds=record.gpu_ms / 1000,
                    error="",
                    owner=record.owner,
                    virtual_time_ms=accounts_ms.get(record.owner, 0),
                )
        keys = await self._jobs.keys()
        for record in await self._jobs.owed():
            if record.is_deleted:
                await self._jobs.delete(record.id)  # which may have been broken off
                self._delivery.remove(record)
            else:
                self._delivery.follow(record, key=keys.get(record.id, ""))
                await self._delivery.show_end(record)
        self._enqueue(unfinished, self._service.take_back, keys)

    def _enqueue(
        self,
        records: Iterable[JobRecord],
        put: Callable[[Job], None],
        keys: Mapping[int, str],
        call: Call | None = None,
    ) -> None:
        """Without a pause in between, so that the first view of a job's message is its place in the queue."""
        for record in records:
            self._delivery.follow(record, call, key=keys.get(record.id, ""))
            put(_job(record))
        self._delivery.refresh_waiting()


def _job(record: JobRecord) -> Job:
    """Give what is left to do of a job; pictures that are kept already are not made again."""
    request = ImagineRequest.from_json(dict(record.request))
    kept = {picture.index for picture in record.pictures}
    missing = tuple(index for index in range(request.images) if index not in kept)
    return Job(
        id=record.id,
        owner=record.owner,
        request=request,
        missing=missing,
        attempts=record.attempts,
        gpu_seconds=record.gpu_ms / 1000,
    )
