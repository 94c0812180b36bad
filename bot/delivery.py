"""How does what happens to a job reach storage and the job's one message?

Each job has one message. What it should show is computed whole, each time, from the job's record and its progress;
an editor of its own shows it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Self, assert_never

import structlog

from bot import wording
from bot.chat import Call, Place, Platform, Progress, Tone, View
from bot.editor import Editor, Note
from bot.messages import Messages
from generation import (
    AccountMoved,
    ImagineRequest,
    JobEnded,
    JobEvent,
    JobRequeued,
    JobStarted,
    JobState,
    ModelLoading,
    PictureMade,
    QueueStalled,
    Service,
    StepDone,
)
from storage import JobRecord, Jobs, NewPicture, StorageError

DELETED = 2**31  # a revision after all others

log = structlog.get_logger()


@dataclass(slots=True)
class _Followed:
    """A job with a message: what is known of it beyond its record."""

    request: ImagineRequest
    is_spoiler: bool
    editor: Editor
    task: asyncio.Task[View | None]
    reach_s: float | None
    is_running: bool = False
    progress: Progress | None = None
    note: str = ""


class Delivery:
    """Records what the service reports and keeps the messages true.

    Use as an async context manager, around the service's own: leaving it records what the service still reported.
    """

    def __init__(self, service: Service, jobs: Jobs, messages: Messages, platforms: Mapping[str, Platform]) -> None:
        self._service = service
        self._jobs = jobs
        self._messages = messages
        self._platforms = platforms
        self._followed: dict[int, _Followed] = {}
        self._removals: set[asyncio.Task[View | None]] = set()
        self._lost: dict[int, str] = {}
        self._stalled = ""
        self._moved = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._recorder = self._tasks.create_task(self._record_all(), name="recorder")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.wait([self._recorder])
        for task in (*(followed.task for followed in self._followed.values()), *self._removals):
            task.cancel()
        if not isinstance(error, asyncio.CancelledError):
            kind = error = trace = None  # the group would wrap what is none of its business
        await self._tasks.__aexit__(kind, error, trace)

    @property
    def obstacle(self) -> str:
        """Say what keeps all jobs from starting; empty if nothing does."""
        return wording.PAUSED if self._service.status().is_paused else self._stalled

    def follow(self, job: JobRecord, call: Call | None = None, *, key: str = "") -> None:
        """Give a job its message: a new one in answer to its call, or the one it has already.

        It shows nothing before `refresh_waiting`. `key` is the call's, which may be of an earlier run, if it is known.
        """
        place = Place.from_json(job.place)
        platform = self._platforms.get(place.platform)
        if platform is None:
            return  # that platform is not running now: its messages stay owed
        request = ImagineRequest.from_json(dict(job.request))
        reach_s = call.reach_s if call is not None else None
        placeholder = self._messages.waiting(job.id, request, None, "", reach_s)
        editor = Editor(
            platform,
            place,
            key=key or f"job {job.id}",
            note=self._note(job.id),
            message_id=job.message_id,
            reply=None if call is None else call.reply,
            placeholder=placeholder if platform.capabilities.is_lasting else None,
        )
        task = self._tasks.create_task(editor.run(), name=f"message of job {job.id}")
        task.add_done_callback(lambda _: self._leave(job.id))
        self._followed[job.id] = _Followed(request, job.is_spoiler, editor, task, reach_s)

    def refresh_waiting(self) -> None:
        """Let every waiting job's message show its present place."""
        waiting = {job_id: followed for job_id, followed in self._followed.items() if not followed.is_running}
        if not waiting:
            return
        forecasts = {forecast.job_id: forecast for forecast in self._service.forecast()}
        for job_id, followed in waiting.items():
            forecast = forecasts.get(job_id)
            view = self._messages.waiting(job_id, followed.request, forecast, self.obstacle, followed.reach_s)
            followed.editor.show(replace(view, is_spoiler=followed.is_spoiler), 1)

    async def posted(self, job_id: int) -> None:
        """Wait until a job's message is there."""
        if (followed := self._followed.get(job_id)) is not None:
            await followed.editor.posted()

    async def show_end(self, job: JobRecord) -> None:
        """Let a job's message show how it ended."""
        if (followed := self._followed.get(job.id)) is not None:
            followed.editor.show(await self._describe(job), job.want_rev)

    async def _describe(self, job: JobRecord) -> View:
        platform = self._platforms[Place.from_json(job.place).platform]
        return await self._messages.describe(job, platform.capabilities)

    async def ended(self, job_id: int) -> View | None:
        """Wait until a job's message shows its end, and give that view; None if it is stuck, or was deleted."""
        followed = self._followed.get(job_id)
        if followed is None:
            job = await self._jobs.get(job_id)
            return None if job is None or job.is_deleted else await self._describe(job)
        await self._wait(lambda: followed.task.done() or self._is_stuck(job_id))
        return followed.task.result() if followed.task.done() else None

    async def all_ended(self) -> None:
        """Wait until every job that is followed shows its end, save those that wait behind an obstacle."""
        await self._wait(lambda: all(self._is_stuck(job_id) for job_id in self._followed))

    def remove(self, job: JobRecord) -> None:
        """Take a deleted job's message away, as soon as its platform can."""
        place = Place.from_json(job.place)
        platform = self._platforms.get(place.platform)
        followed = self._followed.get(job.id)
        if followed is not None and not followed.task.done():  # it has not shown the end yet, and must not any more
            followed.editor.withdraw(DELETED)
        elif platform is not None:
            self._take_away(platform, place, job.message_id, self._note(job.id))

    def remove_pressed(self, call: Call) -> None:
        """Take the message away whose button was pressed, as soon as its platform can."""
        self._take_away(call.platform, call.place, call.message_id)

    def _take_away(self, platform: Platform, place: Place, message_id: str | None, note: Note | None = None) -> None:
        editor = Editor(platform, place, key="", note=note, message_id=message_id)
        editor.withdraw(DELETED)
        task = self._tasks.create_task(editor.run(), name=f"removal of message {message_id}")
        self._removals.add(task)
        task.add_done_callback(self._removals.discard)

    def unfinished(self) -> list[int]:
        """Give the jobs that wait or run."""
        running = self._service.status().running
        return [job_id for job_id in self._followed if job_id in running or self._service.waits(job_id)]

    def _is_stuck(self, job_id: int) -> bool:
        is_running = job_id in self._service.status().running
        return bool(self.obstacle) and not is_running and self._service.waits(job_id)

    async def _wait(self, is_reached: Callable[[], bool]) -> None:
        while not is_reached():
            self._moved.clear()
            await self._moved.wait()

    def _leave(self, job_id: int) -> None:
        self._followed.pop(job_id, None)
        self._moved.set()

    async def _record_all(self) -> None:
        async for event in self._service.events():
            try:
                await self._record(event)
            except StorageError as error:
                self._fail(event, str(error))
            self._moved.set()

    async def _record(self, event: JobEvent) -> None:
        match event:
            case JobStarted():
                self._stalled = ""
                self._update(event.job_id, is_running=True)
                self.refresh_waiting()
                await self._jobs.start(event.job_id)
            case JobRequeued():
                self._update(event.job_id, is_running=False, progress=None)
                self.refresh_waiting()
                await self._jobs.requeue(event.job_id, attempts=event.attempts, gpu_seconds=event.gpu_seconds)
            case QueueStalled():
                self._stalled = event.text
                self.refresh_waiting()
            case AccountMoved():
                await self._jobs.move_account(event.owner, event.virtual_time_ms)
            case ModelLoading():
                for job_id in self._service.status().running:
                    self._update(job_id, note=f"loading {event.model}")
            case StepDone():
                self._update(event.job_id, progress=self._progress(event))
            case PictureMade():
                await self._keep(event)
            case JobEnded():
                await self._end(event)
            case _:
                assert_never(event)

    def _progress(self, event: StepDone) -> Progress:
        followed = self._followed.get(event.job_id)
        before = None if followed is None else followed.progress
        earlier = None if before is None or before.picture != event.index + 1 else before.preview
        return Progress(
            picture=event.index + 1,
            pictures=1 if followed is None else followed.request.images,
            step=event.step,
            steps=event.steps,
            preview=event.preview or earlier,
        )

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

    async def _end(self, event: JobEnded) -> None:
        lost = self._lost.pop(event.job_id, "")
        state = JobState.FAILED if lost and event.state is JobState.DONE else event.state
        await self._jobs.end(
            event.job_id,
            state.value,
            gpu_seconds=event.gpu_seconds,
            error=lost or event.error,
            owner=event.owner,
            virtual_time_ms=event.virtual_time_ms,
        )
        log.info("job ended", job_id=event.job_id, state=state.value, gpu_seconds=round(event.gpu_seconds, 3))
        if (job := await self._jobs.get(event.job_id)) is not None:
            await self.show_end(job)
        self.refresh_waiting()

    def _fail(self, event: JobEvent, reason: str) -> None:
        """The database refused: say so. The job stays unfinished there, so the next start takes it up again."""
        log.error("event not recorded", record=type(event).__name__, reason=reason)
        if isinstance(event, JobEnded) and (followed := self._followed.get(event.job_id)) is not None:
            text = f"The end of job {event.job_id} could not be kept. {reason} The job goes on at the next start."
            followed.editor.show(View(text=text, tone=Tone.FAILED), 0)

    def _update(self, job_id: int, **changes: object) -> None:
        followed = self._followed.get(job_id)
        if followed is None:
            return
        for name, value in changes.items():
            setattr(followed, name, value)
        if followed.is_running:
            view = self._messages.running(job_id, followed.request, followed.progress, followed.note)
            followed.editor.show(replace(view, is_spoiler=followed.is_spoiler), 1)

    def _note(self, job_id: int) -> Note:
        async def note(message_id: str | None, revision: int) -> None:
            try:
                await self._jobs.note_shown(job_id, revision, message_id)
            except StorageError as error:  # still owed then: shown once more at the next start
                log.error("message not recorded", job_id=job_id, reason=str(error))

        return note
