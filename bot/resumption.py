"""How does the bot go on after a restart where it was, however it ended?"""

from __future__ import annotations

from bot.delivery import Delivery
from bot.intake import Intake
from generation import JobState, Service
from storage import JobOutcome, JobRecord, Jobs, Members


class Resumption:
    """Takes up, once at the start, what an earlier run left."""

    def __init__(self, service: Service, jobs: Jobs, members: Members, delivery: Delivery, intake: Intake) -> None:
        self._service = service
        self._jobs = jobs
        self._members = members
        self._delivery = delivery
        self._intake = intake

    async def resume(self) -> None:
        """Take up what an earlier run left: accounts, jobs that are not over, and ends that nobody was shown."""
        for owner, account in (await self._members.accounts()).items():
            self._service.restore(owner, account.virtual_time_ms, account.weight)
        unfinished = []
        for record in sorted(await self._jobs.unfinished(), key=_by_boost):
            job = await self._intake.job(record)
            if job.missing:
                unfinished.append((record, job))
            else:  # its last picture was kept, but not its end
                done = JobOutcome(job_id=record.id, state=JobState.DONE, gpu_ms=record.gpu_ms)
                await self._jobs.settle([done], virtual_times_ms={})
        keys = await self._jobs.keys()
        for record in await self._jobs.owed():
            if record.is_deleted:
                await self._jobs.delete(record.id)  # which may have been broken off
                self._delivery.remove(record)
            else:
                self._delivery.follow(record, key=keys.get(record.id, ""))
                await self._delivery.show_end(record)
        self._intake.enqueue(unfinished, self._service.take_back, keys)


def _by_boost(record: JobRecord) -> tuple[bool, int, int]:
    """Order boosted jobs by when they were boosted, and all others after them, oldest first."""
    return record.boosted_ms is None, record.boosted_ms or 0, record.id
