"""Does `fairbrush setup` lead a newcomer to a bot that answers and to an admin, and say what is in the way?"""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess
from urllib.parse import parse_qs, urlsplit

import pytest
import pytest_asyncio

from tests.bot.online import PLATFORMS, Chats
from tests.bot.program import Program, fairbrush
from tests.standins.discord import DiscordServer
from tests.standins.telegram import TelegramPerson, TelegramServer

# To see a channel, to write there and in its threads, to attach files, and to read what was said before.
LEAST = 1 << 10 | 1 << 11 | 1 << 38 | 1 << 15 | 1 << 16
NOWHERE = {"FAIRBRUSH_DISCORD__PROXY": "http://127.0.0.1:9", "FAIRBRUSH_TELEGRAM__BASE_URL": "http://127.0.0.1:9"}

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass(frozen=True, slots=True)
class Premises:
    """A program that runs after both chats were set up, and what the setups printed."""

    chats: Chats
    directory: Path
    discord: str
    telegram: str
    opener: TelegramPerson
    stranger: TelegramPerson


@pytest_asyncio.fixture(loop_scope="module")
async def chats() -> AsyncIterator[Chats]:
    async with DiscordServer() as discord, TelegramServer() as telegram:
        yield Chats(discord, telegram)


@pytest_asyncio.fixture(loop_scope="module", scope="module")
async def premises(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Premises]:
    directory = tmp_path_factory.mktemp("premises")
    async with DiscordServer() as discord, TelegramServer() as telegram:
        chats, opener, stranger = Chats(discord, telegram), telegram.person("Ann"), telegram.person("Bob")
        on_discord = await set_up(directory, "Discord", chats)
        with Program(directory, "setup", "telegram", **chats.settings("telegram")) as program:
            code = await code_of(program)
            await stranger.type("/start")
            await stranger.type(f"/start {code[:-1]}")
            await opener.type(f"/start {code}")
            status = await asyncio.to_thread(program.end)
        assert (on_discord.returncode, on_discord.stderr, status) == (0, "", 0)
        with Program(directory, "run", **chats.settings(*PLATFORMS)):
            await chats.served(*PLATFORMS)
            yield Premises(chats, directory, on_discord.stdout, program.output, opener, stranger)


async def set_up(directory: Path, platform: str, chats: Chats, **settings: str) -> CompletedProcess[str]:
    """Run a setup to its end."""
    own = chats.settings(*PLATFORMS) | settings
    done = await asyncio.to_thread(fairbrush, directory, "setup", platform, **own)
    assert "Traceback" not in done.stderr
    assert not [secret for secret in chats.secrets() if secret.decode() in done.stdout + done.stderr]
    return done


async def code_of(program: Program) -> str:
    """Wait for the link that makes an admin, and give the code in it."""
    await asyncio.to_thread(program.until, "To become an admin, open this link and press Start:\n")
    output = await asyncio.to_thread(program.until, "\n")
    link = re.search(r"^  https://t\.me/fairbrush_bot\?start=(\S+)$", output, re.MULTILINE)
    assert link is not None, output
    return link[1]


async def test_the_invitation_to_discord_asks_for_the_least(premises: Premises) -> None:
    invitation = next(line.strip() for line in premises.discord.splitlines() if line.startswith("  https://"))

    asked = parse_qs(urlsplit(invitation).query)

    assert invitation.startswith("https://discord.com/oauth2/authorize?")
    assert asked == {
        "client_id": [premises.chats.discord.world.bot.id],
        "scope": ["bot applications.commands"],
        "permissions": [str(LEAST)],
    }


async def test_each_setup_says_who_is_an_admin_now_and_what_comes_next(premises: Premises) -> None:
    owner = premises.chats.discord.owner

    assert f"Owner, who owns the application (discord:{owner.id}) is an admin now.\n" in premises.discord
    assert f"Ann (telegram:{premises.opener.id}) is an admin now.\n" in premises.telegram
    assert "  https://t.me/fairbrush_bot?startgroup=true\n" in premises.telegram
    assert all(text.endswith("Start it with: fairbrush run\n") for text in (premises.discord, premises.telegram))


async def test_the_owner_of_the_discord_application_is_an_admin(premises: Premises) -> None:
    owner = premises.chats.discord.owner

    await owner.type("/admin status")

    await owner.until(lambda seen: "Queue: open" in seen.text)


