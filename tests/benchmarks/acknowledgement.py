"""How soon is a command acknowledged on Discord and on Telegram, at rest and while pictures are being made?

    python -m tests.benchmarks.acknowledgement

The program itself serves both stand-ins at once, with models that draw one flat colour. An acknowledgement is the first
answer of the program that arrives at a stand-in: on Discord to the interaction, on Telegram the job's message.
"""

import asyncio
import contextlib
import os
import statistics
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from itertools import cycle
from pathlib import Path

from tests.bot.online import PLATFORMS, Chats, is_done
from tests.bot.program import COMMAND, environment
from tests.standins.discord import DiscordServer
from tests.standins.person import Person, Seen
from tests.standins.telegram import TelegramServer

COMMANDS = 200
PACE_S = 0.15  # between two commands: what Telegram lets bots send is not what is measured here
PEOPLE = 40
PAINTERS = 12  # on each platform; together they ask for 8 pictures a second, which is more than a GPU makes
PAINTERS_PACE_S = 3.0
GOAL_MS = 250
WARM_UP = 5


@contextlib.asynccontextmanager
async def running(directory: Path, chats: Chats) -> AsyncIterator[None]:
    """Run the program until the block ends."""
    settings = environment(directory) | chats.settings(*PLATFORMS) | {"SSL_CERT_FILE": str(chats.discord.ca_file)}
    with (directory / "stderr").open("w") as log:
        program = await asyncio.create_subprocess_exec(*COMMAND, "run", env=settings, cwd=directory, stderr=log)
    try:
        await chats.served(*PLATFORMS)
        yield
    finally:
        program.terminate()
        await program.wait()


async def ask(person: Person, line: str) -> Seen:
    """Type a line and wait for the message that answers it."""
    before = {seen.id for seen in person.messages()}
    await person.type(line)
    seen = await person.until(lambda seen: seen.id not in before)
    assert seen.text.startswith("Job"), seen.text
    return seen


async def ask_in_turn(people: Sequence[Person], commands: int) -> None:
    """Let people ask one after the other, each when the one before was answered, and not too fast."""
    for person, _ in zip(cycle(people), range(commands), strict=False):
        await asyncio.gather(ask(person, "/imagine a cat"), asyncio.sleep(PACE_S))


async def paint(painter: Person, after_s: float) -> None:
    """Ask for a picture again and again, beginning at a moment of one's own."""
    await asyncio.sleep(after_s)
    while True:
        asked, _ = await asyncio.gather(ask(painter, "/imagine a landscape --steps 30"), asyncio.sleep(PAINTERS_PACE_S))
        await painter.until(lambda seen, asked=asked: seen.id == asked.id and is_done(seen))


def milliseconds(seconds: Sequence[float]) -> str:
    """Give the median, the 99th percentile and the longest of some times."""
    times = sorted(1e3 * second for second in seconds)
    return f"{statistics.median(times):8.1f} {times[int(0.99 * len(times))]:8.1f} {times[-1]:8.1f}"


async def measure(chats: Chats, what: str, people: dict[str, list[Person]]) -> None:
    """Let people on both platforms ask at once, and print a line for each platform."""
    servers = {"discord": chats.discord, "telegram": chats.telegram}
    ours = {platform: len(server.acknowledgements) for platform, server in servers.items()}
    await asyncio.gather(*(ask_in_turn(people[platform], COMMANDS) for platform in PLATFORMS))
    for platform, server in servers.items():
        times = server.acknowledgements[ours[platform] :]
        print(f"{platform:<10} {what:<24} {milliseconds(times)}   n {len(times)}", flush=True)


async def compare(directory: Path) -> None:
    """Measure at rest, then while pictures are being made."""
    async with DiscordServer() as discord, TelegramServer() as telegram:
        chats = Chats(discord, telegram)
        people = {platform: [alone(chats, platform, n) for n in range(PEOPLE)] for platform in PLATFORMS}
        async with running(directory, chats):
            for platform in PLATFORMS:
                await ask_in_turn(people[platform], WARM_UP)
            await measure(chats, "at rest", people)
            painters = [alone(chats, platform, PEOPLE + n) for n in range(PAINTERS) for platform in PLATFORMS]
            async with asyncio.TaskGroup() as group:
                apart_s = PAINTERS_PACE_S / len(painters)
                painting = [group.create_task(paint(painter, n * apart_s)) for n, painter in enumerate(painters)]
                await measure(chats, "while pictures are made", people)
                for task in painting:
                    task.cancel()
            made = sum(is_done(seen) for painter in painters for seen in painter.messages())
            print(f"meanwhile {made} pictures of 30 steps were made for others")


def alone(chats: Chats, platform: str, number: int) -> Person:
    """Somebody who talks with the bot in private: chats have budgets of their own."""
    server = chats.discord if platform == "discord" else chats.telegram
    return server.person(f"Person {number}").in_private()


def main() -> None:
    """Print a table."""
    print(f"Python {sys.version.split()[0]} on {os.cpu_count()} processors; milliseconds, goal for p99: {GOAL_MS}")
    print(f"{'platform':<10} {'':<24} {'p50':>8} {'p99':>8} {'longest':>8}")
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(compare(Path(directory)))


if __name__ == "__main__":
    main()
