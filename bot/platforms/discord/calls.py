"""Who speaks where, when an interaction comes in from Discord?"""

from __future__ import annotations

import asyncio
from typing import Any

import discord

from bot.chat import Attachment, CommandError, Member, Place
from bot.platforms.discord.errors import CALL_ERRORS

NAME = "discord"
UNKNOWN = "unknown"  # a kind of channel that the library does not know
FETCH_S = 60.0

Interaction = discord.Interaction[Any]


def member_of(interaction: Interaction) -> Member:
    """Give whoever typed or pressed, with their roles in that server."""
    user = interaction.user
    roles = user.roles if isinstance(user, discord.Member) else []
    keys = frozenset(role_key(role.id) for role in roles if not role.is_default())
    return Member(platform=NAME, id=str(user.id), name=user.display_name, roles=keys)


def member_key(member_id: int) -> str:
    """Give the key of an account."""
    return f"{NAME}:{member_id}"


def role_key(role_id: int) -> str:
    """Give the key of a role."""
    return f"{NAME}:role:{role_id}"


def place_of(interaction: Interaction) -> Place:
    """Give where an interaction came from; a thread belongs to its channel."""
    channel = interaction.channel
    if channel is None:
        return Place(platform=NAME, channel=UNKNOWN)
    if isinstance(channel, discord.Thread):
        return Place(platform=NAME, channel=str(channel.parent_id), thread=str(channel.id))
    return Place(platform=NAME, channel=str(channel.id))


def server_of(interaction: Interaction) -> str:
    """Give the key of the server that an interaction came from; empty in private."""
    return "" if interaction.guild_id is None else f"{NAME}:server:{interaction.guild_id}"


def is_reached_by_id(interaction: Interaction) -> bool:
    """Tell whether the bot can show messages there by itself: where it is a member and sees the channel."""
    if interaction.channel is None:
        return False
    if interaction.guild_id is None:
        is_group = isinstance(interaction.channel, discord.GroupChannel)
        return not (interaction.context.private_channel or is_group)
    is_member = interaction.client.get_guild(interaction.guild_id) is not None
    return is_member and interaction.app_permissions.view_channel


def is_age_restricted(interaction: Interaction) -> bool:
    """Tell whether the channel, or that of the thread, is for adults; an unknown one counts as not."""
    channel = interaction.channel
    if channel is None or isinstance(channel, discord.DMChannel | discord.GroupChannel):
        return False
    return channel.is_nsfw()


def attachment(given: discord.Attachment) -> Attachment:
    """Take up a file that came along; it is fetched when it is read."""

    async def read() -> bytes:
        try:
            async with asyncio.timeout(FETCH_S):
                return await given.read()
        except CALL_ERRORS as error:
            raise CommandError(f"{given.filename} cannot be fetched from Discord: attach it once more.") from error

    return Attachment(name=given.filename, size=given.size, read=read)
