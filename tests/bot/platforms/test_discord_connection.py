"""Does the bot stay connected to Discord, spare its sessions, and leave nothing behind?"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.platforms.connection import BadTokenError
from bot.platforms.discord import examine
from bot.platforms.discord.client import SessionsSpentError
from bot.platforms.discord.identifies import NOTE
from tests.bot.platforms.discord_room import DiscordRoom, is_done, room_of
from tests.standins.discord.people import DiscordPerson
from tests.standins.discord.server import DiscordServer

LOGIN = "GET /users/@me"
WELL_SET = {"bot_public": False, "integration_types_config": {"0": {}, "1": {}}}


@pytest.fixture
async def server() -> AsyncIterator[DiscordServer]:
    async with DiscordServer() as server:
        yield server


@pytest.fixture
async def room(server: DiscordServer, tmp_path: Path) -> AsyncIterator[DiscordRoom]:
    async with room_of(server, tmp_path) as room:
        yield room


@pytest.fixture
def ann(server: DiscordServer, room: DiscordRoom) -> DiscordPerson:  # noqa: ARG001 - somebody in an open room
    return server.person("Ann")


@pytest.mark.usefixtures("room")
async def test_the_bot_asks_for_no_more_than_servers_and_channels(server: DiscordServer) -> None:
    assert server.gateway.intents == 1


async def test_a_command_of_a_dropped_connection_is_answered_after_it_is_resumed(
    server: DiscordServer, ann: DiscordPerson
) -> None:
    server.gateway.drop()
    await ann.type("/imagine a cat")

    done = await ann.until(is_done)

    assert [seen.id for seen in ann.messages()] == [done.id]
    assert server.gateway.resumes == 1
    assert server.identifies == 1


async def test_a_job_ends_although_the_gateway_is_down(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
) -> None:
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(lambda seen: "step 1" in seen.text)
    server.gateway.is_down = True
    server.gateway.drop()
    room.release()

    assert await ann.until(is_done)


async def test_sessions_are_counted_over_restarts(server: DiscordServer, tmp_path: Path) -> None:
    for _ in range(2):
        async with room_of(server, tmp_path) as room:
            kept = await room.app.desk.settings.get(NOTE)

    assert kept is not None
    assert len(json.loads(kept)) == 2


async def test_whoever_began_many_sessions_waits_with_the_next(server: DiscordServer, tmp_path: Path) -> None:
    room = room_of(server, tmp_path)
    async with room:
        pass
    async with room_of(server, tmp_path) as room:
        await room.leave()
        five_just_now = [time.time() - 88.5 - second for second in range(5)]
        await room.app.desk.settings.put(NOTE, json.dumps(sorted(five_just_now)))

        with capture_logs() as logs:
            started = time.monotonic()
            await room.serve()
            waited = time.monotonic() - started

    assert waited > 1
    assert [log["log_level"] for log in logs if "too many" in log["event"]] == ["warning"]


async def test_messages_are_shown_while_the_next_session_waits(
    server: DiscordServer, room: DiscordRoom, ann: DiscordPerson
) -> None:
    room.hold()
    await ann.type("/imagine a cat")
    await ann.until(lambda seen: "step 1" in seen.text)
    await room.leave()
    await room.app.desk.settings.put(NOTE, json.dumps([time.time()] * 5))
    room.serving = asyncio.create_task(room.platform.serve(room.app.desk))
    room.release()

    assert await ann.until(is_done)
    assert server.identifies == 1


async def test_sessions_that_discord_ends_again_and_again_are_not_begun_at_once(
    server: DiscordServer, room: DiscordRoom
) -> None:
    await room.app.desk.settings.put(NOTE, json.dumps([time.time()] * 5))
    server.gateway.invalidate()

    with pytest.raises(SessionsSpentError):
        await room.serving

    assert server.identifies == 1


async def test_a_wrong_token_is_given_up(server: DiscordServer, room: DiscordRoom) -> None:
    await room.leave()
    server.reset_token()

    with pytest.raises(BadTokenError, match="does not take the token"):
        await room.serve()


async def test_a_token_that_is_reset_meanwhile_is_given_up(server: DiscordServer, room: DiscordRoom) -> None:
    server.reset_token()
    server.gateway.drop()

    with pytest.raises(BadTokenError, match="does not take the token"):
        await room.serving


async def test_an_outage_at_the_start_is_for_the_supervisor(server: DiscordServer, room: DiscordRoom) -> None:
    await room.leave()
    server.faults.fail(LOGIN, status=503)

    with pytest.raises(Exception, match="503"):
        await room.serve()


async def test_a_gateway_that_is_down_at_the_start_is_for_the_supervisor(
    server: DiscordServer, room: DiscordRoom
) -> None:
    await room.leave()
    server.gateway.is_down = True

    with pytest.raises(Exception, match=r"cannot be reached|503"):
        await room.serve()


async def test_leaving_takes_less_than_a_second_and_leaves_nothing(server: DiscordServer, tmp_path: Path) -> None:
    ann = server.person("Ann")
    async with room_of(server, tmp_path) as room:
        before = asyncio.all_tasks() - {room.serving}
        room.hold()
        await ann.type("/imagine a cat")
        await ann.until(lambda seen: "step 1" in seen.text)
        (room.switches / "hold-load").touch()
        await server.owner.invoke("admin load", model="flatter")

        started = time.monotonic()
        await room.leave()
        taken = time.monotonic() - started

        left = {task for task in asyncio.all_tasks() if "discord" in repr(task) and "standins" not in repr(task)}
        (room.switches / "hold-load").unlink()
        room.release()

    assert taken < 1
    assert left - before == set()
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("keep-alive")]


async def test_discord_is_imported_only_by_whoever_asks_for_it() -> None:
    code = "import sys, bot.__main__, bot.app, bot.session; sys.exit('discord' in sys.modules)"

    result = await asyncio.to_thread(subprocess.run, [sys.executable, "-c", code], timeout=60, check=False)

    assert result.returncode == 0


class TestSetup:
    """What `fairbrush setup discord` is told."""

    async def test_a_good_bot_is_named_with_its_owner_and_its_invitation(self, server: DiscordServer) -> None:
        report = await examine(SecretStr(server.token), proxy=server.proxy)

        assert report.application == "Fairbrush"
        assert report.owner == f"discord:{server.owner.id}"
        assert report.owner_name == "Owner"
        assert report.invite.startswith(f"https://discord.com/oauth2/authorize?client_id={server.world.bot.id}&")
        assert "scope=bot+applications.commands" in report.invite
        assert f"permissions={1 << 10 | 1 << 11 | 1 << 15 | 1 << 16 | 1 << 38}" in report.invite

    async def test_the_owner_of_a_team_counts_as_the_owner(self, server: DiscordServer) -> None:
        boss = server.person("Boss")
        server.world.team.append(boss.user)

        report = await examine(SecretStr(server.token), proxy=server.proxy)

        assert report.owner == f"discord:{boss.id}"

    async def test_a_bot_without_a_server_is_told_to_be_invited(self, server: DiscordServer) -> None:
        for guild in server.world.guilds.values():
            guild.is_installed = False

        report = await examine(SecretStr(server.token), proxy=server.proxy)

        assert "The bot is in no server yet: open the invite link and choose one." in report.missing

    @pytest.mark.parametrize(
        ("portal", "said"),
        [
            ({"bot_require_code_grant": True}, "switch “Requires OAuth2 Code Grant” off"),
            ({"interactions_endpoint_url": "https://example.org"}, "empty the “Interactions Endpoint URL”"),
            ({"flags": 1 << 18}, "“Message Content Intent” is on, but Fairbrush does not need it"),
            ({"flags": 1 << 15}, "“Server Members Intent” is on, but Fairbrush does not need it"),
            ({"integration_types_config": {"0": {}}}, "tick “User Install”"),
            ({"integration_types_config": {"1": {}}}, "tick “Guild Install”"),
            ({"bot_public": True}, "Anybody may add the bot to their server and use your GPU"),
        ],
    )
    async def test_what_stands_in_the_way_in_the_portal_is_named(
        self, server: DiscordServer, portal: dict[str, Any], said: str
    ) -> None:
        server.world.portal |= WELL_SET | portal

        report = await examine(SecretStr(server.token), proxy=server.proxy)

        assert len(report.missing) == 1
        assert said in report.missing[0]

    async def test_nothing_is_missing_where_all_is_well(self, server: DiscordServer) -> None:
        server.world.portal |= WELL_SET

        assert (await examine(SecretStr(server.token), proxy=server.proxy)).missing == ()

    async def test_a_wrong_token_is_said_to_be(self, server: DiscordServer) -> None:
        with pytest.raises(BadTokenError, match="does not take the token"):
            await examine(SecretStr("wrong.token.indeed"), proxy=server.proxy)
