"""Does the stand-in let go wrong what goes wrong between a client and Discord?"""

from __future__ import annotations

import asyncio
import io
import time

import aiohttp
import discord
import pytest

from tests.standins.discord import Can, DiscordServer, Rate
from tests.standins.discord.errors import unknown_interaction
from tests.standins.small_bot import SmallBot, asked, raw, running

POST = "POST /channels/{channel_id}/messages"
PATCH = "PATCH /channels/{channel_id}/messages/{message_id}"
CALLBACK = "POST /interactions/"
MIB = 1 << 20


def studio(server: DiscordServer, bot: SmallBot) -> discord.PartialMessageable:
    return bot.get_partial_messageable(int(server.studio.id))


def texts(server: DiscordServer) -> list[str]:
    return [seen.text for seen in server.owner.messages()]


def zeros(*sizes: int) -> list[discord.File]:
    return [discord.File(io.BytesIO(bytes(size)), f"{n}.bin") for n, size in enumerate(sizes)]


class TestGateway:
    async def test_after_a_drop_the_client_resumes_and_hears_what_it_missed(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")
        bot.does = lambda it: it.response.send_message("heard")

        server.gateway.drop()
        await ann.type("/do it")

        await ann.until(lambda seen: seen.text == "heard")
        assert (server.identifies, server.gateway.resumes) == (1, 1)

    async def test_asked_to_reconnect_the_client_resumes(self, server: DiscordServer, bot: SmallBot) -> None:
        await bot.wait_until_ready()
        server.gateway.ask_to_reconnect()

        async with asyncio.timeout(10):
            await bot.resumed.wait()
        assert server.identifies == 1

    @pytest.mark.parametrize("is_told", [True, False])
    async def test_a_session_that_is_over_has_to_identify_again(
        self, server: DiscordServer, bot: SmallBot, *, is_told: bool
    ) -> None:
        await bot.wait_until_ready()
        if is_told:
            server.gateway.invalidate()
        else:
            server.gateway.forget()

        async with asyncio.timeout(10):
            await server.connected()
        assert server.identifies == 2

    async def test_after_a_thousand_identifies_the_token_is_worth_nothing(self, server: DiscordServer) -> None:
        token = server.token
        server.gateway.identifies = 999
        async with running(server):
            assert server.token != token

        async with SmallBot(server) as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.start(token)

    async def test_a_client_beats_at_once(self, server: DiscordServer, bot: SmallBot) -> None:
        await bot.wait_until_ready()

        assert server.gateway.heartbeats >= 1

    async def test_a_bad_token_is_refused_by_the_api(self, server: DiscordServer) -> None:
        async with SmallBot(server) as bot:
            with pytest.raises(discord.LoginFailure):
                await bot.start("no token of ours")

    async def test_a_token_that_was_reset_is_refused_by_the_gateway(self, server: DiscordServer) -> None:
        async with SmallBot(server) as bot:
            await bot.login(server.token)
            server.reset_token()

            with pytest.raises(discord.ConnectionClosed) as refused:
                await bot.connect()
        assert refused.value.code == 4004

    async def test_privileged_intents_have_to_be_allowed(self, server: DiscordServer) -> None:
        async with SmallBot(server, intents=discord.Intents(guilds=True, message_content=True)) as bot:
            with pytest.raises(discord.PrivilegedIntentsRequired):
                await bot.start(server.token)

    async def test_only_who_asks_for_messages_is_told_of_them(self, server: DiscordServer) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True)
        async with running(server, intents=intents) as curious:
            told = asyncio.ensure_future(curious.wait_for("message", timeout=10))
            await studio(server, curious).send("look")

            assert (await told).content == "look"

    async def test_who_acts_while_no_bot_is_there_sees_no_answer(self, server: DiscordServer) -> None:
        async with running(server):
            pass
        await server.disconnected()
        ann = server.person("Ann")

        await ann.type("/do it")
        server.clock.advance(3.5)

        await ann.until(lambda seen: seen.text == "The application did not respond")


class TestRates:
    async def test_the_client_keeps_to_the_rate_that_the_headers_name(self, server: DiscordServer) -> None:
        server.limits.rates[PATCH] = Rate(3, 0.2)
        async with running(server) as bot:
            message = await studio(server, bot).send("0")
            began = time.monotonic()
            for number in range(1, 8):
                await message.edit(content=str(number))

            assert time.monotonic() - began >= 0.3
        assert texts(server) == ["7"]
        assert not server.limits.refused

    async def test_who_is_too_fast_is_told_how_long_to_wait(self, server: DiscordServer, bot: SmallBot) -> None:
        server.limits.rates[POST] = Rate(1, 0.3)
        path = f"/channels/{server.studio.id}/messages"
        await raw(server, "POST", path, json={"content": "raw"})

        status, body = await raw(server, "POST", path, json={"content": "raw"})
        await studio(server, bot).send("library")

        assert status == 429
        assert 0 < body["retry_after"] <= 0.3
        assert body["global"] is False
        assert texts(server) == ["raw", "library"]
        assert server.limits.refused[POST] >= 1

    async def test_the_client_waits_out_the_limit_over_all(self, server: DiscordServer, bot: SmallBot) -> None:
        server.limits.close_for(0.3)

        await studio(server, bot).send("late")

        assert texts(server) == ["late"]
        assert server.limits.refused[POST] == 1

    async def test_answers_to_interactions_are_not_in_that_limit(self, server: DiscordServer, bot: SmallBot) -> None:
        server.limits.close_for(60)

        await asked(bot, server.person("Ann"), lambda it: it.response.send_message("at once"))

        assert texts(server) == ["at once"]

    async def test_a_message_older_than_an_hour_takes_three_edits(self, server: DiscordServer, bot: SmallBot) -> None:
        message = await studio(server, bot).send("old")
        server.clock.advance(2 * 3600)
        path = f"/channels/{server.studio.id}/messages/{message.id}"

        answers = [await raw(server, "PATCH", path, json={"content": str(number)}) for number in range(4)]

        assert [status for status, _ in answers] == [200, 200, 200, 429]
        assert answers[3][1]["code"] == 30046
        assert texts(server) == ["2"]


