"""What do the soaks share: both stand-ins, the program, and a report of what was measured?"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tests.bot.online import Chats
from tests.conftest import MEASURED
from tests.soak.running import Running
from tests.standins.discord import DiscordServer
from tests.standins.telegram import TelegramServer

PATIENCE_S = 240.0  # of a member who waits for a picture in a group, where a minute has twenty calls


@pytest.fixture
def report(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Takes lines to print when all tests are over."""
    return lambda line: request.node.user_properties.append((MEASURED, line))


@pytest.fixture
async def chats() -> AsyncIterator[Chats]:
    async with DiscordServer(patience_s=PATIENCE_S) as discord, TelegramServer(patience_s=PATIENCE_S) as telegram:
        yield Chats(discord, telegram)


@pytest.fixture
async def running(tmp_path: Path, chats: Chats) -> AsyncIterator[Running]:
    async with Running(tmp_path, chats) as running:
        yield running
