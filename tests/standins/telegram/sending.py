"""How does the bot post messages: texts, photos, documents, albums?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.standins.telegram.chats import Chat, Message
from tests.standins.telegram.cloud import Cloud
from tests.standins.telegram.fields import Fields, Upload
from tests.standins.telegram.formatting import formatted
from tests.standins.telegram.refusal import bad

LONGEST_TEXT = 4096
LONGEST_CAPTION = 1024
ACTIONS = {
    "typing",
    "upload_photo",
    "upload_document",
    "choose_sticker",
    "find_location",
    "record_video",
    "upload_video",
}
MOST_BUTTONS = 100
LONGEST_PAYLOAD = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Destination:
    """Where a message goes: the chat, the topic (0 if none), and what it replies to."""

    chat: Chat
    thread: int
    reply_to: Message | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Markup:
    """What a message has beneath it: an inline keyboard, or something else that asks for an answer."""

    keyboard: dict[str, Any]
    asks_for_reply: bool = False
    is_selective: bool = False
    is_other: bool = False


class Sending:
    """The methods that post."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    async def message(self, fields: Fields) -> dict[str, Any]:
        content = read_text(fields)
        return self._post(fields, self._admit(fields), content)

    async def photo(self, fields: Fields) -> dict[str, Any]:
        caption = read_caption(
            fields.texts, fields.objects("caption_entities"), fields.flag("show_caption_above_media")
        )
        destination = self._admit(fields)
        check_rights(destination.chat, "photo")
        content = await photo_content(self._cloud, fields.file("photo"), has_spoiler=fields.flag("has_spoiler"))
        return self._post(fields, destination, content | caption)

    async def document(self, fields: Fields) -> dict[str, Any]:
        caption = read_caption(fields.texts, fields.objects("caption_entities"), is_above=False)
        destination = self._admit(fields)
        check_rights(destination.chat, "document")
        return self._post(
            fields, destination, {"document": self._cloud.files.document(fields.file("document"))} | caption
        )

    async def media_group(self, fields: Fields) -> list[dict[str, Any]]:
        media = fields.objects("media")
        if not 2 <= len(media) <= 10:
            raise bad("media group must include 2-10 items" if media else "media is empty")
        if len({item.get("type") == "document" for item in media}) > 1:
            raise bad("documents can't be mixed with other media types")
        destination = self._admit(fields, messages=len(media))
        check_rights(destination.chat, media[0].get("type", ""))
        contents = [await media_content(self._cloud, fields, item) for item in media]
        group = {"media_group_id": str(next(self._cloud.numbers) * 7919)}
        return [self._post(fields, destination, content | group) for content in contents]

    async def chat_action(self, fields: Fields) -> bool:
        self._cloud.writable(fields.text("chat_id"))
        if fields.text("action") not in ACTIONS:
            raise bad("wrong parameter action in request")
        return True

    def _admit(self, fields: Fields, messages: int = 1) -> Destination:
        chat = self._cloud.writable(fields.text("chat_id"))
        thread = fields.integer("message_thread_id")
        if chat.is_forum and thread and thread not in chat.topics:  # the general topic has no id that could be named
            raise bad("message thread not found")
        reply_to = _replied(chat, fields)
        if reply_to is not None and chat.is_forum and not thread:
            thread = reply_to.thread
        self._cloud.limits.admit(chat.id, is_group=chat.is_group, messages=messages)
        return Destination(chat=chat, thread=thread, reply_to=reply_to)

    def _post(self, fields: Fields, destination: Destination, content: dict[str, Any]) -> dict[str, Any]:
        markup = read_markup(fields)
        body = {"from": self._cloud.bot.to_json(), **self._cloud.name_people(content), **markup.keyboard}
        message = self._cloud.keep(destination.chat, body, destination.thread, destination.reply_to)
        message.is_from_bot = True
        message.asks_for_reply, message.is_selective = markup.asks_for_reply, markup.is_selective
        message.has_other_markup = markup.is_other
        self._cloud.send(message)
        return message.body


def read_text(fields: Fields) -> dict[str, Any]:
    text = formatted(fields.text("text"), fields.text("parse_mode"), fields.objects("entities"))
    if not text.text:
        raise bad("message text is empty")
    if len(text.text) > LONGEST_TEXT:
        raise bad("message is too long")
    return text.to_json("text", "entities")


def read_caption(values: Any, entities: Sequence[dict[str, Any]], is_above: bool) -> dict[str, Any]:  # noqa: FBT001
    """The caption that stands in a call's parameters or in an InputMedia object."""
    caption = formatted(values.get("caption", ""), values.get("parse_mode", ""), entities)
    if len(caption.text) > LONGEST_CAPTION:
        raise bad("message caption is too long")
    return caption.to_json("caption", "caption_entities") | ({"show_caption_above_media": True} if is_above else {})


def check_rights(chat: Chat, kind: str) -> None:
    """Refuses pictures where members may only write."""
    if not chat.takes_pictures:
        raise bad(f"not enough rights to send {kind}s to the chat")


async def photo_content(cloud: Cloud, source: Upload | str, *, has_spoiler: bool) -> dict[str, Any]:
    return {"photo": await cloud.files.photo(source)} | ({"has_media_spoiler": True} if has_spoiler else {})


async def media_content(cloud: Cloud, fields: Fields, item: dict[str, Any]) -> dict[str, Any]:
    """What an InputMedia object puts into a message."""
    caption = read_caption(item, item.get("caption_entities") or (), bool(item.get("show_caption_above_media")))
    source = fields.attached(item.get("media", ""))
    match item.get("type"):
        case "photo":
            return await photo_content(cloud, source, has_spoiler=bool(item.get("has_spoiler"))) | caption
        case "document":
            return {"document": cloud.files.document(source)} | caption
    raise bad("the stand-in knows media of the types photo and document only")


def read_markup(fields: Fields) -> Markup:
    markup = fields.json("reply_markup") or {}
    if "inline_keyboard" not in markup:
        asks, selective = bool(markup.get("force_reply")), bool(markup.get("selective"))
        return Markup(keyboard={}, asks_for_reply=asks, is_selective=selective, is_other=bool(markup))
    rows = [row for row in markup["inline_keyboard"] if row]
    buttons = [button for row in rows for button in row]
    if len(buttons) > MOST_BUTTONS:
        raise bad("reply markup is too long")
    for button in buttons:
        if not button.get("text") or not button.keys() - {"text", "style", "icon_custom_emoji_id"}:
            raise bad("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
        if "callback_data" in button and not 1 <= len(button["callback_data"].encode()) <= LONGEST_PAYLOAD:
            raise bad("BUTTON_DATA_INVALID")
    return Markup(keyboard={"reply_markup": {"inline_keyboard": rows}} if rows else {})


def _replied(chat: Chat, fields: Fields) -> Message | None:
    parameters = fields.json("reply_parameters")
    if not parameters:
        return None
    message = chat.messages.get(parameters.get("message_id"))
    if message is None and not parameters.get("allow_sending_without_reply"):
        raise bad("message to be replied not found")
    return message
