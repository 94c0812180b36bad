"""Which commands does Telegram offer to whom while they type?"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping

import structlog
from telegram import Bot, BotCommand, BotCommandScope, BotCommandScopeChat, BotCommandScopeDefault
from telegram.error import TelegramError

from bot.chat import Member
from bot.command import Command
from bot.platforms.telegram.moves import NAME
from bot.router import Router
from storage import Settings, StorageError

NOTE = "telegram menus"  # the setting that keeps what was published last
EVERYONE = "everyone"
NAMES = re.compile(r"[a-z0-9_]{1,32}")
LONGEST_HELP = 256

log = structlog.get_logger()


class Menus:
    """One list for everyone, and one for each admin in their own chat with the bot. They help, and forbid nothing."""

    def __init__(self, bot: Bot, router: Router, settings: Settings) -> None:
        self._bot = bot
        self._router = router
        self._settings = settings
        self._scope = f"{NAME}:{bot.id}"
        self._published: dict[str, str] = {}

    def lacks(self, member: Member) -> bool:
        """Tell whether an admin has no menu yet: it cannot be set before they have written to the bot."""
        return member.key in self._router.admins and member.id not in self._published

    async def publish(self) -> None:
        """Set the lists that are not as they were set last, and take back those of former admins."""
        try:
            known = await self._known()
            wanted = self._wanted()
            for name, commands in wanted.items():
                digest = _digest(commands)
                if known.get(name) == digest or await self._set(name, commands):
                    self._published[name] = digest
            for name in known.keys() - wanted.keys():
                await self._take_back(name)
                self._published.pop(name, None)
            if self._published != known:
                await self._settings.put(NOTE, json.dumps(self._published), scope=self._scope)
        except StorageError as error:  # set once more at the next start
            log.warning("menus not noted", reason=str(error))

    def _wanted(self) -> Mapping[str, list[BotCommand]]:
        everything = self._router.commands()
        common = _commands(found for found in everything.values() if not found.is_admin)
        admins = [key.removeprefix(f"{NAME}:") for key in self._router.admins if key.startswith(f"{NAME}:")]
        return {EVERYONE: common} | {admin: _commands(everything.values()) for admin in admins if admin.isdecimal()}

    async def _known(self) -> dict[str, str]:
        kept = await self._settings.get(NOTE, scope=self._scope)
        return dict(json.loads(kept)) if kept else {}

    async def _set(self, name: str, commands: list[BotCommand]) -> bool:
        try:
            await self._bot.set_my_commands(commands, scope=_scope(name))
        except TelegramError as error:  # most likely an admin who has not written to the bot yet
            log.info("menu not set", menu=name, reason=type(error).__name__)
            return False
        return True

    async def _take_back(self, name: str) -> None:
        try:
            await self._bot.delete_my_commands(scope=_scope(name))
        except TelegramError as error:
            log.info("menu not taken back", menu=name, reason=type(error).__name__)


def _scope(name: str) -> BotCommandScope:
    return BotCommandScopeDefault() if name == EVERYONE else BotCommandScopeChat(int(name))


def _commands(commands: Iterable[Command]) -> list[BotCommand]:
    """Write commands as menus have them: a name has no spaces there, so that "admin status" is "admin_status"."""
    named = ((found.name.replace(" ", "_"), found.help) for found in commands)
    return [BotCommand(name, text[:LONGEST_HELP]) for name, text in named if NAMES.fullmatch(name)]


def _digest(commands: list[BotCommand]) -> str:
    plain = json.dumps([(command.command, command.description) for command in commands])
    return hashlib.sha256(plain.encode()).hexdigest()
