"""How is this terminal, or a script at its other end, a platform?"""

from __future__ import annotations

import secrets
import sys
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from rich.console import Console
from rich.live import Live

from bot.chat import (
    Answer,
    Button,
    Call,
    Capabilities,
    CommandError,
    Form,
    Member,
    MessageGoneError,
    Place,
    Tone,
    View,
    plain,
)
from bot.platforms.rendering import print_view, under_way
from bot.router import Router

NAME = "console"
ME = Member(platform=NAME, id="me", name="me")
HERE = Place(platform=NAME, channel="chat")
LEAVING = ("/quit", "/exit")
PRESS = "/press"
PRESS_HELP = {f"{PRESS} BUTTON [TEXT]": "Press a button that stands under a message; TEXT fills in what it asks for."}


class Display(Protocol):
    """Where the console's messages are drawn."""

    async def announce(self, view: View) -> None:
        """Show a new message that is going to change."""

    def update(self, views: Sequence[View]) -> None:
        """Show the messages that are going to change, in place of those of the last call."""

    async def write(self, view: View) -> None:
        """Show a message that does not change any more."""

    async def ask(self, form: Form) -> None:
        """Let a form be filled in."""


class ConsoleReply:
    """How a typed command is answered: by printing."""

    def __init__(self, platform: ConsolePlatform, display: Display) -> None:
        self._platform = platform
        self._display = display

    async def answer(self, view: View) -> None:
        """Print the answer."""
        await self._display.write(view)

    async def acknowledge(self, view: View, key: str) -> str:
        """Show the job's message."""
        return await self._platform.post(HERE, view, key)

    async def ask(self, form: Form) -> None:
        """Let the form be filled in."""
        await self._display.ask(form)


class ConsolePlatform:
    """The platform of one person on this machine. What was printed for good cannot be edited, and need not be."""

    name = NAME

    def __init__(self, display: Display, own_commands: Mapping[str, str]) -> None:
        self.capabilities = Capabilities(
            edit_interval_s=0.1, is_lasting=False, reads_local_files=True, own_commands=own_commands
        )
        self._display = display
        self._run = secrets.token_hex(6)
        self._messages = 0
        self._calls = 0
        self._changing: dict[str, View] = {}

    def call(self) -> Call:
        """Give what identifies the next command typed here."""
        self._calls += 1
        key = f"{NAME}:{self._run}:{self._calls}"
        reply = ConsoleReply(self, self._display)
        return Call(key=key, member=ME, place=HERE, platform=self, reply=reply, is_alone=True)

    async def post(self, place: Place, view: View, key: str) -> str:
        """Print a message, or announce one that changes."""
        self._messages += 1
        message_id = f"{self._run}:{self._messages}"
        if view.is_final:
            await self._display.write(view)
        else:
            self._changing[message_id] = view
            await self._display.announce(view)
            self._display.update(tuple(self._changing.values()))
        return message_id

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        """Change a message that is not final yet; a final one stays as it is.

        Raises:
            MessageGoneError: the message was shown by an earlier run of the program.
        """
        if not message_id.startswith(f"{self._run}:"):
            raise MessageGoneError
        if message_id not in self._changing:
            return
        if view.is_final:
            del self._changing[message_id]
            self._display.update(tuple(self._changing.values()))
            await self._display.write(view)
        else:
            self._changing[message_id] = view
            self._display.update(tuple(self._changing.values()))

    async def remove(self, place: Place, message_id: str) -> None:
        """What was printed stays printed."""


class PlainText:
    """For scripts: each message in plain text, with a blank line between two. Nothing is redrawn.

    In a chat all is said on standard output, also that a job waits. Without one, only results are: complaints go to
    standard error.
    """

    def __init__(self, *, is_chat: bool) -> None:
        self._is_chat = is_chat
        self._is_first = True

    async def announce(self, view: View) -> None:
        """Print the message as it is now, in a chat."""
        if self._is_chat:
            await self.write(view)

    def update(self, views: Sequence[View]) -> None:
        """Print nothing: a script waits for the end."""

    async def write(self, view: View) -> None:
        """Print the text and the paths."""
        file = sys.stdout if self._is_chat or view.tone is Tone.GOOD else sys.stderr
        if not self._is_first:
            print(file=file)
        self._is_first = False
        lines = [plain(view.text), *(str(path) for path in view.pictures)]
        if self._is_chat and view.buttons:
            lines.append(offered(view))
        print("\n".join(lines), file=file, flush=True)

    async def ask(self, form: Form) -> None:
        """Say how the form is filled in."""
        await self.write(View(text=f"{form.title}. Change what stands here and type it:\n{filled_in(form)}"))


def filled_in(form: Form) -> str:
    """Write a form as the one line that is typed to send it."""
    return f"{PRESS} {form.button.payload} {' '.join(form.text.split())}"


def offered(view: View) -> str:
    """List a message's buttons, by what is typed to press them."""
    return f"{PRESS} " + " | ".join(f"{button.payload} {button.label}" for row in view.buttons for button in row)


async def run_typed(platform: ConsolePlatform, router: Router, line: str) -> Answer:
    """Do what a typed line says: a command for the router, or a button to press."""
    word, *rest = line.split(maxsplit=2)
    call = platform.call()
    if word.casefold() != PRESS:
        return await router.run_line(call, line)
    payload, text = (*rest, "", "")[:2]
    try:
        pressed = Button.from_payload(payload)
    except CommandError:
        needed = f"{PRESS} needs a button, as they are listed under messages, such as: {PRESS} again:12"
        refusal = View(text=needed, tone=Tone.REFUSED)
        await call.reply.answer(refusal)
        return refusal
    return await router.press(call, pressed, text.strip() or None)


class Bar:
    """For somebody who looks on at one command: a progress bar that makes way for the result. A context manager."""

    def __init__(self) -> None:
        self._console = Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, transient=True)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    async def announce(self, view: View) -> None:
        """Nothing more than `update` shows anyway."""

    def update(self, views: Sequence[View]) -> None:
        """Redraw the bars."""
        self._live.update(under_way(self._console, views), refresh=True)

    async def write(self, view: View) -> None:
        """Print above the bars."""
        print_view(self._console, view)

    async def ask(self, form: Form) -> None:
        """Nobody presses buttons here."""
