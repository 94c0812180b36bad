"""What does `fairbrush run` do: serve every platform that has a token, until it is told to stop?"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Iterator

import structlog

from bot import logs
from bot.app import open_app
from bot.chat import CommandError
from bot.platforms.connection import RemotePlatform, keep_connected
from bot.settings import Settings
from generation import WorkerDownError

NOBODY_TO_SERVE = (
    "No platform has a token yet. fairbrush setup telegram and fairbrush setup discord say how to get one; "
    "fairbrush chat works here without any."
)
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
    with logs.shown(settings.secrets):
        async with open_app(settings, platforms) as app:
            try:
                with _told_to_stop():
                    log.info("serving", platforms=", ".join(platforms), data=str(settings.data_dir))
                    with contextlib.suppress(WorkerDownError):  # told to whoever asks for a picture
                        await app.service.card()  # so that nobody's first command has to wait for the worker
                    async with asyncio.TaskGroup() as connections:
                        for platform in platforms.values():
                            connections.create_task(keep_connected(platform, app.desk), name=platform.name)
            except asyncio.CancelledError:
                log.info("stopping", unfinished=len(app.delivery.unfinished()))
                return STOPPED
            return GIVEN_UP


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
    """Let SIGTERM and Ctrl-C cancel the block."""
    task = asyncio.current_task()
    assert task is not None
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT)
    for number in signals:
        loop.add_signal_handler(number, task.cancel)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
