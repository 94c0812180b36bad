"""What happens between the start of a command of the command line and its exit status?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from typing import Any

from bot import listings, wording
from bot.app import App, open_app
from bot.chat import Accepted, Announced, CommandError, Form, Tone, View
from bot.command import specify
from bot.commands.imagine import Imagine
from bot.doctor import examine
from bot.platforms import lines, terminal
from bot.platforms.console import Bar, ConsolePlatform, Display, PlainText
from bot.settings import Settings, read_settings
from bot.spelling import as_line
from generation import GenerationError
from storage import StorageError

REFUSED = 2
FAILED = 1
INTERRUPTED = 130  # what shells give for Ctrl-C
STATUSES = {Tone.GOOD: 0, Tone.REFUSED: REFUSED, Tone.FAILED: FAILED}
CANCEL_TIMEOUT_S = 5.0
IMAGINE_HELP = """\
Usage: fairbrush imagine PROMPT [FLAGS]

  Make a picture and say where it is, for example:
  fairbrush imagine "a red circle on a blue background" --seed 7

Flags, before or after the prompt:
{flags}
  --help        Show this and leave.

Exit status: 0 if the picture was made, 2 if what you typed cannot be done, 1 if something failed."""


def run_session(session: Callable[[Settings], Coroutine[Any, Any, int]]) -> int:
    """Run a session to its end and give its exit status; errors come out as a sentence, never as a traceback."""
    try:
        return asyncio.run(session(read_settings()))
    except (CommandError, GenerationError) as error:
        sys.stderr.write(f"{error}\n")
        return REFUSED
    except StorageError as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    except (KeyboardInterrupt, asyncio.CancelledError):
        return INTERRUPTED


def explain_imagine() -> str:
    """Explain /imagine as a command of the command line."""
    return IMAGINE_HELP.format(flags=listings.flags(specify(Imagine.imagine)))


async def imagine_once(settings: Settings, words: Sequence[str]) -> int:
    """Make the pictures of one command. Ctrl-C gives it up."""
    with contextlib.ExitStack() as stack:
        display: Display = PlainText(is_chat=False)
        if sys.stdout.isatty():
            display = stack.enter_context(Bar())
        platform = ConsolePlatform(display, {})
        async with open_app(settings, {platform.name: platform}) as app:
            answer = await app.router.run_line(platform.call(), as_line("imagine", words))
            assert not isinstance(answer, Form | Announced)  # a command asks for nothing more, and is about a job
            view = await _end(app, answer.job_id) if isinstance(answer, Accepted) else answer
            if view is None:
                await display.write(wording.stuck(app.delivery.unfinished(), app.delivery.obstacle))
                return FAILED
            return STATUSES[view.tone]


async def _end(app: App, job_id: int) -> View | None:
    try:
        return await app.delivery.ended(job_id)
    except asyncio.CancelledError:
        app.service.cancel(job_id)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CANCEL_TIMEOUT_S):
                await app.delivery.ended(job_id)
        raise


async def chat_here(settings: Settings) -> int:
    """Chat until the person leaves or the script ends."""
    if sys.stdin.isatty() and sys.stdout.isatty():
        window = terminal.Terminal()
        platform = ConsolePlatform(window, terminal.OWN_COMMANDS)
        async with open_app(settings, {platform.name: platform}) as app, _parting(app, window):
            await window.chat(platform, app.router, app.directory / "typed")
    else:
        display = PlainText(is_chat=True)
        platform = ConsolePlatform(display, lines.OWN_COMMANDS)
        async with open_app(settings, {platform.name: platform}) as app, _parting(app, display):
            await lines.serve_lines(platform, app.router, app.delivery)
    return 0


async def list_models(settings: Settings) -> int:
    """List the models as /models does."""
    platform = ConsolePlatform(PlainText(is_chat=False), {})
    async with open_app(settings, {platform.name: platform}) as app:
        answer = await app.router.run_line(platform.call(), "/models")
    return STATUSES[answer.tone] if isinstance(answer, View) else 0


async def diagnose(settings: Settings, card: str | None, ram_gib: float | None, *, as_json: bool) -> int:
    """Say what can be run, here or by another card."""
    if ram_gib is not None and card is None:
        raise CommandError("--ram says how much RAM is beside a card that is not here: it needs --card.")
    diagnosis = await examine(settings, card, ram_gib)
    sys.stdout.write(f"{diagnosis.to_json() if as_json else diagnosis.to_text()}\n")
    return 0


@contextlib.asynccontextmanager
async def _parting(app: App, display: Display) -> AsyncIterator[None]:
    """Leave in order on SIGTERM too, and say what becomes of the jobs that are not over."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, task.cancel)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGTERM)
        if unfinished := app.delivery.unfinished():
            obstacle = app.delivery.obstacle
            await display.write(wording.stuck(unfinished, obstacle) if obstacle else wording.farewell(unfinished))
