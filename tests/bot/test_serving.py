"""Does `fairbrush run` serve whoever it has a token for, whatever becomes of the others, and leave when told to?"""

from __future__ import annotations

import asyncio
import contextlib
import io
import logging
import signal
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
import structlog
from PIL import Image
from telegram.error import InvalidToken

from bot import logs
from tests.bot.online import NOTHING_ELSE, PATIENCE_S, PLATFORMS, Chats, is_done
from tests.bot.program import Program, fairbrush, switch
from tests.standins.discord import DiscordServer
from tests.standins.discord.errors import unknown_interaction
from tests.standins.telegram import TelegramServer

OTHER = {"discord": "telegram", "telegram": "discord"}
REASONS = {
    "discord": "Discord does not take the token in FAIRBRUSH_DISCORD__TOKEN",
    "telegram": "does not take the token of FAIRBRUSH_TELEGRAM__TOKEN",
}


@pytest.fixture
async def chats() -> AsyncIterator[Chats]:
    async with DiscordServer() as discord, TelegramServer() as telegram:
        yield Chats(discord, telegram)


def colours(picture: bytes) -> tuple[int, int]:
    """Give the strongest channel, of red, green and blue, in a picture's middle and in its corner."""
    with Image.open(io.BytesIO(picture)) as image:
        shown = image.convert("RGB")
        points = [shown.getpixel((shown.width // 2, shown.height // 2)), shown.getpixel((2, 2))]
    middle, corner = (list(point).index(max(point)) for point in points if isinstance(point, tuple))
    return middle, corner


@pytest.mark.parametrize(
    "platforms",
    [
        pytest.param(("telegram",), marks=pytest.mark.slow),
        pytest.param(("discord",), marks=pytest.mark.slow),
        PLATFORMS,
    ],
    ids=" and ".join,
)
async def test_a_token_is_all_it_takes(tmp_path: Path, chats: Chats, platforms: tuple[str, ...]) -> None:
    lines = (f"{name}={value}\n" for name, value in chats.settings(*platforms).items())
    (tmp_path / ".env").write_text("".join(lines))
    people = [chats.person(platform, "Ann") for platform in platforms]

    with Program(tmp_path, "run", **NOTHING_ELSE):
        await chats.served(*platforms)
        for person in people:
            await person.type("/imagine a red circle on a blue background --seed 7")
        shown = [await person.until(is_done) for person in people]

    assert [colours(seen.pictures[0]) for seen in shown] == [(0, 2)] * len(platforms)
    assert all("a red circle on a blue background\ndemo · seed 7 · 20 steps" in seen.text for seen in shown)


@pytest.mark.parametrize("bad", PLATFORMS)
async def test_a_token_that_is_not_taken_leaves_the_other_platform_served(
    tmp_path: Path, chats: Chats, bad: str
) -> None:
    good = OTHER[bad]
    ann = chats.person(good, "Ann")

    with Program(tmp_path, "run", **chats.settings(*PLATFORMS, bad=bad)) as program:
        await asyncio.to_thread(program.until, REASONS[bad])
        await chats.served(good)
        await ann.type("/imagine a cat")
        await ann.until(is_done)

    assert f"platform='{bad}'" in program.output


async def test_where_no_token_is_taken_the_program_ends_and_says_so(tmp_path: Path, chats: Chats) -> None:
    settings = chats.settings("discord", bad="discord") | chats.settings("telegram", bad="telegram")

    done = await asyncio.to_thread(fairbrush, tmp_path, "run", **settings)

    assert done.returncode == 1
    assert all(reason in done.stderr for reason in REASONS.values())
    assert done.stderr.endswith(
        "No platform takes its token, so nobody can be served; the lines above say what to do.\n"
    )
    assert "Traceback" not in done.stderr


def test_without_a_token_the_program_says_how_to_get_one(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "run", FAIRBRUSH_DISCORD__TOKEN=" ", FAIRBRUSH_TELEGRAM__TOKEN="")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("No platform has a token yet. fairbrush setup telegram and fairbrush setup discord")
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("command", ["run", "setup"])
def test_the_commands_for_chats_have_help(tmp_path: Path, command: str) -> None:
    done = fairbrush(tmp_path, command, "--help")

    assert done.returncode == 0
    assert f"Usage: fairbrush {command}" in done.stdout


@pytest.mark.parametrize("how", ["SIGTERM", pytest.param("Ctrl-C", marks=pytest.mark.slow)])
async def test_leaving_in_the_middle_of_a_picture_is_quick_and_the_next_start_goes_on(
    tmp_path: Path, chats: Chats, how: str
) -> None:
    hold = switch(tmp_path, "hold")
    hold.touch()
    settings = chats.settings(*PLATFORMS)
    people = [chats.person(platform, "Ann") for platform in PLATFORMS]
    with Program(tmp_path, "run", is_terminal=how == "Ctrl-C", **settings) as program:
        await chats.served(*PLATFORMS)
        for person in people:
            await person.type("/imagine a cat --seed 7")
        begun = [await person.until(lambda seen: "a cat" in seen.text) for person in people]
        await asyncio.wait(
            [asyncio.create_task(person.until(lambda seen: "step 1 of 4" in seen.text)) for person in people],
            return_when=asyncio.FIRST_COMPLETED,
        )
        family = program.process.children(recursive=True)

        told = time.monotonic()
        if how == "Ctrl-C":
            program.type("\x03")
        else:
            program.process.send_signal(signal.SIGTERM)
        status = await asyncio.to_thread(program.end)
        took_s = time.monotonic() - told

        _, left = await asyncio.to_thread(psutil.wait_procs, family, PATIENCE_S)
    hold.unlink()
    with Program(tmp_path, "run", **settings):
        done = [await person.until(is_done) for person in people]

    assert (status, left) == (0, [])
    assert took_s < 1.0
    assert "stopping" in program.output
    assert "Traceback" not in program.output
    assert [seen.id for seen in done] == [seen.id for seen in begun]
    assert [len(person.messages()) for person in people] == [1, 1]


async def test_who_is_told_to_leave_before_it_has_connected_leaves(tmp_path: Path, chats: Chats) -> None:
    async with chats.discord.faults.held("GET /users/@me") as reached, chats.telegram.away():
        with Program(tmp_path, "run", **chats.settings(*PLATFORMS)) as program:
            await asyncio.to_thread(program.until, "platform down")
            async with asyncio.timeout(PATIENCE_S):
                await reached.wait()

            program.process.send_signal(signal.SIGTERM)

            assert await asyncio.to_thread(program.end) == 0


async def test_a_telegram_that_is_away_at_the_start_is_served_when_it_is_back(tmp_path: Path, chats: Chats) -> None:
    ann, bob = chats.person("discord", "Ann"), chats.person("telegram", "Bob")
    async with contextlib.AsyncExitStack() as absence:
        await absence.enter_async_context(chats.telegram.away())
        with Program(tmp_path, "run", **chats.settings(*PLATFORMS)) as program:
            await asyncio.to_thread(program.until, "Telegram cannot be reached at")
            await bob.type("/imagine a dog")
            await chats.served("discord")
            await ann.type("/imagine a cat")
            await ann.until(is_done)

            await absence.aclose()

            await bob.until(is_done)


async def test_a_discord_in_trouble_at_the_start_is_served_later(tmp_path: Path, chats: Chats) -> None:
    ann, bob = chats.person("discord", "Ann"), chats.person("telegram", "Bob")
    chats.discord.faults.fail("GET /users/@me", status=503)

    with Program(tmp_path, "run", **chats.settings(*PLATFORMS)) as program:
        await asyncio.to_thread(program.until, "503 Service Unavailable")
        await bob.type("/imagine a dog")
        await bob.until(is_done)
        await chats.served("discord")
        await ann.type("/imagine a cat")
        await ann.until(is_done)


async def test_the_tokens_are_to_be_read_nowhere(tmp_path: Path, chats: Chats) -> None:
    secrets = chats.secrets()
    people = [chats.person(platform, "Ann") for platform in PLATFORMS]
    with Program(tmp_path, "run", **chats.settings(*PLATFORMS)) as program:
        await chats.served(*PLATFORMS)
        chats.telegram.faults.fail("getUpdates")
        chats.telegram.faults.fail("editMessageMedia", status=502)
        chats.discord.faults.drop("PATCH /channels")
        chats.discord.faults.refuse("POST /interactions", unknown_interaction())
        for person in people:
            await person.type("/imagine a cat")
        for person in people:
            await person.until(is_done)
        chats.telegram.revoke_token()
        await people[1].type("/queue")
        await asyncio.to_thread(program.until, REASONS["telegram"])
        chats.discord.reset_token()
        chats.discord.gateway.drop()
        status = await asyncio.to_thread(program.end)

    shown = [text for person in people for seen in person.messages() for text in (seen.text.encode(), *seen.pictures)]
    kept = {path.name: path.read_bytes() for path in (tmp_path / "data").glob("**/*") if path.is_file()}
    assert status == 1
    assert {"fairbrush.log", "fairbrush.db", "worker.log"} <= kept.keys()
    for where in (program.output.encode(), *kept.values(), *shown):
        assert not [secret for secret in secrets if secret in where]


def test_no_secret_is_read_in_a_log_not_even_in_a_traceback(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    token, password = "7000000001:hunter2hunter2", "hunter3"
    cause = InvalidToken(f"The token `{token}` was rejected by the server.")
    error = ConnectionError(f"https://me:{password}@somewhere/bot{token}/getMe")
    error.__cause__ = cause

    def work() -> None:
        with logs.kept_in(tmp_path / "fairbrush.log", (token, password)), logs.shown((token, password)):
            structlog.get_logger().error("refused", reason=f"{token} is unknown", proxy=password)
            structlog.get_logger().error(f"refused {token}", exc_info=error)
            logging.getLogger("a library").error("refused %s", token, exc_info=error)
            raise error

    with pytest.raises(ConnectionError):
        work()

    kept, shown = (tmp_path / "fairbrush.log").read_text(), capsys.readouterr().err
    assert kept.count("InvalidToken") == 3
    assert shown.count("InvalidToken") == 2
    assert "hunter" not in kept + shown
