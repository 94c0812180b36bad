"""Is it the same bot on every platform?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.bot.platforms.console_stage import ConsoleStage
from tests.bot.platforms.conversation import Conversation
from tests.bot.platforms.discord_stage import DiscordStage
from tests.bot.platforms.telegram_stage import TelegramStage


class TestTerminal(Conversation):
    """Where one person is everybody."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleStage]:
        async with ConsoleStage(tmp_path_factory.mktemp("terminal")) as stage:
            yield stage


class TestDiscord(Conversation):
    """Where all is a slash command, in channels of a server and in private."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordStage]:
        async with DiscordStage(tmp_path_factory.mktemp("discord")) as stage:
            yield stage


class TestTelegram(Conversation):
    """Where all is typed, in groups and in private."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramStage]:
        async with TelegramStage(tmp_path_factory.mktemp("telegram")) as stage:
            yield stage
