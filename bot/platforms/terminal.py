"""How does a person chat in a terminal: typing below, answers above, and what is under way in between?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from io import StringIO
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.application import run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import ANSI
from prompt_toolkit.history import FileHistory
from prompt_toolkit.styles import Style
from rich.console import Console
from rich.text import Text

from bot.chat import Form, View
from bot.command import Command
from bot.platforms.console import LEAVING, ME, PRESS_HELP, ConsolePlatform, filled_in, offered, run_typed
from bot.platforms.rendering import print_view, under_way
from bot.router import Router

WELCOME = "Welcome to Fairbrush. Type /imagine and what you want to see, or /help. Ctrl-D leaves."
IDLE = "/imagine PROMPT makes a picture · /help lists all commands · Ctrl-D leaves"
IN_ORDER_S = 1.0
OWN_COMMANDS = {**PRESS_HELP, "/quit": "Leave; jobs that are not over go on at the next start."}
LOOK = Style.from_dict({"bottom-toolbar": "noreverse", "prompt": "bold"})


class Terminal:
    """A display with a line to type on. What is under way is drawn below that line, what is final above it."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._views: Sequence[View] = ()
        self._session: PromptSession[str] | None = None

    async def announce(self, view: View) -> None:
        """Nothing more than `update` shows anyway."""

    def update(self, views: Sequence[View]) -> None:
        """Redraw what is under way."""
        self._views = views
        if self._session is not None:
            self._session.app.invalidate()

    async def write(self, view: View) -> None:
        """Print above the line that is being typed."""

        def draw() -> None:
            print_view(self._console, view)
            if view.buttons:
                self._console.print(Text(offered(view), style="dim"))
            self._console.print()

        await run_in_terminal(draw)

    async def ask(self, form: Form) -> None:
        """Put the form on the line that is typed on, to be changed and sent."""
        await self.write(View(text=f"{form.title}: change the line below and press Enter."))
        if self._session is not None:
            self._session.default_buffer.document = Document(filled_in(form))

    async def chat(self, platform: ConsolePlatform, router: Router, history: Path) -> None:
        """Read and answer until the person leaves."""
        self._session = PromptSession(
            history=_History(str(history)),
            completer=Words(router),
            complete_while_typing=True,
            bottom_toolbar=self._toolbar,
            style=LOOK,
        )
        await self.write(View(text=WELCOME))
        typed: asyncio.Queue[str] = asyncio.Queue()
        async with asyncio.TaskGroup() as tasks:
            answering = tasks.create_task(_answer(typed, platform, router), name="answers")
            async for line in self._lines(self._session):
                typed.put_nowait(line)
            answering.cancel()

    async def _lines(self, session: PromptSession[str]) -> AsyncIterator[str]:
        while True:
            try:
                line = await session.prompt_async([("class:prompt", "> ")])
            except (EOFError, KeyboardInterrupt):
                return
            if line.strip().casefold() in LEAVING:
                return
            if line.strip():
                yield line

    def _toolbar(self) -> ANSI:
        """Let rich draw for prompt_toolkit, which reads its escape sequences."""
        drawn = StringIO()
        pen = Console(
            file=drawn,
            force_terminal=True,
            width=self._console.width,
            highlight=False,
        )
        pen.print(under_way(pen, self._views) if self._views else IDLE, end="")
        return ANSI(drawn.getvalue().rstrip("\n"))


class _History(FileHistory):
    """What was typed before; a full disk only makes it forgetful."""

    def store_string(self, string: str) -> None:
        with contextlib.suppress(OSError):
            super().store_string(string)


async def _answer(typed: asyncio.Queue[str], platform: ConsolePlatform, router: Router) -> None:
    """Answer in order, but an answer that takes long, such as that to /admin load, does not keep the next waiting."""
    async with asyncio.TaskGroup() as answers:
        while True:
            line = await typed.get()
            answer = answers.create_task(run_typed(platform, router, line), name=line)
            await asyncio.wait([answer], timeout=IN_ORDER_S)


class Words(Completer):
    """Completes commands, their flags and the names of models, styles and adapters."""

    def __init__(self, router: Router) -> None:
        self._router = router
        self._commands = router.commands(ME)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Offer what may follow the text before the cursor."""
        text = document.text_before_cursor
        if not text.startswith("/"):
            return
        command = self._command(text)
        if command is None:
            names = {f"/{name}": found.help for name, found in self._commands.items()}
            names |= {usage.split()[0]: meaning for usage, meaning in OWN_COMMANDS.items()}
            yield from _matching(text, names)
            return
        *before, word = text.split(" ")
        flags = {f"--{flag.name}": flag for _, flag in command.flags.values()}
        if word.startswith("--"):
            yield from _matching(word, {name: flag.help for name, flag in flags.items()})
        elif before[-1] in flags:
            flag = flags[before[-1]]
            last = word.rpartition(",")[2] if flag.is_list else word
            yield from _matching(last, dict.fromkeys(self._router.offers(flag.kind), ""))
        elif command.arguments:
            yield from _matching(word, dict.fromkeys(self._router.offers(command.arguments[-1][1].kind), ""))

    def _command(self, text: str) -> Command | None:
        """Find the command that is typed in full and followed by a space."""
        for name, found in self._commands.items():
            if text.startswith(f"/{name} "):
                return found
        return None


def _matching(typed: str, offers: Mapping[str, str]) -> Iterator[Completion]:
    for offer, meaning in offers.items():
        if offer.startswith(typed):
            yield Completion(offer, start_position=-len(typed), display_meta=meaning)
