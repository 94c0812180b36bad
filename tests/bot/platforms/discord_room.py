"""How do tests run the whole program against the stand-in's Discord, and start it anew?"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from pydantic import SecretStr

from bot.app import App, open_app
from bot.platforms.discord import DiscordPlatform
from bot.settings import Settings
from tests.bot.chatroom import PATIENCE_S, settings
from tests.standins.discord.server import DiscordServer
from tests.standins.person import Seen

CALLBACK = "POST /interactions/{interaction_id}/{interaction_token}/callback"
POST = "POST /channels/{channel_id}/messages"
EDIT = "PATCH /channels/{channel_id}/messages/{message_id}"
EDIT_ORIGINAL = "PATCH /webhooks/{webhook_id}/{webhook_token}/messages/@original"


@dataclass
class DiscordRoom:
    """The program on a directory, serving Discord. An async context manager, entered anew to restart."""

    server: DiscordServer
    settings: Settings
    app: App = field(init=False)
    platform: DiscordPlatform = field(init=False)

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        self.platform = DiscordPlatform(SecretStr(self.server.token), proxy=self.server.proxy)
        self.app = await self._stack.enter_async_context(open_app(self.settings, {"discord": self.platform}))
        await self.serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
        await self._stack.aclose()

    async def serve(self) -> None:
        """Let the platform connect."""
        self.serving = asyncio.create_task(self.platform.serve(self.app.desk), name="discord")
        async with asyncio.timeout(PATIENCE_S):
            connected = asyncio.create_task(self.server.connected())
            await asyncio.wait([self.serving, connected], return_when=asyncio.FIRST_COMPLETED)
            connected.cancel()
        if self.serving.done():
            await self.serving  # raises why it did not connect

    async def leave(self) -> None:
        """Let the platform go, the rest of the program stays."""
        if self.serving.cancel():
            with contextlib.suppress(asyncio.CancelledError):
                await self.serving

    @property
    def switches(self) -> Path:
        """Where the fake models' switches lie."""
        assert self.settings.generation.models_file is not None
        return self.settings.generation.models_file.parent / "switches"

    def hold(self) -> None:
        """Keep each picture at its first step."""
        (self.switches / "hold").touch()

    def release(self) -> None:
        """Let pictures go on."""
        (self.switches / "hold").unlink(missing_ok=True)


def room_of(server: DiscordServer, directory: Path) -> DiscordRoom:
    """Give a room in which the owner of the stand-in's server is an admin."""
    own = settings(directory)
    return DiscordRoom(server, own.model_copy(update={"admins": frozenset({f"discord:{server.owner.id}"})}))


@contextlib.contextmanager
def locked(room: DiscordRoom) -> Iterator[None]:
    """Keep the database from being written meanwhile, as another program may."""
    with contextlib.closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db", isolation_level=None)) as intruder:
        intruder.execute("BEGIN IMMEDIATE")
        yield
        intruder.execute("ROLLBACK")


def is_thinking(seen: Seen) -> bool:
    """Tell whether a message is the placeholder of a deferred answer."""
    return seen.text.endswith("is thinking...")


def is_done(seen: Seen) -> bool:
    """Tell whether a message shows a finished job."""
    return " done in " in seen.text and bool(seen.pictures)
