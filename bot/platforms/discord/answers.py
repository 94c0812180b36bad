"""Which message has answered an interaction, if the bot was killed before it could note that?"""

from __future__ import annotations

import re

import discord

from bot.platforms.discord.calls import NAME

KEY = re.compile(rf"{NAME}:(\d+)")  # of a call
MOST_READ = 100  # messages after the interaction; its answer comes within seconds


async def answer_to(key: str, channel: discord.PartialMessageable) -> str | None:
    """Find the message that answered the interaction of this key.

    None if there is no such message, or if the bot may not read what was said before.
    """
    match = KEY.fullmatch(key)
    if match is None:
        return None
    interaction_id = int(match[1])
    try:
        async for message in channel.history(after=discord.Object(interaction_id), limit=MOST_READ):
            about = message.interaction_metadata
            if about is not None and about.id == interaction_id:
                return str(message.id)
    except discord.Forbidden:
        return None
    return None
