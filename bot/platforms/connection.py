"""How does a remote platform stay connected, without its troubles touching the others or the queue?"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Protocol

import structlog

from bot.chat import Platform
from bot.router import Router
from storage import Jobs, Settings

FIRST_PAUSE_S = 2.0
LONGEST_PAUSE_S = 300.0
STEADY_S = 120.0  # a connection that held so long starts the pauses anew

log = structlog.get_logger()


class BadTokenError(Exception):
    """The platform does not take this token; trying again is of no use. The text is for the operator."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """What a remote platform hands its events to, and where it keeps its own few notes."""

    router: Router
    settings: Settings
    jobs: Jobs


class RemotePlatform(Platform, Protocol):
    """A platform that is reached over the network."""

    async def serve(self, desk: Desk) -> None:
        """Connect, and serve until cancelled.

        Raises:
            BadTokenError: the token is wrong or was revoked.
            Exception: the connection is lost and the library does not repair it by itself.
        """


async def keep_connected(platform: RemotePlatform, desk: Desk) -> None:
    """Serve a platform until cancelled; after whatever breaks it, try again, ever more slowly."""
    pause_s = 0.0
    while True:
        started = time.monotonic()
        try:
            await platform.serve(desk)
        except BadTokenError as error:
            log.error("platform given up", platform=platform.name, reason=str(error))
            return
        except Exception as error:  # noqa: BLE001 - whatever it was, it is this platform's alone
            reason = f"{type(error).__name__}: {error}"
        else:
            reason = "it ended without being told to"
        is_steady = time.monotonic() - started > STEADY_S
        pause_s = FIRST_PAUSE_S if is_steady else min(max(2 * pause_s, FIRST_PAUSE_S), LONGEST_PAUSE_S)
        log.error("platform down", platform=platform.name, reason=reason, next_try_s=pause_s)
        await asyncio.sleep(pause_s)
