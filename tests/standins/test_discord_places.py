"""Does the stand-in tell places apart: servers, channels, threads, private chats, and where the bot is no member?"""

from __future__ import annotations

import discord
import pytest

from tests.standins.discord import Can, DiscordServer
from tests.standins.person import NotOfferedError
from tests.standins.small_bot import SmallBot, asked


async def queue(interaction: discord.Interaction) -> str:
    answer = await interaction.response.send_message("queued")
    return str(answer.message_id)


class TestPlaces:
    async def test_where_only_a_person_installed_it_the_bot_has_its_token_and_five_messages(
        self, server: DiscordServer, bot: SmallBot
    ) -> None:
        elsewhere = server.channel(server.guild("Elsewhere", is_installed=False), "general")
        ann = server.person("Ann", elsewhere, has_installed=True)
        guest = server.person("Guest", elsewhere)

        async def try_all(interaction: discord.Interaction) -> None:
            message_id = await queue(interaction)
            assert not interaction.is_guild_integration()
            with pytest.raises(discord.Forbidden, match="50001"):
                await bot.message(elsewhere.id, message_id).edit(content="by id")
            await interaction.edit_original_response(content="by token")
            for number in range(6):
                await interaction.followup.send(f"more {number}")

        with pytest.raises(discord.HTTPException, match="40094"):
            await asked(bot, ann, try_all)

        assert [seen.text for seen in guest.messages()] == ["by token", *(f"more {n}" for n in range(5))]
        with pytest.raises(NotOfferedError, match="not offered by an installation"):
            await guest.type("/do it")

    async def test_the_bot_is_told_what_kind_of_place_it_is(self, server: DiscordServer, bot: SmallBot) -> None:
        adult = server.channel(server.home, "adult", is_age_restricted=True)
        ann = server.person("Ann", has_installed=True)
        group = server.group(ann, server.owner)

        async def look(interaction: discord.Interaction) -> tuple[bool, bool, bool]:
            await queue(interaction)
            is_nsfw = getattr(interaction.channel, "is_nsfw", lambda: False)()
            return is_nsfw, interaction.context.dm_channel is True, interaction.context.private_channel is True

        assert await asked(bot, ann, look) == (False, False, False)
        assert await asked(bot, ann.at(server.thread(adult, "a thread")), look) == (True, False, False)
        assert await asked(bot, ann.in_private(), look) == (False, True, False)
        assert await asked(bot, ann.at(group), look) == (False, False, True)

    async def test_roles_and_permissions_come_with_the_person(self, server: DiscordServer, bot: SmallBot) -> None:
        painters = server.role(server.home, "Painters", Can.MANAGE_MESSAGES)

        async def look(interaction: discord.Interaction) -> tuple[list[str], bool]:
            await queue(interaction)
            assert isinstance(interaction.user, discord.Member)
            return [role.name for role in interaction.user.roles], interaction.permissions.manage_messages

        assert await asked(bot, server.person("Ann", None, painters), look) == (["@everyone", "Painters"], True)
        assert await asked(bot, server.person("Bob"), look) == (["@everyone"], False)

    async def test_what_becomes_of_a_channel_is_told(self, server: DiscordServer, bot: SmallBot) -> None:
        ann = server.person("Ann")

        async def look(interaction: discord.Interaction) -> bool:
            await queue(interaction)
            assert isinstance(interaction.channel, discord.TextChannel)
            return interaction.channel.is_nsfw()

        assert not await asked(bot, ann, look)
        server.studio.is_age_restricted = True
        server.update(server.studio)

        assert await asked(bot, ann, look)

    async def test_a_channel_that_was_deleted_is_unknown(self, server: DiscordServer, bot: SmallBot) -> None:
        server.delete_channel(server.studio)

        with pytest.raises(discord.NotFound, match="10003"):
            await bot.get_partial_messageable(int(server.studio.id)).send("hello")

    async def test_where_the_bot_was_thrown_out_it_has_no_access(self, server: DiscordServer, bot: SmallBot) -> None:
        server.kick(server.home)

        with pytest.raises(discord.Forbidden, match="50001"):
            await bot.get_partial_messageable(int(server.studio.id)).send("hello")

    async def test_a_person_can_be_written_to_in_private(self, server: DiscordServer, bot: SmallBot) -> None:
        ann = server.person("Ann")
        user = await bot.fetch_user(int(ann.id))

        await user.send("psst")

        assert [seen.text for seen in ann.messages()] == ["psst"]
        assert server.owner.messages() == []
        ann.user.is_deaf_to_bots = True
        with pytest.raises(discord.Forbidden, match="50007"):
            await user.send("psst")
