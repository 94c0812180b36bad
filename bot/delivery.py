"""How does what happens to a job reach the job's one message?

What a message should show is computed whole, each time, from the job's record and its progress; an editor of its own
shows it. Nothing is shown that the recorder has not kept before.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, assert_never

import structlog

from bot import wording
from bot.chat import Call, Place, Platform, Tone, View
from bot.editor import Editor, Note
from bot.followed import Followed
from bot.messages import Messages
from bot.recorder import Recorder
from bot.turns import foretell
from generation import (
    AccountMoved,
    DispatchSettled,
    DownloadMoved,
    ImagineRequest,
    JobEnded,
    JobEvent,
    JobPassedOver,
    JobStarted,
    ModelLoading,
    ModelsLearned,
    OutlookChanged,
    PictureMade,
    QueueStalled,
    Service,
    StepDone,
)
from storage import JobRecord, Jobs, StorageError

DELETED = 2**31  # a revision after all others
LONGEST_REST_S = 10.0
SLICE_S, PAUSE_S = 0.005, 0.02  # of work on very many messages, and of leaving the loop to others in between

log = structlog.get_logger()


class Delivery:
    """Lets what the service reports be recorded, and keeps the messages true.

    Use as an async context manager, around the service's own: leaving it records what the service still reported.
    """

    def __init__(
        self,
        service: Service,
        jobs: Jobs,
        recorder: Recorder,
        messages: Messages,
        platforms: Mapping[str, Platform],
    ) -> None:
        self._service = service
        self._jobs = jobs
        self._recorder = recorder
        self._messages = messages
        self._platforms = platforms
        self._followed: dict[int, Followed] = {}
        self._fresh: list[int] = []  # jobs whose message says nothing of their wait yet
        self._removals: set[asyncio.Task[View | None]] = set()
        self._stalled = ""
        self._outdated = asyncio.Event()
        self._moved = asyncio.Event()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._reader = self._tasks.create_task(self._read_all(), name="reader of events")
        self._refresher = self._tasks.create_task(self._refresh_all(), name="refresher of messages")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.wait([self._reader])
        for task in (self._refresher, *(followed.task for followed in self._followed.values()), *self._removals):
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

        It shows nothing before `refresh_waiting`: then in answer to a call at once, else when its turn comes. `key` is
        the call's, which may be of an earlier run, if it is known.
        """
        place = Place.from_json(job.place)
        platform = self._platforms.get(place.platform)
        if platform is None:
            return  # that platform is not running now: its messages stay owed
        request = ImagineRequest.from_json(dict(job.request))
        reach_s = call.reach_s if call is not None else None
        placeholder = self._messages.waiting(job.id, request, reach_s=reach_s)
        editor = Editor(
            platform,
            place,
            key=key or f"job {job.id}",
            note=self._recorder.note(job.id),
            message_id=job.message_id,
            reply=None if call is None else call.reply,
            placeholder=placeholder if platform.capabilities.is_lasting else None,
        )
        task = self._tasks.create_task(editor.run(), name=f"message of job {job.id}")
        task.add_done_callback(lambda _: self._leave(job.id))
        self._followed[job.id] = Followed(
            job_id=job.id,
            request=request,
            is_spoiler=job.is_spoiler,
            reach_s=reach_s,
            messages=self._messages,
            editor=editor,
            task=task,
            made={picture.index for picture in job.pictures},
        )
        if call is not None:
            self._fresh.append(job.id)

    def refresh_waiting(self) -> None:
        """Let each waiting job's message show how it stands now: the new ones at once, the others as soon as may be."""
        for job_id in self._fresh:
            self._show_waiting(job_id)
        self._fresh.clear()
        self._outdated.set()

    async def _refresh_all(self) -> None:
        """Time goes by, even if nothing happens; and the loop must not stand still for very many messages."""
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LONGEST_REST_S):
                    await self._outdated.wait()
            self._outdated.clear()
            began_s = time.monotonic()
            for job_id in tuple(self._followed):
                self._show_waiting(job_id)
                if time.monotonic() - began_s > SLICE_S:
                    await asyncio.sleep(PAUSE_S)
                    began_s = time.monotonic()

    def _show_waiting(self, job_id: int) -> None:
        followed = self._followed.get(job_id)
        if followed is None or followed.is_running:
            return
        if (download := self._service.downloads.of(job_id)) is not None:
            followed.wait(None, wording.downloading(download))
        elif (turn := foretell(self._service, job_id)) is not None:
            followed.wait(turn, self.obstacle)

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
            self._take_away(platform, place, job.message_id, self._recorder.note(job.id))

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

    async def _read_all(self) -> None:
        async for event in self._service.events():
            try:
                await self._recorder.record(event)
                await self._tell(event)
            except StorageError as error:
                log.error("event not recorded", record=type(event).__name__, reason=str(error))
                await self._tell(event, str(error))
            self._moved.set()

    async def _tell(self, event: JobEvent, complaint: str = "") -> None:
        """Let messages show what has happened; the complaint says why the database refused to keep it."""
        match event:
            case JobStarted():
                self._stalled = ""
                self._at(event.job_id, Followed.start)
            case JobEnded():
                await self._tell_end(event.job_id, complaint)
            case DispatchSettled():
                await self._tell_settled(event, complaint)
            case QueueStalled():
                self._stalled = event.text
                self.refresh_waiting()
            case OutlookChanged() | DownloadMoved():
                self.refresh_waiting()
            case ModelLoading():
                self._tell_loading(event.model)
            case StepDone():
                self._at(event.job_id, lambda followed: followed.step(event))
            case PictureMade():
                self._at(event.job_id, lambda followed: followed.made.add(event.index))
            case AccountMoved() | JobPassedOver() | ModelsLearned():
                pass
            case _:
                assert_never(event)

    def _at(self, job_id: int, change: Callable[[Followed], None]) -> None:
        if (followed := self._followed.get(job_id)) is not None:
            change(followed)

    def _tell_loading(self, model: str) -> None:
        running = [self._followed[job_id] for job_id in self._service.status().running if job_id in self._followed]
        for followed in running:
            if followed.request.model == model:
                followed.load(model)

    async def _tell_settled(self, event: DispatchSettled, complaint: str) -> None:
        running = self._service.status().running
        for outcome in event.outcomes:
            if isinstance(outcome, JobEnded):
                await self._tell_end(outcome.job_id, complaint)
            elif outcome.job_id not in running:  # else the rest of it is being made already
                self._at(outcome.job_id, Followed.wait_again)
                self._fresh.append(outcome.job_id)
        self.refresh_waiting()

    async def _tell_end(self, job_id: int, complaint: str) -> None:
        """A job whose end was not kept stays unfinished in the database, so the next start takes it up again."""
        if complaint:
            if (followed := self._followed.get(job_id)) is not None:
                text = f"The end of job {job_id} could not be kept. {complaint} The job goes on at the next start."
                followed.editor.show(View(text=text, tone=Tone.FAILED), 0)
        elif (job := await self._jobs.get(job_id)) is not None:
            await self.show_end(job)
