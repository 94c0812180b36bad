"""How does the terminal lend its screen and its keyboard to the conversation?"""

from __future__ import annotations

import contextlib
import itertools
import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from bot.app import App, open_app
from bot.chat import Form, View, plain
from bot.platforms.console import ME, ConsolePlatform, run_typed
from tests.bot.chatroom import settings
from tests.bot.platforms.conversation import Journal, Scene
from tests.standins.person import NotOfferedError, Person, Screen, Seen

PATIENCE_S = 20.0
ALONE = "There is one person at a terminal, and they are an admin."
ONCE = "What is typed at a terminal comes in once."


@dataclass
class _Printed:
    """A message as it was printed last."""

    id: str
    view: View
    edits: int = 0

    def seen(self) -> Seen:
        view = self.view
        preview = None if view.progress is None else view.progress.preview
        previews = (preview,) if preview is not None else ()
        return Seen(
            id=self.id,
            text=plain(view.text),
            pictures=tuple(path.read_bytes() for path in view.pictures) or previews,
            files=tuple(path.name for path in view.pictures) if view.as_files else (),
            buttons={button.payload: button.label for row in view.buttons for button in row},
            is_private=view.is_private,
            is_spoiler=view.is_spoiler,
            edits=self.edits,
        )


@dataclass
class RecordingDisplay:
    """Draws nothing, and takes every message to the screen of whoever looks on."""

    screen: Screen
    form: Form | None = None
    _changing: list[_Printed] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=itertools.count)
    _ended: _Printed | None = None

    async def announce(self, view: View) -> None:
        self._changing.append(self._new(view))

    def update(self, views: Sequence[View]) -> None:
        if len(views) < len(self._changing):
            at = next((n for n, view in enumerate(views) if view is not self._changing[n].view), len(views))
            self._ended = self._changing.pop(at)
        for printed, view in zip(self._changing, views, strict=True):
            if view is not printed.view:
                self._change(printed, view)

    async def write(self, view: View) -> None:
        if self._ended is None:
            self._new(view)
        else:
            self._change(self._ended, view)
            self._ended = None

    async def ask(self, form: Form) -> None:
        self.form = form

    def clear(self) -> None:
        """Empties the window, as for a program that starts anew."""
        self._changing.clear()
        for seen in self.screen.messages():
            self.screen.take_away(seen.id)

    def _new(self, view: View) -> _Printed:
        printed = _Printed(str(next(self._numbers)), view)
        self.screen.show(printed.seen())
        return printed

    def _change(self, printed: _Printed, view: View) -> None:
        printed.view = view
        printed.edits += 1
        self.screen.show(printed.seen())


@dataclass(frozen=True)
class ConsolePerson:
    """Whoever sits at the terminal."""

    display: RecordingDisplay
    enter: Callable[[str], Awaitable[object]]

    async def type(self, line: str) -> None:
        await self.enter(line)

    async def press(self, message: Seen, payload: str) -> None:
        if payload not in message.buttons:
            raise NotOfferedError(f"There is no button {payload!r} to press. There are: {', '.join(message.buttons)}.")
        await self.type(f"/press {payload}")

    async def fill(self, text: str) -> None:
        if self.display.form is None:
            raise NotOfferedError("No form was opened.")
        await self.type(f"/press {self.display.form.button.payload} {text}")

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        return await self.display.screen.until(is_it)

    def messages(self) -> list[Seen]:
        return self.display.screen.messages()


class ConsoleStage:
    """The program with one person at its terminal."""

    def __init__(self, directory: Path) -> None:
        own = settings(directory)
        self._settings = own.model_copy(update={"admins": frozenset({ME.key})})
        assert own.generation.models_file is not None
        self.switches = own.generation.models_file.parent / "switches"
        self._display = RecordingDisplay(Screen(PATIENCE_S))
        self._journal = Journal(self._settings.data_dir / "fairbrush.log")

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        self._platform = ConsolePlatform(self._display, {})
        platforms = {self._platform.name: self._platform}
        self._app: App = await self._stack.enter_async_context(open_app(self._settings, platforms))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def scene(self) -> Scene:
        self._display.screen = Screen(PATIENCE_S)
        person = ConsolePerson(self._display, self._enter)
        return Scene(owner=person, admin=person, why_alone=ALONE)

    def in_private(self, person: Person) -> Person:
        return person

    def key(self, person: Person) -> str:
        return ME.key

    async def form(self, person: Person) -> str:
        assert self._display.form is not None
        return self._display.form.text

    async def gone(self, person: Person, seen: Seen) -> None:
        """What was printed stays printed."""

    def read(self, text: str) -> str:
        return text

    def effects(self, seen: Seen) -> list[str]:
        return re.findall(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", seen.text)  # what steers a terminal

    async def repeat(self, person: Person) -> None:
        pytest.skip(ONCE)

    async def restart(self) -> None:
        await self._stack.aclose()
        self._display.clear()
        await self.__aenter__()

    def check(self) -> None:
        self._journal.check()

    async def _enter(self, line: str) -> None:
        await run_typed(self._platform, self._app.router, line)
