"""How does what the service reports become durable, before anybody is shown it?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import assert_never

import structlog

from bot.editor import Note
from generation import (
    AccountMoved,
    DispatchSettled,
    DownloadMoved,
    JobEnded,
    JobEvent,
    JobPassedOver,
    JobRequeued,
    JobStarted,
    JobState,
    Learned,
    ModelLoading,
    ModelsLearned,
    OutlookChanged,
    PictureMade,
    QueueStalled,
    StepDone,
)
from storage import JobOutcome, Jobs, LearnedRecord, Measurements, NewPicture, StorageError

log = structlog.get_logger()


class Recorder:
    """Keeps each event of the service; a job of which a picture could not be kept ends as failed."""

    def __init__(self, jobs: Jobs, measurements: Measurements) -> None:
        self._jobs = jobs
        self._measurements = measurements
        self._lost: dict[int, str] = {}  # why a picture of the job could not be kept

    async def record(self, event: JobEvent) -> None:
        """Keep an event, whole or not at all.

        Raises:
            StorageError: it could not be kept.
        """
        match event:
            case JobStarted():
                foretold_ms = None if event.foretold_s is None else round(1000 * event.foretold_s)
                await self._jobs.start(event.job_id, foretold_ms=foretold_ms)
            case JobPassedOver():
                await self._jobs.pass_over(event.job_id)
            case JobEnded():
                await self._settle([event], {}, ())
            case DispatchSettled():
                await self._settle(event.outcomes, event.virtual_times_ms, event.learned)
            case AccountMoved():
                await self._jobs.move_account(event.owner, event.virtual_time_ms)
            case ModelsLearned():
                await self._measurements.put(_records(event.learned))
            case PictureMade():
                await self._keep(event)
            case QueueStalled() | DownloadMoved() | OutlookChanged() | ModelLoading() | StepDone():
                pass
            case _:
                assert_never(event)

    def note(self, job_id: int) -> Note:
        """Give what keeps which message is a job's, and what it shows."""

        async def note(message_id: str | None, revision: int) -> None:
            try:
                await self._jobs.note_shown(job_id, revision, message_id)
            except StorageError as error:  # still owed then: shown once more at the next start
                log.error("message not recorded", job_id=job_id, reason=str(error))

        return note

    async def _settle(
        self,
        outcomes: Sequence[JobEnded | JobRequeued],
        virtual_times_ms: Mapping[str, int],
        learned: Sequence[Learned],
    ) -> None:
        fates = [self._outcome(outcome) for outcome in outcomes]
        await self._jobs.settle(fates, virtual_times_ms=virtual_times_ms, learned=_records(learned))
        for fate in fates:
            if JobState(fate.state).is_over:
                self._lost.pop(fate.job_id, None)
                log.info("job ended", job_id=fate.job_id, state=fate.state, gpu_seconds=round(fate.gpu_ms / 1000, 3))

    def _outcome(self, event: JobEnded | JobRequeued) -> JobOutcome:
        gpu_ms = round(1000 * event.gpu_seconds)
        if isinstance(event, JobRequeued):
            queued = JobState.QUEUED.value
            return JobOutcome(job_id=event.job_id, state=queued, attempts=event.attempts, gpu_ms=gpu_ms)
        lost = self._lost.get(event.job_id, "")
        state = JobState.FAILED if lost and event.state is JobState.DONE else event.state
        return JobOutcome(job_id=event.job_id, state=state.value, gpu_ms=gpu_ms, error=lost or event.error)

    async def _keep(self, event: PictureMade) -> None:
        picture = NewPicture(
            job_id=event.job_id,
            index=event.index,
            png=event.png,
            seed=event.seed,
            width=event.width,
            height=event.height,
            provenance=event.provenance,
        )
        try:
            await self._jobs.add_picture(picture)
        except StorageError as error:
            log.error("picture not kept", job_id=event.job_id, reason=str(error))
            self._lost[event.job_id] = str(error)


def restored(record: LearnedRecord) -> Learned:
    """Give what was learned as it was before it was kept."""
    return Learned(card=record.card, model=record.model, shape=record.shape, facts=record.facts)


def _records(learned: Sequence[Learned]) -> list[LearnedRecord]:
    return [
        LearnedRecord(card=known.card, model=known.model, shape=known.shape, facts=known.facts) for known in learned
    ]
