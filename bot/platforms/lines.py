"""How does a script drive the chat: one command a line on standard input?"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Iterator

from bot.chat import Accepted, Announced, View
from bot.delivery import Delivery
from bot.platforms.console import LEAVING, PRESS_HELP, ConsolePlatform, run_typed
from bot.router import Router

STANDARD_INPUT = 0
CHUNK = 65536
WAIT = "/wait"
OWN_COMMANDS = {
    **PRESS_HELP,
    WAIT: "Wait until all jobs and downloads are over, then read on.",
    "/quit": "Leave now, without waiting for jobs.",
}


async def serve_lines(platform: ConsolePlatform, router: Router, delivery: Delivery) -> None:
    """Answer each line in turn; at the end of the input, wait until all jobs are over."""
    announced: list[Awaitable[View | None]] = []
    async for line in _lines():
        match line.strip().casefold():
            case "":
                continue
            case word if word in LEAVING:
                return
            case word if word == WAIT:
                await _all_ended(delivery, announced)
            case _:
                answer = await run_typed(platform, router, line)
                if isinstance(answer, Accepted):
                    await delivery.posted(answer.job_id)  # so that what is said comes in order
                elif isinstance(answer, Announced):
                    announced.append(answer.end)
    await _all_ended(delivery, announced)


async def _all_ended(delivery: Delivery, announced: list[Awaitable[View | None]]) -> None:
    await delivery.all_ended()
    await asyncio.gather(*announced)
    announced.clear()


async def _lines() -> AsyncIterator[str]:
    """Give the lines of standard input, be it a pipe, a file or a device, without blocking the loop."""
    lines: asyncio.Queue[str | None] = asyncio.Queue()
    loop = asyncio.get_running_loop()

    def read() -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody wants the rest
            for line in _blocking_lines():
                loop.call_soon_threadsafe(lines.put_nowait, line)
            loop.call_soon_threadsafe(lines.put_nowait, None)

    threading.Thread(target=read, daemon=True, name="standard input").start()
    while (line := await lines.get()) is not None:
        yield line


def _blocking_lines() -> Iterator[str]:
    """Read by descriptor: a thread that waits inside sys.stdin would hold up the end of the program."""
    rest = b""
    with contextlib.suppress(OSError):  # standard input is closed
        while chunk := os.read(STANDARD_INPUT, CHUNK):
            *whole, rest = (rest + chunk).split(b"\n")
            yield from (line.decode("utf-8", "replace") for line in whole)
    yield rest.decode("utf-8", "replace")
