"""What does `fairbrush download` do: fetch one model, with a bar in a terminal, and in plain lines elsewhere?"""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import Callable, Iterator
from typing import assert_never

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from bot.chat import CommandError
from bot.settings import Settings
from bot.wording import downloading
from generation import Catalogue, Download, Fetched, FetchFailed, Fetching, LocalFetcher, ModelSpec, here

DONE, FAILED = 0, 1
LINES = 10  # in all, where there is no bar
KEPT = "Stopped. What has come is kept: the same command goes on from there."

Show = Callable[[Fetching], None]


async def download(settings: Settings, name: str) -> int:
    """Fetch a model, whether or not the bot is running; Ctrl-C stops it and keeps what has come.

    Raises:
        GenerationError: there is no such model, or the models file cannot be read.
        CommandError: the data directory cannot be made.
    """
    catalogue = Catalogue.load(extra=settings.generation.models_file, default=settings.generation.default_model)
    spec = catalogue.get(name)
    if here([spec]):
        sys.stdout.write(f"{spec.name} is on this disk already.\n")
        return DONE
    try:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"The data directory cannot be made: {error.strerror}.") from error
    fetcher = LocalFetcher(str(settings.data_dir / "worker.log"))
    try:
        with _shown(spec) as show:
            failure = await _fetch(fetcher, spec, show)
    except asyncio.CancelledError:
        sys.stderr.write(f"{KEPT}\n")
        raise
    if failure:
        sys.stderr.write(f"{failure}\n")
        return FAILED
    sys.stdout.write(f"{spec.name} is downloaded.\n")
    return DONE


async def _fetch(fetcher: LocalFetcher, spec: ModelSpec, show: Show) -> str:
    """Fetch it; gives the reason if that fails."""
    async with contextlib.aclosing(fetcher.fetch(spec)) as events:
        async for event in events:
            match event:
                case Fetching():
                    show(event)
                case FetchFailed():
                    return event.text
                case Fetched():
                    return ""
                case _:
                    assert_never(event)
    raise AssertionError("a download ended without saying how")


@contextlib.contextmanager
def _shown(spec: ModelSpec) -> Iterator[Show]:
    if not sys.stdout.isatty():
        yield _Lines(spec.name)
        return
    columns = (TextColumn(spec.name), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console()) as bar:
        task = bar.add_task("", total=None)
        yield lambda now: bar.update(task, completed=now.done_bytes, total=now.total_bytes)


class _Lines:
    """Says now and then how far it is."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._said = -1

    def __call__(self, now: Fetching) -> None:
        part = LINES * now.done_bytes // max(1, now.total_bytes)
        if part > self._said:
            self._said = part
            sys.stdout.write(f"{downloading(Download(model=self._model, progress=now))}\n")
            sys.stdout.flush()
