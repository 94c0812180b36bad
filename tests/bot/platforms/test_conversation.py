"""Is it the same bot on every platform?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

import pytest
import pytest_asyncio

from tests.bot.platforms.console_stage import ConsoleStage
from tests.bot.platforms.conversation import Conversation
from tests.bot.platforms.conversation.fetching import REMOTE
from tests.bot.platforms.discord_stage import DiscordStage
from tests.bot.platforms.telegram_stage import TelegramStage
from tests.generation.remote_models import add_remote

AnyStage = TypeVar("AnyStage", ConsoleStage, DiscordStage, TelegramStage)


def with_remote_models(stage: AnyStage) -> AnyStage:
    """Let a stage that is not open yet know models that have to be downloaded."""
    for name in REMOTE:
        add_remote(stage.switches.parent / "models.toml", name)
    return stage


class TestTerminal(Conversation):
    """Where one person is everybody."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ConsoleStage]:
        async with with_remote_models(ConsoleStage(tmp_path_factory.mktemp("terminal"))) as stage:
            yield stage


class TestDiscord(Conversation):
    """Where all is a slash command, in channels of a server and in private."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[DiscordStage]:
        async with with_remote_models(DiscordStage(tmp_path_factory.mktemp("discord"))) as stage:
            yield stage


class TestTelegram(Conversation):
    """Where all is typed, in groups and in private."""

    @pytest_asyncio.fixture(loop_scope="class", scope="class")
    @classmethod
    async def stage(cls, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[TelegramStage]:
        async with with_remote_models(TelegramStage(tmp_path_factory.mktemp("telegram"))) as stage:
            yield stage
