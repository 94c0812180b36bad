"""What can the bot ask about itself, about chats and their members, and about files?"""

from __future__ import annotations

from typing import Any

from tests.standins.telegram.cloud import Cloud
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.refusal import bad

GIFTS = ("unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels")


class Asking:
    """The methods that change nothing, and those of the webhook."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def me(self, _: Fields) -> dict[str, Any]:
        sees_all = not self._cloud.has_privacy
        rights = {"can_join_groups": True, "can_read_all_group_messages": sees_all, "supports_inline_queries": False}
        return self._cloud.bot.to_json() | rights

    async def chat(self, fields: Fields) -> dict[str, Any]:
        chat = self._cloud.chat(fields.text("chat_id"))
        gifts = dict.fromkeys(GIFTS, False)
        return chat.to_json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}

    async def chat_member(self, fields: Fields) -> dict[str, Any]:
        chat = self._cloud.writable(fields.text("chat_id"))
        user_id = fields.integer("user_id")
        if (account := self._cloud.accounts.get(user_id)) is None:
            raise bad("user not found")
        if user_id == self._cloud.bot.id:
            return chat.describe_member(account, chat.bot_status)
        return chat.describe_member(account, chat.members.get(user_id, "left"))

    async def administrators(self, fields: Fields) -> list[dict[str, Any]]:
        chat = self._cloud.writable(fields.text("chat_id"))
        if not chat.is_group:
            raise bad("there are no administrators in the private chat")
        rights = [(chat.accounts[one], status) for one, status in chat.members.items()]
        rights.append((self._cloud.bot, chat.bot_status))
        return [chat.describe_member(*one) for one in rights if one[1] in {"creator", "administrator"}]

    async def member_count(self, fields: Fields) -> int:
        return len(self._cloud.writable(fields.text("chat_id")).members) + 1

    async def file(self, fields: Fields) -> dict[str, Any]:
        return self._cloud.files.describe(fields.text("file_id"))

    async def webhook_info(self, _: Fields) -> dict[str, Any]:
        return self._cloud.updates.info()

    async def delete_webhook(self, fields: Fields) -> bool:
        self._cloud.updates.webhook = ""
        if fields.flag("drop_pending_updates"):
            self._cloud.updates.forget()
        return True
