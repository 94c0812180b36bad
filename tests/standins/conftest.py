"""What do the tests of the stand-ins share?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import telegram as library

from tests.standins.discord import DiscordServer
from tests.standins.small_bot import SmallBot, running
from tests.standins.small_telegram_bot import connected
from tests.standins.telegram import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer(patience_s=10) as server:
        yield server


@pytest.fixture
async def bot(server: DiscordServer) -> AsyncIterator[SmallBot]:
    async with running(server) as bot:
        yield bot


@pytest.fixture
async def telegram() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=10) as server:
        yield server


@pytest.fixture
async def telegram_bot(telegram: TelegramServer) -> AsyncIterator[library.Bot]:
    async with connected(telegram) as bot:
        yield bot
