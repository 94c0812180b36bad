"""Which rooms do the tests of the bot talk in?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.chat import Call
from tests.bot.chatroom import SOMEBODY, STUDIO, RecordedPlatform, RecordedReply, Room, settings


@pytest.fixture
def call() -> Call:
    platform = RecordedPlatform()
    reply = RecordedReply(platform, STUDIO)
    return Call(key="event 1", member=SOMEBODY, place=STUDIO, platform=platform, reply=reply)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def shared_room(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Room]:
    """One room for a whole module: for tests that leave it as they found it."""
    async with Room(settings(tmp_path_factory.mktemp("room"))) as room:
        yield room


@pytest.fixture
def room(tmp_path: Path) -> Room:
    """A room of one's own, not opened yet."""
    return Room(settings(tmp_path))
