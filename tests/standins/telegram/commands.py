"""Which commands does the bot offer to whom?"""

from __future__ import annotations

import re
from typing import Any, TypeAlias

from tests.standins.telegram.chats import Account, Chat
from tests.standins.telegram.cloud import Cloud
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.refusal import bad

Scope: TypeAlias = tuple[str, int, int]

DEFAULT: Scope = ("default", 0, 0)
WITHOUT_CHAT = {"default", "all_private_chats", "all_group_chats", "all_chat_administrators"}
WITH_CHAT = {"chat", "chat_administrators", "chat_member"}
MOST_COMMANDS = 100


class Commands:
    """The lists that the bot set, by scope and language, and which of them a person sees."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._lists: dict[tuple[Scope, str], list[dict[str, Any]]] = {}

    async def set(self, fields: Fields) -> bool:
        commands = fields.objects("commands")
        if len(commands) > MOST_COMMANDS:
            raise bad("BOT_COMMANDS_TOO_MUCH")
        for command in commands:
            if not re.fullmatch(r"[a-z0-9_]{1,32}", command.get("command", "").removeprefix("/")):
                raise bad("BOT_COMMAND_INVALID")
            if not 1 <= len(command.get("description", "")) <= 256:
                raise bad("BOT_COMMAND_DESCRIPTION_INVALID")
        self._lists[self._key(fields)] = commands
        return True

    async def get(self, fields: Fields) -> list[dict[str, Any]]:
        return self._lists.get(self._key(fields), [])

    async def delete(self, fields: Fields) -> bool:
        self._lists.pop(self._key(fields), None)
        return True

    def seen_by(self, account: Account, chat: Chat) -> list[str]:
        """The commands that a person is offered in a chat: the narrowest list there is."""
        is_admin = chat.members.get(account.id) in {"creator", "administrator"}
        admins: list[Scope] = [("chat_administrators", chat.id, 0)] if is_admin else []
        all_admins: list[Scope] = [("all_chat_administrators", 0, 0)] if is_admin else []
        own: list[Scope] = [("chat", chat.id, 0)]
        if chat.is_group:
            member: list[Scope] = [("chat_member", chat.id, account.id)]
            scopes = [*member, *admins, *own, *all_admins, ("all_group_chats", 0, 0), DEFAULT]
        else:
            scopes = [*own, ("all_private_chats", 0, 0), DEFAULT]
        keys = [(scope, language) for scope in scopes for language in (account.language_code, "")]
        found = next((self._lists[key] for key in keys if self._lists.get(key)), [])
        return [command["command"] for command in found]

    def _key(self, fields: Fields) -> tuple[Scope, str]:
        scope = fields.json("scope") or {"type": "default"}
        kind = scope.get("type")
        if kind in WITHOUT_CHAT:
            return (kind, 0, 0), fields.text("language_code")
        if kind not in WITH_CHAT:
            raise bad("can't parse BotCommandScope: unsupported type specified")
        chat = self._cloud.chat(str(scope.get("chat_id", "")))
        if kind != "chat" and not chat.is_group:
            raise bad("can't parse BotCommandScope: the chat is not a group")
        user_id = int(scope["user_id"]) if kind == "chat_member" else 0
        return (kind, chat.id, user_id), fields.text("language_code")
