"""How does the bot change what stands already: edits, deletions, answers to presses?"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from tests.standins.telegram.chats import Chat, Message
from tests.standins.telegram.cloud import Cloud, Query
from tests.standins.telegram.fields import Fields
from tests.standins.telegram.refusal import bad
from tests.standins.telegram.sending import check_rights, media_content, read_caption, read_markup, read_text

DELETABLE_S = 48 * 3600
QUERY_LIFE_S = 15.0
LONGEST_TOAST = 200
TEXT = ("text", "entities")
CAPTION = ("caption", "caption_entities", "show_caption_above_media")
MEDIA = ("photo", "document", "has_media_spoiler")
NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly the same as a current content"
    " and reply markup of the message"
)
TOO_OLD = "query is too old and response timeout expired or query ID is invalid"


class Editing:
    """The methods that change. An edit without a keyboard takes the keyboard away."""

    def __init__(self, cloud: Cloud, toast: Callable[[str, Query, str], None]) -> None:
        self._cloud = cloud
        self._toast = toast

    async def text(self, fields: Fields) -> dict[str, Any]:
        content = read_text(fields)
        message = self._target(fields)
        if "text" not in message.body:
            raise bad("there is no text in the message to edit")
        return self._change(message, fields, TEXT, content)

    async def caption(self, fields: Fields) -> dict[str, Any]:
        is_above = fields.flag("show_caption_above_media")
        content = read_caption(fields.texts, fields.objects("caption_entities"), is_above)
        message = self._target(fields)
        if "text" in message.body:
            raise bad("there is no caption in the message to edit")
        return self._change(message, fields, CAPTION, content)

    async def media(self, fields: Fields) -> dict[str, Any]:
        item = fields.json("media")
        if not isinstance(item, dict):
            raise bad("input media is not specified")
        message = self._target(fields)
        if "media_group_id" in message.body and (item.get("type") == "document") != ("document" in message.body):
            raise bad("can't use the media of the specified type in the album")
        check_rights(message.chat, item.get("type", ""))
        content = await media_content(self._cloud, fields, item)
        return self._change(message, fields, TEXT + CAPTION + MEDIA, content)

    async def reply_markup(self, fields: Fields) -> dict[str, Any]:
        return self._change(self._target(fields), fields, (), {})

    async def delete(self, fields: Fields) -> bool:
        chat = self._cloud.writable(fields.text("chat_id"))
        message = chat.messages.get(fields.integer("message_id"))
        if message is None:
            raise bad("message to delete not found")
        self._delete(chat, message)
        return True

    async def delete_many(self, fields: Fields) -> bool:
        chat = self._cloud.writable(fields.text("chat_id"))
        ids = fields.json("message_ids") or []
        if not 1 <= len(ids) <= 100:
            raise bad("message identifiers are not specified" if not ids else "too many message identifiers specified")
        for message in [chat.messages[one] for one in ids if one in chat.messages]:
            self._delete(chat, message)
        return True

    async def answer_query(self, fields: Fields) -> bool:
        query = self._cloud.queries.get(fields.text("callback_query_id"))
        if query is None or self._cloud.clock.now() - query.at > QUERY_LIFE_S:
            raise bad(TOO_OLD)
        text = fields.text("text")
        if len(text) > LONGEST_TOAST:
            raise bad("MESSAGE_TOO_LONG")
        if not query.is_answered:
            query.is_answered = True
            self._cloud.press_answers.append(time.perf_counter() - query.pressed)
            if text:
                self._toast(fields.text("callback_query_id"), query, text)
        return True

    def _target(self, fields: Fields) -> Message:
        if fields.text("inline_message_id"):
            raise bad("MESSAGE_ID_INVALID")
        chat = self._cloud.writable(fields.text("chat_id"))
        message_id = fields.integer("message_id")
        if not message_id:
            raise bad("message identifier is not specified")
        if (message := chat.messages.get(message_id)) is None:
            raise bad("message to edit not found")
        if not message.is_from_bot or message.has_other_markup:
            raise bad("message can't be edited")
        self._cloud.limits.admit(chat.id, is_group=chat.is_group)
        return message

    def _change(
        self, message: Message, fields: Fields, replaced: tuple[str, ...], content: dict[str, Any]
    ) -> dict[str, Any]:
        going = {*replaced, "reply_markup", "edit_date"}
        before = {name: value for name, value in message.body.items() if name != "edit_date"}
        after = {name: value for name, value in message.body.items() if name not in going}
        markup = read_markup(fields)
        if markup.is_other:
            raise bad("inline keyboard expected")
        after |= self._cloud.name_people(content) | markup.keyboard
        if after == before:
            raise bad(NOT_MODIFIED)
        if message.id not in message.chat.messages:  # deleted while a photo was compressed
            raise bad("message to edit not found")
        message.body = after | {"edit_date": self._cloud.today()}
        message.edits += 1
        self._cloud.show(message)
        return message.body

    def _delete(self, chat: Chat, message: Message) -> None:
        if self._cloud.clock.now() - message.body["date"] > DELETABLE_S:
            raise bad("message can't be deleted for everyone")
        if chat.is_group and not message.is_from_bot and chat.bot_status != "administrator":
            raise bad("message can't be deleted")
        self._cloud.remove(message)
