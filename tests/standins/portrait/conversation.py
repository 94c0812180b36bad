"""What do people and the real bot say to each other, so that there is something to draw?"""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.app import open_app
from bot.platforms.connection import keep_connected
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
    """One message as a stand-in holds it. `asked` is what the bot answers with it, where the message itself says so."""

    name: str
    text: str
    is_bot: bool = True
    asked: str = ""
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
        await ann.type("/imagine a red circle on a blue background --seed 7")
        await ann.until(_is_done)
        await bob.invoke("imagine", prompt="a yellow star on a purple background", count=4, seed=4)
        await bob.until(_is_done)
        await ann.type("/imagine a large pink heart above a small white ring on a black background --count 4 --steps 120")
        await ann.until(lambda seen: "4 pictures" in seen.text)
        await carl.invoke("imagine", prompt="an orange diamond on a green background", model="demo-fast", seed=1)
        await ann.until(lambda seen: "picture 2" in seen.text and bool(seen.pictures))
        return Conversation(
            telegram=tuple(_on_telegram(telegram, ann)), discord=tuple(_on_discord(discord, carl, bob))
        )


@contextlib.asynccontextmanager
async def _served(directory: Path, discord: DiscordServer, telegram: TelegramServer) -> AsyncIterator[None]:
    """Run the bot on both until the block ends."""
    platforms = {
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


def _is_done(seen: Seen) -> bool:
    return " done in " in seen.text and bool(seen.pictures)


def _on_telegram(server: TelegramServer, person: TelegramPerson) -> Iterable[Entry]:
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


def _on_discord(server: DiscordServer, *people: DiscordPerson) -> Iterable[Entry]:
    """Read a channel, in which commands leave no messages but the bot's answers."""
    names = {person.id: person.user.name for person in people}
    for seen in people[-1].messages():
        told: dict[str, Any] = server.message(seen.id)
        asker = told["interaction_metadata"]["user"]["id"]
        yield Entry(
            name=told["author"]["username"].title(),
            text=ESCAPE.sub(r"\1", seen.text).replace(JOINER, ""),
            asked=f"{names[asker]} used /imagine",
            pictures=seen.pictures,
            buttons=tuple(
                tuple(button["label"] for button in row["components"]) for row in told["components"]
            ),
        )
