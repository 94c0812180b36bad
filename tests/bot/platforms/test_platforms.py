"""Does each platform keep what all of them promise?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from pydantic import SecretStr

from bot.chat import Place
from bot.platforms.console import HERE, Bar, ConsolePlatform, PlainText
from bot.platforms.discord import DiscordPlatform
from bot.platforms.telegram import TelegramPlatform
from tests.bot.chatroom import STUDIO, RecordedPlatform
from tests.bot.platforms import discord_room, telegram_room
from tests.bot.platforms.contract import NAMES, Look, PlatformContract, RemoteContract, Shown
from tests.bot.platforms.discord_room import DiscordRoom
from tests.bot.platforms.telegram_room import TelegramRoom
from tests.standins.discord import Channel, DiscordServer
from tests.standins.person import Seen
from tests.standins.telegram import Chat, TelegramServer


class TestRecorded(PlatformContract):
    """The stand-in of the conversation tests keeps the promises of what it stands for."""

    @pytest.fixture
    def place(self) -> Place:
        return STUDIO

    @pytest.fixture
    def platform(self) -> RecordedPlatform:
        return RecordedPlatform()

    @pytest.fixture
    def look(self, platform: RecordedPlatform) -> Look:
        def look() -> Shown:
            views = [views[-1] for views in platform.messages.values()]
            return Shown("\n".join(view.text for view in views), any(view.pictures for view in views))

        return look


class TestPlainText(PlatformContract):
    """The console of a script."""

    @pytest.fixture
    def place(self) -> Place:
        return HERE

    @pytest.fixture
    def platform(self) -> ConsolePlatform:
        return ConsolePlatform(PlainText(is_chat=True), {})

    @pytest.fixture
    def look(self, capsys: pytest.CaptureFixture[str]) -> Look:
        def look() -> Shown:
            text = capsys.readouterr().out
            return Shown(text, all(name in text for name in NAMES))

        return look


class TestBar(TestPlainText):
    """The console of somebody who looks on."""

    @pytest.fixture
    def platform(self) -> ConsolePlatform:
        return ConsolePlatform(Bar(), {})


class TestDiscord(RemoteContract):
    """The real client, at a Discord on loopback."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def room(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordRoom]:
        async with DiscordServer() as server, discord_room.room_of(server, tmp_path_factory.mktemp("room")) as room:
            yield room

    @pytest.fixture
    def channel(self, room: DiscordRoom) -> Channel:
        return room.server.channel(room.server.home, "new")

    @pytest.fixture
    def platform(self, room: DiscordRoom) -> DiscordPlatform:
        return room.platform

    @pytest.fixture
    def unconnected(self, room: DiscordRoom) -> DiscordPlatform:
        return DiscordPlatform(SecretStr(room.server.token))

    @pytest.fixture
    def place(self, channel: Channel) -> Place:
        return Place(platform="discord", channel=channel.id)

    @pytest.fixture
    def nowhere(self) -> Place:
        return Place(platform="discord", channel="1")

    @pytest.fixture
    def look(self, room: DiscordRoom, channel: Channel) -> Look:
        ann = room.server.person("Ann", channel)
        return lambda: shown(ann.messages())


class TestTelegram(RemoteContract):
    """The real library, at a Bot API on loopback."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def room(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramRoom]:
        async with TelegramServer() as server, telegram_room.room_of(server, tmp_path_factory.mktemp("room")) as room:
            await server.until(lambda: any(call.method == "setMyCommands" for call in server.calls))
            yield room

    @pytest.fixture
    def chat(self, room: TelegramRoom) -> Chat:
        return room.server.group("New")

    @pytest.fixture
    def platform(self, room: TelegramRoom) -> TelegramPlatform:
        return room.platform

    @pytest.fixture
    def unconnected(self, room: TelegramRoom) -> TelegramPlatform:
        return TelegramPlatform(SecretStr(room.server.token), base_url=room.server.base_url)

    @pytest.fixture
    def place(self, chat: Chat) -> Place:
        return Place(platform="telegram", channel=str(chat.id))

    @pytest.fixture
    def nowhere(self) -> Place:
        return Place(platform="telegram", channel="-1")

    @pytest.fixture
    def look(self, room: TelegramRoom, chat: Chat) -> Look:
        ann = room.server.person("Ann", chat)
        return lambda: shown(ann.messages())


def shown(messages: list[Seen]) -> Shown:
    return Shown("\n".join(seen.text for seen in messages), any(seen.pictures for seen in messages))
