"""Discord: the platform, and what it takes to set it up. Importing this takes a second, so only who needs it does."""

from bot.platforms.discord.platform import DiscordPlatform
from bot.platforms.discord.setup import SetupReport, examine

__all__ = ["DiscordPlatform", "SetupReport", "examine"]
