"""How does the message of a download that an admin asked for stay true, over restarts too?"""

from __future__ import annotations

import asyncio
import json
import secrets
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import structlog

from bot import wording
from bot.chat import Announced, Button, Call, CommandError, Place, Platform, Tone, View
from bot.editor import Editor, Note
from generation import Download, GenerationError, Service
from storage import Settings, StorageError

DOWNLOAD = "download"  # the setting that keeps which message tells of it
STOP = "stopdownload"
LOOK_S = 1.0  # from one look at a download's progress to the next

log = structlog.get_logger()


def number_of(model: str) -> int:
    """Give the number by which a button means a model: the same in every run."""
    return zlib.crc32(model.encode())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A model that an admin sent for. `token` names it for ever."""

    model: str
    place: Place
    is_loaded: bool
    token: str = field(default_factory=lambda: secrets.token_hex(8))

    def kept(self, message_id: str | None) -> str:
        """Write down what a restart needs to know."""
        facts = {"model": self.model, "place": self.place.to_json(), "is_loaded": self.is_loaded}
        return json.dumps(facts | {"message": message_id})


class Arrivals:
    """The downloads that admins asked for, each with its message. What is under way goes on after a restart.

    Use as an async context manager, inside the service's own.
    """

    def __init__(self, service: Service, settings: Settings, platforms: Mapping[str, Platform]) -> None:
        self._service = service
        self._settings = settings
        self._platforms = platforms
        self._under_way: set[str] = set()
        self._messages: set[asyncio.Task[View | None]] = set()
        self._tasks = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._messages:
            task.cancel()
        if not isinstance(error, asyncio.CancelledError):
            kind = error = trace = None  # the group would wrap what is none of its business
        await self._tasks.__aexit__(kind, error, trace)

    async def resume(self) -> None:
        """Go on with what an earlier run left."""
        for token, kept in (await self._settings.all(DOWNLOAD)).items():
            facts = json.loads(kept)
            place = Place.from_json(facts["place"])
            wish = _Wish(model=facts["model"], place=place, is_loaded=facts["is_loaded"], token=token)
            if (platform := self._platforms.get(place.platform)) is not None:
                self._follow(wish, platform, message_id=facts["message"])

    def begin(self, call: Call, model: str, *, is_loaded: bool) -> Announced:
        """Download a model, and then load it if that is wanted; a message of its own tells how it goes.

        Raises:
            CommandError: another message tells of that already.
        """
        if model in self._under_way:
            raise CommandError(wording.downloading(self._download(model) or Download(model=model)))
        wish = _Wish(model=model, place=call.place, is_loaded=is_loaded)
        return Announced(end=self._follow(wish, call.platform, call=call))

    def _follow(
        self, wish: _Wish, platform: Platform, *, message_id: str | None = None, call: Call | None = None
    ) -> asyncio.Task[View | None]:
        key, reply = (f"download {wish.token}", None) if call is None else (call.key, call.reply)
        self._under_way.add(wish.model)
        note = self._note(wish)
        editor = Editor(platform, wish.place, key=key, note=note, message_id=message_id, reply=reply)
        task = self._tasks.create_task(self._tell(wish, editor), name=f"message of {wish.model}")
        self._messages.add(task)
        task.add_done_callback(self._messages.discard)
        return task

    async def _tell(self, wish: _Wish, editor: Editor) -> View | None:
        """Keep the message true until the model is there, or cannot be."""
        showing = self._tasks.create_task(editor.run(), name=f"editor of the message of {wish.model}")
        getting = asyncio.create_task(self._get(wish), name=f"wish for {wish.model}")
        has_begun = False
        try:
            while not getting.done():
                download = self._download(wish.model)
                has_begun |= download is not None
                editor.show(_under_way(wish.model, download, has_begun=has_begun), 1)
                await asyncio.wait([getting], timeout=LOOK_S)
            self._under_way.discard(wish.model)
            editor.show(getting.result(), 2)
            shown = await showing
        finally:
            getting.cancel()
            showing.cancel()
        await self._forget(wish)
        return shown

    async def _get(self, wish: _Wish) -> View:
        try:
            if wish.is_loaded:
                return wording.loaded(wish.model, await self._service.load(wish.model))
            await self._service.downloads.need(wish.model)
        except GenerationError as error:
            return View(text=str(error), tone=Tone.FAILED)
        return View(text=f"{wish.model} is downloaded.")

    def _download(self, model: str) -> Download | None:
        return next((download for download in self._service.downloads.under_way if download.model == model), None)

    def _note(self, wish: _Wish) -> Note:
        async def note(message_id: str | None, _revision: int) -> None:
            try:
                await self._settings.put(DOWNLOAD, wish.kept(message_id), scope=wish.token)
            except StorageError as error:  # a restart then forgets the message, and the download with it
                log.error("message not recorded", model=wish.model, reason=str(error))

        return note

    async def _forget(self, wish: _Wish) -> None:
        try:
            await self._settings.remove(DOWNLOAD, scope=wish.token)
        except StorageError as error:  # the next start finds the model on the disk, and says so once more
            log.error("end of a download not recorded", model=wish.model, reason=str(error))


def _under_way(model: str, download: Download | None, *, has_begun: bool) -> View:
    if download is None and has_begun:
        return View(text=f"{model} is downloaded and being loaded.", is_final=False)
    stop = Button(action=STOP, number=number_of(model), label="Cancel")
    return View(
        text=wording.downloading(download or Download(model=model)),
        buttons=((stop,),) if download is not None else (),
        is_final=False,
    )
