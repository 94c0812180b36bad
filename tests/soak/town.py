"""Where do the members meet: which places are there on both platforms, and who can type where?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tests.standins.discord import DiscordServer
from tests.standins.telegram import TelegramServer

# How much of what is typed is typed where. A group of Telegram's takes twenty calls a minute, and a job needs two.
SPOTS: Mapping[str, Mapping[str, int]] = {
    "discord": {"studio": 16, "garden": 14, "attic": 12, "thread": 12, "private": 46},
    "telegram": {"private": 84, "group": 5, "supergroup": 5, "topic": 6},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """Somebody on one of the platforms, at the keyboard in each of its places."""

    platform: str
    name: str
    at: Mapping[str, Any]


class Town:
    """The places and the members of both stand-ins."""

    def __init__(self, discord: DiscordServer, telegram: TelegramServer, members: int) -> None:
        self.discord = discord
        self.telegram = telegram
        garden = discord.channel(discord.home, "garden")
        self._channels = {
            "studio": discord.studio,
            "garden": garden,
            "attic": discord.channel(discord.home, "attic"),
            "thread": discord.thread(garden, "under the apple tree"),
        }
        forum = telegram.supergroup("Forum", is_forum=True)
        self._chats = {
            "group": telegram.group("Group"),
            "supergroup": telegram.supergroup("Supergroup"),
            "topic": telegram.topic(forum, "Circles"),
        }
        self.members = [self._on_discord(n) if n % 2 else self._on_telegram(n) for n in range(members)]

    def _on_discord(self, number: int) -> Member:
        name = f"Member{number}"
        person = self.discord.person(name)
        places = {spot: person.at(channel) for spot, channel in self._channels.items()}
        return Member(platform="discord", name=name, at=places | {"private": person.in_private()})

    def _on_telegram(self, number: int) -> Member:
        name = f"Member{number}"
        person = self.telegram.person(name)
        places = {spot: person.at(chat) for spot, chat in self._chats.items()}
        return Member(platform="telegram", name=name, at=places | {"private": person.in_private()})
