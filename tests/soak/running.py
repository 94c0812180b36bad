"""How does the program run as a process of its own, so that it can be weighed, stopped and killed?"""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path
from typing import Self

import psutil

from tests.bot.online import PLATFORMS, Chats
from tests.bot.program import COMMAND, environment

PATIENCE_S = 60.0
MIB = 2**20


class Running:
    """`fairbrush run` on a directory, serving both stand-ins. A context manager; leaving it kills what is left."""

    def __init__(self, directory: Path, chats: Chats) -> None:
        self._directory = directory
        self._environment = (
            environment(directory) | chats.settings(*PLATFORMS) | {"SSL_CERT_FILE": str(chats.discord.ca_file)}
        )
        self._process: asyncio.subprocess.Process | None = None
        self.data = directory / "data"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._process is not None and self._process.returncode is None:
            await self.kill()

    async def start(self) -> None:
        """Start it; what it says goes to a file, after what it said before."""
        with (self._directory / "stderr").open("ab") as said:
            self._process = await asyncio.create_subprocess_exec(
                *COMMAND,
                "run",
                env=self._environment,
                cwd=self._directory,
                stdout=said,
                stderr=said,
                start_new_session=True,
            )

    async def kill(self) -> None:
        """Kill it together with its worker, at once and wherever they are, and wait until nothing is left of them."""
        assert self._process is not None
        family = psutil.Process(self._process.pid).children(recursive=True)
        os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()
        _, alive = await asyncio.to_thread(psutil.wait_procs, family, PATIENCE_S)
        assert not alive

    async def stop(self) -> int:
        """Ask it to stop, and give its exit status."""
        assert self._process is not None
        self._process.terminate()
        async with asyncio.timeout(PATIENCE_S):
            return await self._process.wait()

    @property
    def resident_mib(self) -> float:
        """Give how much memory the program holds, without its worker."""
        assert self._process is not None
        return float(psutil.Process(self._process.pid).memory_info().rss) / MIB

    def said(self) -> dict[str, str]:
        """Give all that it logged or printed, by file."""
        files = [self._directory / "stderr", *self.data.glob("*.log*")]
        return {file.name: file.read_text(errors="replace") for file in files if file.exists()}
