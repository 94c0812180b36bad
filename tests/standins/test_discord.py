"""Does the stand-in treat a real client and the people at its keyboards as Discord does?"""

from __future__ import annotations

import asyncio
import io
from typing import Any

import discord
import pytest
from PIL import Image

from tests.standins.discord import Can, DiscordServer, Upload
from tests.standins.person import NotOfferedError
from tests.standins.small_bot import Again, Rename, SmallBot, asked, raw, running, view

A_QUARTER_S = 16 * 60


def picture(color: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (8, 6), color).save(file, "PNG")
    return file.getvalue()


def file(name: str, data: bytes, *, spoiler: bool = False) -> discord.File:
    return discord.File(io.BytesIO(data), name, spoiler=spoiler)


async def queue(interaction: discord.Interaction) -> discord.InteractionCallbackResponse[Any]:
    return await interaction.response.send_message("queued")


class TestCommands:
    async def test_what_is_typed_reaches_the_bot_and_its_answer_is_seen(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")

        heard = await asked(bot, ann, self._echo, "/do a  cat\n--seed 7")

        assert heard == "a  cat\n--seed 7"
        assert (await ann.until(lambda seen: seen.text == f"heard {heard}")).is_private is False
        assert len(server.acknowledgements) == 1

    @staticmethod
    async def _echo(interaction: discord.Interaction) -> str:
        await interaction.response.send_message(f"heard {interaction.extras['text']}")
        return str(interaction.extras["text"])

    async def test_options_have_their_types_and_a_file_is_read_over_the_cdn(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")
        told: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

        async def read(interaction: discord.Interaction) -> None:
            await queue(interaction)
            image = interaction.extras["image"]
            told.set_result((interaction.extras["times"], image.filename, image.width, await image.read()))

        bot.does = read
        await ann.invoke("do", text="it", times=3, image=Upload.named("red.png", picture("red")))

        assert await told == (3, "red.png", 8, picture("red"))

    async def test_a_subcommand_is_for_those_who_may_and_only_in_servers(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        chief = server.role(server.home, "Chief", Can.MANAGE_GUILD)
        ann, bob = server.person("Ann", None, chief), server.person("Bob")

        await ann.type("/admin model flat")

        await ann.until(lambda seen: seen.text == "model flat")
        with pytest.raises(NotOfferedError, match="not offered to Bob"):
            await bob.type("/admin model flat")
        with pytest.raises(NotOfferedError, match="BOT_DM"):
            await ann.in_private().type("/admin model flat")

    @pytest.mark.parametrize(
        ("line", "why"),
        [
            ("/draw a cat", "no command /draw. The bot has registered: /admin, /do"),
            ("/do", "needs: text"),
            ("/admin", "goes on with one of model"),
            ("a cat", "begins with /"),
        ],
    )
    async def test_what_the_bot_does_not_offer_cannot_be_typed(
        self, server: DiscordServer, bot: SmallBot, line: str, why: str
    ) -> None:
        with pytest.raises(NotOfferedError, match=why):
            await server.person("Ann").type(line)

    async def test_a_value_out_of_range_is_not_sent(self, server: DiscordServer, bot: SmallBot) -> None:
        with pytest.raises(NotOfferedError, match="from 1 to 4, not 5"):
            await server.person("Ann").invoke("do", text="it", times=5)

    async def test_typing_is_completed(self, server: DiscordServer, bot: SmallBot) -> None:
        choices = await server.person("Ann").autocomplete("do", "fruit", "ap", text="it")

        assert choices == [("Apple", "apple"), ("Apricot", "apricot")]

    async def test_a_synced_tree_keeps_its_ids(self, server: DiscordServer, bot: SmallBot) -> None:
        first = {command.name: command.id for command in await bot.tree.sync()}

        assert {command.name: command.id for command in await bot.tree.fetch_commands()} == first
        assert len(server.commands.puts) == 2

    async def test_the_bot_knows_its_owner(self, server: DiscordServer, bot: SmallBot) -> None:
        assert bot.application is not None
        assert str((await bot.application_info()).owner.id) == server.owner.id


class TestMessages:
    async def test_one_message_goes_from_text_to_preview_to_pictures(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")

        async def work(interaction: discord.Interaction) -> None:
            answer = await queue(interaction)
            assert answer.message_id is not None
            message = bot.message(server.studio.id, answer.message_id)
            shown = await message.edit(content="half", attachments=[file("preview.png", picture("gray"))])
            kept = shown.attachments[0]
            await message.edit(content="kept", attachments=[kept, file("two.png", picture("blue"))])
            pictures = [file(f"{color}.png", picture(color), spoiler=True) for color in ("red", "green")]
            await message.edit(content="done", attachments=pictures, view=view(Again(7)))

        await asked(bot, ann, work)

        kept = await ann.until(lambda seen: seen.text == "done")
        assert kept.pictures == (picture("red"), picture("green"))
        assert kept.files == ("SPOILER_red.png", "SPOILER_green.png")
        assert kept.buttons == {"again:7": "🔄 Again"}
        assert kept.is_spoiler
        assert kept.edits == 3
        assert server.cdn.downloads == 0

    async def test_only_one_person_sees_a_private_answer_and_it_has_no_id_in_the_channel(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann, bob = server.person("Ann"), server.person("Bob")

        async def whisper(interaction: discord.Interaction) -> None:
            answer = await interaction.response.send_message("psst", ephemeral=True)
            assert answer.message_id is not None
            await interaction.edit_original_response(content="psst!")
            await bot.message(server.studio.id, answer.message_id).edit(content="loud")

        with pytest.raises(discord.NotFound, match="10008"):
            await asked(bot, ann, whisper)

        assert [(seen.text, seen.is_private) for seen in ann.messages()] == [("psst!", True)]
        assert bob.messages() == []

    async def test_after_a_quarter_of_an_hour_only_the_message_id_works(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")

        async def be_late(interaction: discord.Interaction) -> None:
            answer = await queue(interaction)
            server.clock.advance(A_QUARTER_S)
            assert answer.message_id is not None
            await bot.message(server.studio.id, answer.message_id).edit(content="by id")
            await interaction.edit_original_response(content="by token")

        with pytest.raises(discord.HTTPException, match="50027") as refused:
            await asked(bot, ann, be_late)

        assert refused.value.status == 401
        await ann.until(lambda seen: seen.text == "by id")

    async def test_the_same_nonce_gives_the_same_message_for_a_few_minutes(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        channel = bot.get_partial_messageable(int(server.studio.id))
        first = await channel.send("one", nonce="j1")
        second = await channel.send("two", nonce="j1")
        server.clock.advance(A_QUARTER_S)
        third = await channel.send("three", nonce="j1")

        assert first.id == second.id != third.id
        assert [seen.text for seen in server.owner.messages()] == ["one", "three"]

    async def test_who_is_called_is_written_down(self, server: DiscordServer, bot: SmallBot) -> None:
        channel = bot.get_partial_messageable(int(server.studio.id))
        await channel.send("@everyone look", allowed_mentions=discord.AllowedMentions.none())
        assert server.calls_for == []

        await channel.send("@everyone look")

        assert len(server.calls_for) == 1

    async def test_a_download_link_ends_and_cannot_be_forged(self, server: DiscordServer, bot: SmallBot) -> None:
        channel = bot.get_partial_messageable(int(server.studio.id))
        [attachment] = (await channel.send(file=file("red.png", picture("red")))).attachments
        assert await attachment.read() == picture("red")
        forged = attachment.url.replace("hm=", "hm=0")

        with pytest.raises(discord.NotFound):
            await bot.http.get_from_cdn(forged)
        server.clock.advance(25 * 3600)
        with pytest.raises(discord.NotFound):
            await attachment.read()


class TestInteractions:
    async def test_a_button_answers_a_client_that_never_sent_it(self, server: DiscordServer) -> None:
        ann = server.person("Ann")
        async with running(server) as bot:
            await asked(bot, ann, lambda it: it.response.send_message("done", view=view(Again(7))))
        message = await ann.until(lambda seen: seen.text == "done")

        async with running(server):
            await ann.press(message, "again:7")

            await ann.until(lambda seen: seen.text == "again 7")
        assert server.identifies == 2

    async def test_a_form_is_opened_filled_in_and_sent(self, server: DiscordServer, bot: SmallBot) -> None:
        ann = server.person("Ann")
        bot.on_press = lambda it: it.response.send_modal(Rename())
        await asked(bot, ann, lambda it: it.response.send_message("done", view=view(Again(7))))

        await ann.press(await ann.until(lambda seen: bool(seen.buttons)), "again:7")
        assert (await ann.form())["title"] == "Edit the prompt"
        with pytest.raises(NotOfferedError, match="0 to 20 letters, not 21"):
            await ann.fill("x" * 21)
        await ann.fill("a dog")

        await ann.until(lambda seen: seen.text == "now a dog")

    async def test_only_buttons_that_are_there_can_be_pressed(self, server: DiscordServer, bot: SmallBot) -> None:
        ann = server.person("Ann")
        await asked(bot, ann, lambda it: it.response.send_message("done", view=view(Again(7))))

        with pytest.raises(NotOfferedError, match="There are: again:7"):
            await ann.press(await ann.until(lambda seen: bool(seen.buttons)), "again:8")

    async def test_an_answer_after_three_seconds_is_refused_and_the_person_sees_none(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        ann = server.person("Ann")

        async def be_late(interaction: discord.Interaction) -> None:
            server.clock.advance(3.5)
            await queue(interaction)

        with pytest.raises(discord.NotFound, match="10062"):
            await asked(bot, ann, be_late)

        await ann.until(lambda seen: seen.text == "The application did not respond")
        assert len(server.interactions.unanswered) == 1

    async def test_an_interaction_is_answered_once(self, server: DiscordServer, bot: SmallBot) -> None:
        async def twice(interaction: discord.Interaction) -> tuple[int, Any]:
            await queue(interaction)
            path = f"/interactions/{interaction.id}/{interaction.token}/callback"
            return await raw(server, "POST", path, json={"type": 4, "data": {"content": "again"}})

        status, body = await asked(bot, server.person("Ann"), twice)

        assert (status, body["code"]) == (400, 40060)

    async def test_the_first_message_after_thinking_takes_its_place(self, server: DiscordServer, bot: SmallBot) -> None:
        ann = server.person("Ann")

        async def think(interaction: discord.Interaction) -> tuple[int, int]:
            await interaction.response.defer(thinking=True)
            original = await interaction.original_response()
            await ann.until(lambda seen: seen.text == "Fairbrush is thinking...")
            followup = await interaction.followup.send("thought", wait=True)
            await interaction.followup.send("more")
            return original.id, followup.id

        original, followup = await asked(bot, ann, think)

        assert original == followup
        assert [seen.text for seen in ann.messages()] == ["thought", "more"]
