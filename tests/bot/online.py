"""How do tests let the program itself serve the stand-ins of the chats?"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from tests.standins.discord import DiscordServer
from tests.standins.person import Person, Seen
from tests.standins.telegram import TelegramServer

PLATFORMS = ("discord", "telegram")
NOTHING_ELSE: Mapping[str, str] = {
    f"FAIRBRUSH_GENERATION__{name}": "" for name in ("DEVICE", "DEFAULT_MODEL", "MODELS_FILE")
}
PATIENCE_S = 60.0


@dataclass(frozen=True, slots=True)
class Chats:
    """Both chats, with the same names for what differs."""

    discord: DiscordServer
    telegram: TelegramServer

    def settings(self, *platforms: str, bad: str = "") -> dict[str, str]:
        """Give the settings of these platforms, with the token that each of them gave, or a `bad` one for one."""
        wrong = {"discord": "bWU.wrong.token", "telegram": "7000000001:wrong"}
        tokens = {"discord": self.discord.token, "telegram": self.telegram.token} | ({bad: wrong[bad]} if bad else {})
        ways = {
            "FAIRBRUSH_DISCORD__PROXY": self.discord.proxy,
            "FAIRBRUSH_TELEGRAM__BASE_URL": self.telegram.base_url,
        }
        return ways | {f"FAIRBRUSH_{platform.upper()}__TOKEN": tokens[platform] for platform in platforms}

    def person(self, platform: str, name: str) -> Person:
        """Somebody on a platform: on Discord in a channel, on Telegram in private with the bot."""
        server = self.discord if platform == "discord" else self.telegram
        return server.person(name)

    async def served(self, *platforms: str) -> None:
        """Wait until what is typed reaches the bot. Telegram keeps it for a bot that is late, Discord does not."""
        if "discord" in platforms:
            async with asyncio.timeout(PATIENCE_S):
                await self.discord.connected()

    def secrets(self) -> list[bytes]:
        """Give the tokens' secret parts, by which they are found even where they are cut or changed."""
        return [self.discord.token.rpartition(".")[2].encode(), self.telegram.token.rpartition(":")[2].encode()]


def is_done(seen: Seen) -> bool:
    """Tell whether a message shows a finished job."""
    return " done in " in seen.text and bool(seen.pictures)
