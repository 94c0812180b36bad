"""Can a health check see whether the program is alive?"""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from bot.heartbeat import beating
from tests.bot.chatroom import PATIENCE_S, Room


async def test_the_running_program_keeps_its_heartbeat_young(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat"
    file.touch()
    os.utime(file, (0, 0))

    async with asyncio.timeout(PATIENCE_S), beating(file, interval_s=0.0):
        for _ in range(2):
            while not file.stat().st_mtime:  # noqa: ASYNC110 - a file has no event to wait for
                await asyncio.sleep(0)
            os.utime(file, (0, 0))


async def test_the_heartbeat_lies_in_the_data_directory(room: Room) -> None:
    async with room:
        await room.say("/imagine a heart")

        assert (room.settings.data_dir / "heartbeat").exists()
