"""What does `fairbrush run` do: serve every platform that has a token, until it is told to stop?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Collection, Iterator

import structlog

from bot import logs
from bot.app import App, open_app
from bot.chat import CommandError
from bot.platforms.connection import RemotePlatform, keep_connected
from bot.settings import Settings
from generation import WorkerDownError

NOBODY_TO_SERVE = (
    "No platform has a token yet. fairbrush setup telegram and fairbrush setup discord say how to get one; "
    "fairbrush chat works here without any."
)
NOBODY_LEFT = "No platform takes its token, so nobody can be served; the lines above say what to do."
STOPPED = 0
GIVEN_UP = 1

log = structlog.get_logger()


async def serve(settings: Settings) -> int:
    """Serve until SIGTERM or Ctrl-C; gives up only when no platform takes its token.

    Raises:
        CommandError: no token is set.
        GenerationError, StorageError: see `open_app`.
    """
    platforms = {platform.name: platform for platform in _platforms(settings)}
    if not platforms:
        raise CommandError(NOBODY_TO_SERVE)
    try:
        with _told_to_stop(), logs.shown(settings.secrets):
            async with open_app(settings, platforms) as app:
                log.info("starting", platforms=", ".join(platforms), data=str(settings.data_dir))
                await _serve_all(app, platforms.values())
    except asyncio.CancelledError:
        return STOPPED
    sys.stderr.write(f"{NOBODY_LEFT}\n")
    return GIVEN_UP


async def _serve_all(app: App, platforms: Collection[RemotePlatform]) -> None:
    """Serve until no platform is left."""
    try:
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(_wake_worker(app), name="worker's first start")
            for platform in platforms:
                tasks.create_task(keep_connected(platform, app.desk), name=platform.name)
    except asyncio.CancelledError:
        log.info("stopping", unfinished=len(app.delivery.unfinished()))
        raise


async def _wake_worker(app: App) -> None:
    """Have the worker started before somebody's first command needs it; whoever asks is told why it cannot be."""
    with contextlib.suppress(WorkerDownError):
        await app.service.card()


def _platforms(settings: Settings) -> Iterator[RemotePlatform]:
    """Import a platform's library only if it has a token: each takes a second and some memory."""
    if settings.discord.token is not None:
        from bot.platforms.discord import DiscordPlatform  # noqa: PLC0415 - late, as said above

        yield DiscordPlatform(settings.discord.token, proxy=settings.discord.proxy)
    if settings.telegram.token is not None:
        from bot.platforms.telegram import TelegramPlatform  # noqa: PLC0415 - late, as said above

        yield TelegramPlatform(settings.telegram.token, base_url=settings.telegram.base_url)


@contextlib.contextmanager
def _told_to_stop() -> Iterator[None]:
    """Let the first SIGTERM or Ctrl-C cancel the block; a second one has its usual, rougher effect."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)

    def listen_no_more() -> None:
        for number in signals:
            loop.remove_signal_handler(number)

    def stop() -> None:
        listen_no_more()
        task.cancel()

    for number in signals:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        listen_no_more()
