"""How do tests talk with the real program: a recorded platform, and a room that opens the whole app on it?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from bot.app import open_app
from bot.chat import Accepted, Answer, Button, Call, Capabilities, Form, Member, MessageGoneError, Place, View
from bot.settings import GenerationSettings, Settings
from generation import ImagineRequest
from storage import JobRecord
from tests.fake_models import write_models

PATIENCE_S = 60.0
SOMEBODY = Member(platform="recorded", id="somebody", name="Somebody")
ADMIN = Member(platform="recorded", id="admin", name="Admin")
STUDIO = Place(platform="recorded", channel="studio")


def settings(directory: Path) -> Settings:
    """Give settings whose data and models lie in this directory."""
    return Settings(
        data_dir=directory / "data",
        admins=frozenset({ADMIN.key}),
        generation=GenerationSettings(device="cpu", default_model="flat", models_file=write_models(directory)),
    )


class RecordedPlatform:
    """Stands in for a chat: keeps every view that each message showed, and lets a test wait for one."""

    capabilities = Capabilities(edit_interval_s=0.0)

    def __init__(self, first: int = 1, name: str = "recorded") -> None:
        self.name = name
        self.messages: dict[str, list[View]] = {}
        self.forms: list[Form] = []
        self._next = first
        self._changed = asyncio.Condition()

    async def post(self, place: Place, view: View, key: str) -> str:
        message_id = str(self._next)
        self._next += 1
        await self._record(message_id, view)
        return message_id

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        if message_id not in self.messages:
            raise MessageGoneError
        if self.messages[message_id][-1] != view:
            await self._record(message_id, view)

    async def remove(self, place: Place, message_id: str) -> None:
        async with self._changed:
            self.messages.pop(message_id, None)
            self._changed.notify_all()

    async def until(self, is_it: Callable[[View], bool]) -> View:
        """Wait until some message has shown such a view, and give it."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while (found := next((v for views in self.messages.values() for v in views if is_it(v)), None)) is None:
                await self._changed.wait()
        return found

    async def until_gone(self, message_id: str) -> None:
        """Wait until a message was taken away."""
        async with asyncio.timeout(PATIENCE_S), self._changed:
            while message_id in self.messages:
                await self._changed.wait()

    async def _record(self, message_id: str, view: View) -> None:
        async with self._changed:
            self.messages.setdefault(message_id, []).append(view)
            self._changed.notify_all()


@dataclass(frozen=True)
class RecordedReply:
    """Answers into the recorded platform."""

    platform: RecordedPlatform
    place: Place

    async def answer(self, view: View) -> None:
        await self.platform.post(self.place, view, "")

    async def acknowledge(self, view: View, key: str) -> str:
        return await self.platform.post(self.place, view, key)

    async def ask(self, form: Form) -> None:
        self.platform.forms.append(form)