class TestFailures:
    async def test_the_client_repeats_after_a_500(self, server: DiscordServer, bot: SmallBot) -> None:
        server.faults.fail(POST)

        await studio(server, bot).send("at last")

        assert texts(server) == ["at last"]
        assert server.rest.requests[POST] == 2

    async def test_what_was_accepted_before_a_500_is_there_once_if_it_has_a_nonce(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        server.faults.fail(POST, after_acceptance=True)

        await studio(server, bot).send("once", nonce="j1")

        assert texts(server) == ["once"]
        assert server.rest.requests[POST] == 2

    async def test_what_was_accepted_before_a_500_is_there_twice_if_it_has_none(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        async def follow_up(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("first")
            server.faults.fail("POST /webhooks/", after_acceptance=True)
            await interaction.followup.send("twice")

        await asked(bot, server.person("Ann"), follow_up)

        assert texts(server) == ["first", "twice", "twice"]

    @pytest.mark.parametrize("is_after", [True, False])
    async def test_a_dropped_socket_reaches_the_bot(
        self, server: DiscordServer, bot: SmallBot, *, is_after: bool
    ) -> None:
        server.faults.drop(POST, after_acceptance=is_after)

        with pytest.raises(aiohttp.ServerDisconnectedError):
            await studio(server, bot).send("perhaps")

        assert texts(server) == (["perhaps"] if is_after else [])

    async def test_an_interaction_can_be_unknown_at_random(self, server: DiscordServer, bot: SmallBot) -> None:
        server.faults.refuse(CALLBACK, unknown_interaction())

        with pytest.raises(discord.NotFound, match="10062"):
            await asked(bot, server.person("Ann"), lambda it: it.response.send_message("queued"))

    async def test_a_route_can_be_held(self, server: DiscordServer, bot: SmallBot) -> None:
        async with server.faults.held(POST) as reached:
            sending = asyncio.ensure_future(studio(server, bot).send("late"))
            await reached.wait()
            assert texts(server) == []
        await sending

        assert texts(server) == ["late"]

    async def test_no_other_host_is_reached(self) -> None:
        with pytest.raises(AssertionError, match="CONNECT example"):  # noqa: PT012  # the leaving raises
            async with DiscordServer() as server, aiohttp.ClientSession() as session:
                with pytest.raises(aiohttp.ClientHttpProxyError):
                    await session.get("https://example.org", proxy=server.proxy)


class TestRefusals:
    async def test_a_file_over_ten_mebibytes_is_too_large(self, server: DiscordServer, bot: SmallBot) -> None:
        await studio(server, bot).send("fits", files=zeros(10 * MIB))

        with pytest.raises(discord.HTTPException, match="40005") as refused:
            await studio(server, bot).send("does not", files=zeros(10 * MIB + 1))
        assert refused.value.status == 413

    async def test_a_request_over_twenty_five_mebibytes_is_too_large(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        with pytest.raises(discord.HTTPException, match="40005"):
            await studio(server, bot).send("all", files=zeros(9 * MIB, 9 * MIB, 9 * MIB))

    async def test_what_the_bot_may_not_see_it_cannot_write_to(self, server: DiscordServer, bot: SmallBot) -> None:
        server.studio.bot_permissions = Can.SEND_MESSAGES
        with pytest.raises(discord.Forbidden, match="50001"):
            await studio(server, bot).send("hello")

        server.studio.bot_permissions = Can.VIEW_CHANNEL | Can.SEND_MESSAGES
        await studio(server, bot).send("hello")
        with pytest.raises(discord.Forbidden, match="50013"):
            await studio(server, bot).send("with a file", files=zeros(1))

    async def test_a_deleted_message_is_unknown(self, server: DiscordServer, bot: SmallBot) -> None:
        message = await studio(server, bot).send("here")
        server.delete(str(message.id))

        with pytest.raises(discord.NotFound, match="10008"):
            await message.edit(content="there")

    async def test_an_archived_thread_takes_no_edits(self, server: DiscordServer, bot: SmallBot) -> None:
        thread = server.thread(server.studio, "a thread")
        message = await bot.get_partial_messageable(int(thread.id)).send("here")
        thread.is_archived = True

        with pytest.raises(discord.HTTPException, match="50083"):
            await message.edit(content="there")