async def test_who_opened_the_link_of_telegram_is_an_admin_and_nobody_else(premises: Premises) -> None:
    for person in (premises.opener, premises.stranger):
        await person.type("/admin status")

    await premises.opener.until(lambda seen: "Queue: open" in seen.text)
    await premises.stranger.until(lambda seen: "/admin status is for admins only" in seen.text)


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_beside_the_running_program_nothing_is_set_up(premises: Premises, platform: str) -> None:
    done = await set_up(premises.directory, platform, premises.chats)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(
        f"Another Fairbrush is using the data directory {premises.directory / 'data'}: stop it, "
    )
    assert f"run fairbrush setup {platform} again" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_second_setup_finds_the_admin_already_there(tmp_path: Path, chats: Chats) -> None:
    await set_up(tmp_path, "discord", chats)

    assert "is an admin already.\n" in (await set_up(tmp_path, "discord", chats)).stdout


async def test_what_a_discord_bot_lacks_is_named(tmp_path: Path, chats: Chats) -> None:
    chats.discord.kick(chats.discord.home)
    chats.discord.world.portal |= {
        "bot_require_code_grant": True,
        "interactions_endpoint_url": "https://somewhere.example/interactions",
        "flags": 1 << 19,
        "integration_types_config": {"1": {}},
    }

    lines = (await set_up(tmp_path, "discord", chats)).stdout.splitlines()

    named = "\n".join(line for line in lines if line.startswith("  - "))
    hints = (
        "in no server yet",
        "Code Grant",
        "Interactions Endpoint URL",
        "Message Content",
        "Guild Install",
        "Public",
    )
    assert [hint for hint in hints if hint not in named] == []


async def test_a_webhook_that_keeps_telegram_from_the_bot_is_removed(tmp_path: Path, chats: Chats) -> None:
    chats.telegram.set_webhook("https://somewhere.example/its-secret-path")
    ann = chats.telegram.person("Ann")

    with Program(tmp_path, "setup", "telegram", **chats.settings("telegram")) as program:
        await ann.type(f"/start {await code_of(program)}")
        status = await asyncio.to_thread(program.end)

    assert status == 0
    assert "A webhook to somewhere.example was set" in program.output
    assert "its-secret-path" not in program.output


async def test_who_waits_no_longer_for_somebody_to_open_the_link_leaves(tmp_path: Path, chats: Chats) -> None:
    with Program(tmp_path, "setup", "telegram", **chats.settings("telegram")) as program:
        await code_of(program)
        printed = program.output

        program.process.send_signal(signal.SIGINT)

        assert await asyncio.to_thread(program.end) == 130
    assert program.output == printed


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_without_a_token_a_setup_says_in_steps_how_to_get_one(
    tmp_path: Path, chats: Chats, platform: str
) -> None:
    setting = f"FAIRBRUSH_{platform.upper()}__TOKEN"

    done = await set_up(tmp_path, platform, chats, **{setting: ""})

    assert (done.returncode, done.stdout) == (2, "")
    assert [line[:3] for line in done.stderr.splitlines()[1:]] == ["1. ", "2. ", "3. "]
    assert f"into the environment or .env as {setting}.\n" in done.stderr
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_wrong_token_is_said_to_be_wrong(tmp_path: Path, chats: Chats, platform: str) -> None:
    done = await set_up(tmp_path, platform, chats, **chats.settings(platform, bad=platform))

    assert (done.returncode, done.stdout) == (2, "")
    assert f"FAIRBRUSH_{platform.upper()}__TOKEN" in done.stderr
    assert "does not take the token" in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize("platform", PLATFORMS)
async def test_a_platform_that_is_away_is_said_to_be(tmp_path: Path, chats: Chats, platform: str) -> None:
    done = await set_up(tmp_path, platform, chats, **NOWHERE)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"{platform.title()} cannot be reached")
    assert "run the setup again" in done.stderr
    assert done.stderr.count("\n") == 1


async def test_a_platform_that_there_is_not_is_refused(tmp_path: Path) -> None:
    done = await asyncio.to_thread(fairbrush, tmp_path, "setup", "slack")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == 'There is no platform "slack" to set up: possible are discord and telegram.\n'