@dataclass
class Room:
    """The whole program on a directory, and people who type into it. An async context manager, entered anew to restart.

    The program may be in `others` at the same time, which have places of their own. It lives in a task of its own: the
    fixtures that open and close a room run in different ones.
    """

    settings: Settings
    platform: RecordedPlatform = field(default_factory=RecordedPlatform)
    others: tuple[RecordedPlatform, ...] = ()
    _calls: int = 0

    async def __aenter__(self) -> Self:
        self._is_open, self._leave = asyncio.Event(), asyncio.Event()
        self._life = asyncio.create_task(self._live())
        opening = asyncio.create_task(self._is_open.wait())
        await asyncio.wait([self._life, opening], return_when=asyncio.FIRST_COMPLETED)
        opening.cancel()
        if self._life.done():
            await self._life  # raises why it did not open
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leave.set()
        async with asyncio.timeout(PATIENCE_S):
            await self._life

    async def _live(self) -> None:
        platforms = {platform.name: platform for platform in (self.platform, *self.others)}
        async with open_app(self.settings, platforms, outlook_pause_s=0.05) as self.app:
            self._is_open.set()
            await self._leave.wait()

    @property
    def switches(self) -> Path:
        """Where the fake models' switches lie."""
        assert self.settings.generation.models_file is not None
        return self.settings.generation.models_file.parent / "switches"

    def hold(self) -> None:
        """Keep each picture at its first step."""
        (self.switches / "hold").touch()

    def release(self) -> None:
        """Let pictures go on."""
        (self.switches / "hold").unlink(missing_ok=True)

    def call(self, member: Member = SOMEBODY, place: Place = STUDIO, key: str | None = None, **facts: Any) -> Call:
        """Give what identifies an event that somebody causes."""
        self._calls += 1
        platform = next(platform for platform in (self.platform, *self.others) if platform.name == place.platform)
        return Call(
            key=key or f"event {id(self)} {self._calls}",
            member=member,
            place=place,
            platform=platform,
            reply=RecordedReply(platform, place),
            **facts,
        )

    async def type(
        self, line: str, member: Member = SOMEBODY, place: Place = STUDIO, key: str | None = None, **facts: Any
    ) -> Answer:
        """Type a line and give the direct answer to it; once a job was accepted, its message is there."""
        async with asyncio.timeout(PATIENCE_S):
            answer = await self.app.router.run_line(self.call(member, place, key, **facts), line)
            if isinstance(answer, Accepted):
                await self.app.delivery.posted(answer.job_id)
            return answer

    async def press(
        self, payload: str, member: Member = SOMEBODY, place: Place = STUDIO, text: str | None = None, **facts: Any
    ) -> Answer:
        """Press a button, or fill in the form that it asked for, and give the direct answer."""
        async with asyncio.timeout(PATIENCE_S):
            call = self.call(member, place, **facts)
            return await self.app.router.press(call, Button.from_payload(payload), text)

    async def accept(self, line: str, member: Member = SOMEBODY, place: Place = STUDIO, key: str | None = None) -> int:
        """Type a line that asks for a picture and give the job's number."""
        answer = await self.type(line, member, place, key)
        assert isinstance(answer, Accepted), answer
        return answer.job_id

    async def say(self, line: str, member: Member = SOMEBODY, place: Place = STUDIO) -> View:
        """Type a line and give what it led to: the answer, or how its job ended."""
        answer = await self.type(line, member, place)
        assert not isinstance(answer, Form)
        return await self.end(answer.job_id) if isinstance(answer, Accepted) else answer

    async def end(self, job_id: int) -> View:
        """Wait for a job's end and give the view that shows it."""
        async with asyncio.timeout(PATIENCE_S):
            view = await self.app.delivery.ended(job_id)
        assert view is not None
        return view

    async def made(self, line: str, member: Member = SOMEBODY, place: Place = STUDIO) -> int:
        """Type a line that asks for a picture and give the job's number, once it is over."""
        job_id = await self.accept(line, member, place)
        await self.end(job_id)
        return job_id

    async def running(self, line: str, member: Member = SOMEBODY) -> int:
        """Hold all pictures at their first step, ask for one and give the job's number, once it is being made."""
        self.hold()
        job_id = await self.accept(line, member)
        await self.platform.until(lambda view: view.progress is not None and view.text.startswith(f"Job {job_id}: "))
        return job_id

    async def counted(self, job_id: int) -> View:
        """Wait until a waiting job's message tells how many runs go before it."""
        return await self.platform.until(
            lambda view: view.text.startswith(f"Job {job_id} queued") and " before " in view.text
        )

    async def press_for_job(self, payload: str, member: Member = SOMEBODY, text: str | None = None) -> int:
        """Press a button that asks for a picture and give the job's number, once it is over."""
        answer = await self.press(payload, member, text=text)
        assert isinstance(answer, Accepted), answer
        await self.end(answer.job_id)
        return answer.job_id

    async def press_for_view(self, payload: str, member: Member = SOMEBODY, **facts: Any) -> View:
        """Press a button that answers at once."""
        answer = await self.press(payload, member, **facts)
        assert isinstance(answer, View), answer
        return answer

    async def job(self, job_id: int) -> JobRecord:
        """Look a job up."""
        record = await self.app.desk.jobs.get(job_id)
        assert record is not None
        return record

    async def request(self, job_id: int) -> ImagineRequest:
        """Tell what a job was asked for."""
        return ImagineRequest.from_json(dict((await self.job(job_id)).request))

    def message_of(self, job_id: int) -> str:
        """Find a job's own message."""
        start = f"Job {job_id} queued"
        return next(key for key, views in self.platform.messages.items() if views[0].text.startswith(start))

    def view_of(self, job_id: int) -> View:
        """Give what a job's own message shows now."""
        return self.platform.messages[self.message_of(job_id)][-1]
