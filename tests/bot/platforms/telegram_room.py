"""How do tests run the whole program against the stand-in's Telegram, and start it anew?"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from pydantic import SecretStr

from bot.app import App, open_app
from bot.chat import NotNowError, Place, View
from bot.platforms.connection import keep_connected
from bot.platforms.telegram import TelegramPlatform
from bot.settings import Settings
from tests.bot.chatroom import PATIENCE_S, settings
from tests.standins.person import Seen
from tests.standins.telegram import Message, TelegramServer

BOSS = 4242  # the account of the admin


@dataclass
class TelegramRoom:
    """The program on a directory, serving Telegram. An async context manager, entered anew to restart."""

    server: TelegramServer
    settings: Settings
    app: App = field(init=False)
    platform: TelegramPlatform = field(init=False)

    async def __aenter__(self) -> Self:
        self._stack = contextlib.AsyncExitStack()
        self.platform = TelegramPlatform(SecretStr(self.server.token), base_url=self.server.base_url)
        self.app = await self._stack.enter_async_context(open_app(self.settings, {"telegram": self.platform}))
        self.serve()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.leave()
        await self._stack.aclose()

    def serve(self) -> None:
        """Let the platform connect."""
        self.serving = asyncio.create_task(keep_connected(self.platform, self.app.desk), name="telegram")

    async def leave(self) -> None:
        """Let the platform go; the rest of the program stays."""
        self.serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.serving

    @property
    def switches(self) -> Path:
        """Where the fake models' switches lie."""
        assert self.settings.generation.models_file is not None
        return self.settings.generation.models_file.parent / "switches"

    @property
    def log(self) -> str:
        """All that was logged."""
        path = self.settings.data_dir / "fairbrush.log"
        return path.read_text() if path.exists() else ""

    async def logged(self, words: str) -> None:
        """Wait until something was logged."""
        heard = asyncio.Event()
        ear = logging.Handler()
        ear.emit = lambda _: heard.set()  # type: ignore[method-assign]
        logging.getLogger().addHandler(ear)
        try:
            async with asyncio.timeout(PATIENCE_S):
                while words not in self.log:
                    heard.clear()
                    await heard.wait()
        finally:
            logging.getLogger().removeHandler(ear)

    async def edited(self, place: Place, message_id: str, view: View) -> None:
        """Edit as soon as the platform finds time, as the core does."""
        while True:
            try:
                return await self.platform.edit(place, message_id, view)
            except NotNowError as refusal:
                await asyncio.sleep(refusal.after_s)

    def hold(self) -> None:
        """Keep each picture at its first step."""
        (self.switches / "hold").touch()

    def release(self) -> None:
        """Let pictures go on."""
        (self.switches / "hold").unlink(missing_ok=True)


def room_of(server: TelegramServer, directory: Path) -> TelegramRoom:
    """Give a room in which one account is an admin."""
    return TelegramRoom(server, settings(directory).model_copy(update={"admins": frozenset({f"telegram:{BOSS}"})}))


def calls(server: TelegramServer, *methods: str) -> list[dict[str, str]]:
    """Give what the bot sent with these methods, in order."""
    return [dict(call.texts) for call in server.calls if call.method in methods]


def is_done(seen: Seen) -> bool:
    """Tell whether a message shows a finished job."""
    return " done in " in seen.text and bool(seen.pictures)


def has(*words: str) -> Any:
    """Ask for a message with all these words."""
    return lambda seen: all(word in seen.text for word in words)


async def gone(server: TelegramServer, seen: Seen) -> None:
    """Wait until a message was deleted."""
    is_gone = asyncio.Event()

    def look(message: Message, is_removal: bool) -> None:  # noqa: FBT001 - the stand-in calls it so
        if is_removal and message.key == seen.id:
            is_gone.set()

    server.cloud.onlookers.append(look)
    chat, _, number = seen.id.partition("/")
    if int(number) in server.cloud.chats[int(chat)].messages:
        async with asyncio.timeout(PATIENCE_S):
            await is_gone.wait()
