"""What do people and the real bot say to each other, so that there is something to draw?"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app import open_app
from bot.platforms.connection import RemotePlatform, keep_connected
from bot.platforms.discord import DiscordPlatform
from bot.platforms.telegram import TelegramPlatform
from bot.settings import GenerationSettings, Settings
from tests.standins.discord import DiscordPerson, DiscordServer
from tests.standins.person import Seen
from tests.standins.telegram import TelegramPerson, TelegramServer

# What the clients do not show: the marks that take the effect from a text.
JOINER = "\u2060"
ESCAPE = re.compile(r"\\([\\*_~|`<>\[\]#+-])")

Rows = tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One message as a stand-in holds it: `asked` says what it answers, `seen_by` who alone sees it, if so."""

    name: str
    text: str
    is_bot: bool = True
    asked: str = ""
    seen_by: str = ""
    pictures: tuple[bytes, ...] = ()
    buttons: Rows = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversation:
    """What both stand-ins held at one moment."""

    telegram: tuple[Entry, ...]
    discord: tuple[Entry, ...]


async def converse(directory: Path) -> Conversation:
    """Hold a conversation with the demo model on both platforms, and take it down while a picture is being made."""
    async with DiscordServer() as discord, TelegramServer() as telegram, _served(directory, discord, telegram):
        ann, bob, carl = telegram.person("Ann"), discord.person("Bob"), discord.person("Carl")
        channel = _Channel(discord)
        await ann.type("/imagine a red circle on a blue background --seed 7")
        await ann.until(_is_done)
        star = await channel.ask(bob, "imagine", prompt="a yellow star on a purple background", count=4, seed=4)
        await bob.until(lambda seen: seen.id == star and _is_done(seen))
        await channel.ask(carl, "imagine", prompt="an orange diamond on a green background", ar="2:1")
        await ann.type("/imagine a pink heart above a white ring on a black background --count 4 --steps 150")
        await ann.until(lambda seen: "4 pictures" in seen.text)
        await channel.ask(carl, "imagine", prompt="an orange diamond on a green background", ar="4:3", seed=1)
        await channel.ask(bob, "queue")
        await ann.until(_is_well_under_way)
        return Conversation(telegram=tuple(_on_telegram(ann)), discord=tuple(channel.entries()))


class _Channel:
    """A channel on Discord, in which commands leave no messages but the bot's answers."""

    def __init__(self, server: DiscordServer) -> None:
        self._server = server
        self._asked: dict[str, tuple[DiscordPerson, str]] = {}

    async def ask(self, person: DiscordPerson, command: str, **options: Any) -> str:
        """Use a command, and give the id of the message that answers it."""
        before = {seen.id for seen in person.messages()}
        await person.invoke(command, **options)
        answer = await person.until(lambda seen: seen.id not in before)
        self._asked[answer.id] = person, command
        return answer.id

    def entries(self) -> Iterator[Entry]:
        """Read the answers as they are now."""
        for message_id, (person, command) in self._asked.items():
            seen = next(seen for seen in person.messages() if seen.id == message_id)
            told = self._server.message(message_id)
            rows = [row["components"] for row in told["components"]]
            yield Entry(
                name=self._server.world.bot.name,
                text=ESCAPE.sub(r"\1", seen.text).replace(JOINER, ""),
                asked=f"{person.user.name} used /{command}",
                seen_by=person.user.name if seen.is_private else "",
                pictures=seen.pictures,
                buttons=tuple(tuple(button["label"] for button in row) for row in rows),
            )


@contextlib.asynccontextmanager
async def _served(directory: Path, discord: DiscordServer, telegram: TelegramServer) -> AsyncIterator[None]:
    """Run the bot on both until the block ends."""
    platforms: dict[str, RemotePlatform] = {
        "discord": DiscordPlatform(SecretStr(discord.token), proxy=discord.proxy),
        "telegram": TelegramPlatform(SecretStr(telegram.token), base_url=telegram.base_url),
    }
    settings = Settings(data_dir=directory, generation=GenerationSettings(device="cpu"))
    async with open_app(settings, platforms) as app:
        connections = [asyncio.create_task(keep_connected(each, app.desk)) for each in platforms.values()]
        try:
            async with asyncio.timeout(60):
                await discord.connected()
            yield
        finally:
            for connection in connections:
                connection.cancel()
            await asyncio.gather(*connections, return_exceptions=True)


def _is_well_under_way(seen: Seen) -> bool:
    """Tell whether a preview shows more than the beginning of a picture."""
    step = re.search(r"step (\d+) of 150", seen.text)
    return step is not None and int(step[1]) > 60 and bool(seen.pictures)


def _is_done(seen: Seen) -> bool:
    return " done in " in seen.text and bool(seen.pictures)


def _on_telegram(person: TelegramPerson) -> Iterator[Entry]:
    """Read a private chat: what the person wrote, and what the bot did."""
    pictures = {seen.id: seen.pictures for seen in person.messages()}
    for message in person.private_chat().messages.values():
        body = message.body
        rows = body.get("reply_markup", {}).get("inline_keyboard", ())
        yield Entry(
            name=body["from"]["first_name"],
            text=(body.get("text") or body.get("caption") or "").replace(JOINER, ""),
            is_bot=message.is_from_bot,
            pictures=pictures.get(message.key, ()),
            buttons=tuple(tuple(button["text"] for button in row) for row in rows),
        )
