"""A Discord on loopback that the real client connects to: gateway, REST and CDN, with people at the keyboard."""

from tests.standins.discord.drafts import Upload
from tests.standins.discord.limits import Rate
from tests.standins.discord.people import Choice, DiscordPerson
from tests.standins.discord.server import DiscordServer
from tests.standins.discord.world import NOTHING, Can, Channel, Guild, Role

__all__ = ["NOTHING", "Can", "Channel", "Choice", "DiscordPerson", "DiscordServer", "Guild", "Rate", "Role", "Upload"]
