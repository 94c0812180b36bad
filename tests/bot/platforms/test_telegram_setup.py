"""Does the setup of a Telegram bot name what is missing and find out who the first admin is?"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from pydantic import SecretStr
from telegram.error import Conflict

from bot.chat import CommandError
from bot.platforms.connection import BadTokenError
from bot.platforms.telegram.setup import FirstAdmin, TelegramSetup, new_code, opened
from tests.bot.chatroom import PATIENCE_S
from tests.bot.platforms.telegram_room import has, room_of
from tests.standins.small_telegram_bot import connected
from tests.standins.telegram import TelegramServer


@pytest.fixture
async def server() -> AsyncIterator[TelegramServer]:
    async with TelegramServer(patience_s=20) as server:
        yield server


@pytest.fixture
async def setup(server: TelegramServer) -> AsyncIterator[TelegramSetup]:
    async with opened(SecretStr(server.token), server.base_url) as setup:
        yield setup


async def first_admin(setup: TelegramSetup, code: str) -> FirstAdmin:
    async with asyncio.timeout(PATIENCE_S):
        return await setup.first_admin(code)


async def test_a_right_token_tells_whose_it_is(setup: TelegramSetup) -> None:
    assert setup.name == "Fairbrush"
    assert setup.link == "https://t.me/fairbrush_bot"
    assert setup.code_link("abc") == "https://t.me/fairbrush_bot?start=abc"
    assert setup.hints() == ()
    assert await setup.webhook() == ""


@pytest.mark.parametrize("token", ["", "nonsense", "7000000001:of-somebody-else"])
async def test_a_wrong_token_is_refused_in_words_that_do_not_tell_it(server: TelegramServer, token: str) -> None:
    with pytest.raises(BadTokenError, match="does not take the token") as refusal:
        async with opened(SecretStr(token), server.base_url):
            pass

    assert not token or token not in str(refusal.value)


async def test_a_telegram_out_of_reach_is_named(server: TelegramServer) -> None:
    async with server.away():
        with pytest.raises(CommandError, match="Telegram cannot be reached at 127") as refusal:
            async with opened(SecretStr(server.token), server.base_url):
                pass

    assert server.token not in str(refusal.value)


async def test_missing_privacy_is_hinted_at() -> None:
    async with (
        TelegramServer(has_privacy=False) as server,
        opened(SecretStr(server.token), server.base_url) as setup,
    ):
        (hint,) = setup.hints()

    assert "/setprivacy" in hint


async def test_a_webhook_is_named_by_its_host_and_can_be_removed(server: TelegramServer, setup: TelegramSetup) -> None:
    server.set_webhook("https://elsewhere.example/secret-path")

    host = await setup.webhook()
    with pytest.raises(CommandError, match="webhook"):
        await first_admin(setup, new_code())
    await setup.remove_webhook()

    assert host == "elsewhere.example"
    assert await setup.webhook() == ""


async def test_whoever_sends_the_code_is_the_first_admin(server: TelegramServer, setup: TelegramSetup) -> None:
    ann, bob, code = server.person("Ann"), server.person("Bob"), new_code()
    await bob.type("/start")
    await bob.type(f"/start {new_code()}")
    await bob.type("/imagine a cat")
    await ann.type(f"/start {code}")

    admin = await first_admin(setup, code)

    assert admin == FirstAdmin(key=f"telegram:{ann.id}", name="Ann")
    await ann.until(has("admin of this Fairbrush"))


async def test_a_code_from_anywhere_else_counts_for_nobody(server: TelegramServer, setup: TelegramSetup) -> None:
    code = new_code()
    bob = server.person("Bob", server.group("Group"))
    await bob.type(f"/start@fairbrush_bot {code}")
    await bob.in_private().forward(f"/start {code}", by=server.person("Ann"))
    waiting = asyncio.create_task(first_admin(setup, code))
    await server.until(lambda: any(call.method == "getUpdates" for call in server.calls))

    await server.person("Carl").type(f"/start {code}")

    assert (await waiting).name == "Carl"


async def test_what_others_asked_meanwhile_is_still_answered_when_the_bot_runs(
    server: TelegramServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    ann, bob, code = server.person("Ann"), server.person("Bob"), new_code()
    await bob.type("/queue")
    await ann.type(f"/start {code}")
    async with opened(SecretStr(server.token), server.base_url) as setup:
        await first_admin(setup, code)

    async with room_of(server, tmp_path_factory.mktemp("room")):
        await bob.until(has("Nobody waits"))
        await ann.until(has("/imagine"))


async def test_a_bot_that_runs_already_is_in_the_way(server: TelegramServer, setup: TelegramSetup) -> None:
    async with connected(server) as other:
        waiting = asyncio.create_task(first_admin(setup, new_code()))
        polling = asyncio.create_task(other.get_updates(timeout=5))

        with pytest.raises((CommandError, Conflict)) as refusal:
            await asyncio.gather(waiting, polling)
        for task in (waiting, polling):
            task.cancel()
        await asyncio.gather(waiting, polling, return_exceptions=True)

    assert "other getUpdates" in str(refusal.value) or "Another program" in str(refusal.value)


def test_codes_fit_into_a_link_and_are_never_the_same() -> None:
    codes = {new_code() for _ in range(100)}

    assert len(codes) == 100
    assert all(len(code) <= 64 and code.replace("-", "").replace("_", "").isalnum() for code in codes)
