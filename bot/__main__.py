"""What does the command line offer?

The rest of the program is imported inside the commands, since each worker process imports this module at its birth
and needs none of it.
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import version
from io import TextIOWrapper
from types import TracebackType
from typing import Annotated, NoReturn

import typer

BROKEN = "Accepted jobs go on at the next start; fairbrush.log in the data directory has the reason."

cli = typer.Typer(
    help="A self-hosted image bot: your own Midjourney on your own GPU, fair to everyone who uses it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)


@cli.callback(invoke_without_command=True)
def _fairbrush(
    *, show_version: Annotated[bool, typer.Option("--version", help="Show the version and leave.")] = False
) -> None:
    if show_version:
        typer.echo(f"Fairbrush {version('fairbrush')}")
        raise typer.Exit


@cli.command(add_help_option=False, context_settings={"ignore_unknown_options": True})
def imagine(
    words: Annotated[list[str] | None, typer.Argument(metavar="PROMPT [FLAGS]")] = None,
    *,
    show_help: Annotated[bool, typer.Option("--help")] = False,
) -> None:
    """Make a picture and say where it is."""
    from bot.session import explain_imagine, imagine_once, run_session  # noqa: PLC0415 - late, as said above

    if show_help:
        typer.echo(explain_imagine())
        raise typer.Exit
    _leave(run_session(lambda settings: imagine_once(settings, words or [])))


@cli.command()
def chat() -> None:
    """Chat with Fairbrush in this terminal.

    Piped input is read as one command a line and answered in plain text; the program ends when all jobs are over.
    """
    from bot.session import chat_here, run_session  # noqa: PLC0415 - late, as said above

    _leave(run_session(chat_here))


@cli.command()
def models() -> None:
    """List the models, with what this machine can run."""
    from bot.session import list_models, run_session  # noqa: PLC0415 - late, as said above

    _leave(run_session(list_models))


@cli.command()
def download(model: Annotated[str, typer.Argument(metavar="MODEL")]) -> None:
    """Download a model from the hub, so that it is there when somebody asks for it.

    It may be done while the bot runs. What an earlier attempt has brought is not fetched again.
    """
    from bot.downloading import download as downloading  # noqa: PLC0415 - late, as said above
    from bot.session import run_session  # noqa: PLC0415 - late, as said above

    _leave(run_session(lambda settings: downloading(settings, model)))


@cli.command()
def doctor(
    *,
    card: Annotated[
        str | None, typer.Option("--card", metavar="NAME", help='A card that is not here, such as "RTX 4060".')
    ] = None,
    ram: Annotated[
        float | None, typer.Option("--ram", metavar="GIB", min=1, help="The RAM beside that card; else the usual.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Give it for a program to read.")] = False,
) -> None:
    """Say what this machine can run, and how: for every model its plan, memory, time, download and licence.

    It may be asked while the bot runs. Times and memory are predictions.
    """
    from bot.session import diagnose, run_session  # noqa: PLC0415 - late, as said above

    _leave(run_session(lambda settings: diagnose(settings, card, ram, as_json=as_json)))


@cli.command("run")
def serve() -> None:
    """Serve Discord and Telegram until stopped.

    Every platform that has a token in the environment or .env is served; fairbrush setup says how to get one. Ctrl-C or
    SIGTERM stops it, and whatever it has accepted by then goes on at the next start.
    """
    from bot.serving import serve as serving  # noqa: PLC0415 - late, as said above
    from bot.session import run_session  # noqa: PLC0415 - late, as said above

    _leave(run_session(serving))


@cli.command()
def setup(platform: Annotated[str, typer.Argument(metavar="discord|telegram")]) -> None:
    """Set up a bot on Discord or Telegram.

    This says how to get a token, checks it, names what is missing, gives the links to add the bot, and makes you an
    admin.
    """
    from bot.session import run_session  # noqa: PLC0415 - late, as said above
    from bot.setup import set_up  # noqa: PLC0415 - late, as said above

    _leave(run_session(lambda settings: set_up(settings, platform)))


def _leave(status: int) -> NoReturn:
    raise typer.Exit(status)


def run() -> None:
    """Start at the command line."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that lacks a character shows a question mark
    command = typer.main.get_command(cli)
    sys.excepthook = _last_words
    command(prog_name="fairbrush")


def _last_words(kind: type[BaseException], error: BaseException, _trace: TracebackType | None) -> None:
    """Say what a bug looks like from outside; the log has kept its traceback. A reader who has left gets no words."""
    is_unread = isinstance(error, BaseExceptionGroup) and error.subgroup(BrokenPipeError) is not None
    if is_unread:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    else:
        typer.echo(f"Fairbrush broke down ({kind.__name__}). {BROKEN}", err=True)


if __name__ == "__main__":
    run()
