"""What do people do in Telegram, and what do they see there?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from typing import Any, TypeAlias

from tests.standins.person import NotOfferedError, Screen, Seen
from tests.standins.telegram.chats import ANONYMOUS_ADMIN, CHANNEL_BOT, Account, Chat, Message, Topic
from tests.standins.telegram.cloud import Cloud, Query
from tests.standins.telegram.fields import Upload
from tests.standins.telegram.formatting import formatted

Place: TypeAlias = Chat | Topic


class TelegramPerson:
    """Somebody at a phone. What is typed goes to `place`; without one, to the private chat with the bot.

    The screen shows what the bot posts in all chats that the person is in, and the toasts that answer presses.
    """

    def __init__(self, cloud: Cloud, account: Account, place: Place | None, patience_s: float) -> None:
        self._cloud = cloud
        self.account = account
        self.place = place or self.private_chat()
        self.last_update: int | None = None
        self._screen = Screen(patience_s)
        self._own: Message | None = None
        self._prompts: dict[str, Message] = {}
        cloud.onlookers.append(self._look)

    @property
    def id(self) -> int:
        return self.account.id

    @property
    def place_id(self) -> int:
        """The id of the chat that this person types in."""
        return self._chat.id

    def private_chat(self) -> Chat:
        """The chat between this person and the bot; it begins when it is first asked for."""
        cloud, account = self._cloud, self.account
        if (chat := cloud.chats.get(account.id)) is None:
            name = account.first_name
            chat = Chat(id=account.id, kind="private", title=name, username=account.username, numbers=cloud.numbers)
            cloud.chats[chat.id] = chat
            chat.admit(account)
        return chat

    def at(self, place: Place) -> TelegramPerson:
        """The same person, with the same screen, in another place."""
        there = copy(self)
        there.place = place
        if self.id not in there._chat.members:
            there._chat.admit(self.account)
        return there

    def in_private(self) -> TelegramPerson:
        """The same person in the private chat with the bot."""
        return self.at(self.private_chat())

    async def type(self, line: str) -> None:
        self._say(_text(line))

    async def type_anonymously(self, line: str) -> None:
        """Types as an administrator who hides behind the group."""
        self._say(_text(line), sender=ANONYMOUS_ADMIN, more={"sender_chat": self._chat.to_json()})

    async def type_as_channel(self, line: str, title: str = "A channel") -> None:
        """Types in the name of a channel of one's own."""
        channel = {"id": -1002000000000 - self.id, "type": "channel", "title": title}
        self._say(_text(line), sender=CHANNEL_BOT, more={"sender_chat": channel})

    async def reply(self, to: Seen, line: str) -> None:
        """Types a reply to a message of the bot's."""
        self._say(_text(line), reply_to=self._message(to))

    async def reply_to_own(self, line: str) -> None:
        """Types a reply to what one sent last."""
        self._say(_text(line), reply_to=self._own)

    async def send_photo(self, picture: bytes, caption: str = "", to: Seen | None = None) -> None:
        """Sends a picture the usual way: compressed; maybe in reply to a message of the bot's."""
        photo = {"photo": await self._cloud.files.photo(Upload(name="photo.png", content=picture))}
        self._say(photo | _caption(caption), reply_to=None if to is None else self._message(to))

    async def send_album(self, pictures: Sequence[bytes], caption: str = "") -> None:
        """Sends several pictures at once: as many messages, of which the first has the caption."""
        group = {"media_group_id": str(next(self._cloud.numbers) * 7919)}
        for number, picture in enumerate(pictures):
            photo = {"photo": await self._cloud.files.photo(Upload(name="photo.png", content=picture))}
            self._say(photo | group | _caption("" if number else caption))

    async def send_document(self, content: bytes, name: str, caption: str = "") -> None:
        """Sends a file as it is."""
        document = {"document": self._cloud.files.document(Upload(name=name, content=content))}
        self._say(document | _caption(caption))

    async def forward(self, line: str, by: TelegramPerson | None = None) -> None:
        """Forwards what somebody typed elsewhere; nobody in particular hides the name."""
        hidden = {"type": "hidden_user", "sender_user_name": "Somebody"}
        origin = hidden if by is None else {"type": "user", "sender_user": by.account.to_json()}
        self._say(_text(line), more={"forward_origin": {**origin, "date": self._cloud.today() - 60}})

    async def edit(self, line: str) -> None:
        """Edits what one typed last."""
        if self._own is None:
            raise NotOfferedError(f"{self.account.first_name} has typed nothing yet.")
        going = {"text", "entities", "edit_date"}
        kept = {name: value for name, value in self._own.body.items() if name not in going}
        self._own.body = {**kept, **_text(line), "edit_date": self._cloud.today()}
        if self._cloud.reaches_bot(self._own):
            self.last_update = self._cloud.updates.add("edited_message", self._own.body)

    async def delete(self, message: Seen) -> None:
        """Deletes a message of the bot's, for everybody."""
        self._cloud.remove(self._message(message))

    async def press(self, message: Seen, payload: str) -> None:
        there = seen(self._cloud, self._message(message)).buttons
        if payload not in there:
            raise NotOfferedError(f"There is no button {payload!r} to press. There are: {', '.join(there) or 'none'}.")
        await self.forge(message, payload)

    async def forge(self, message: Seen, payload: str, *, is_accessible: bool = True) -> None:
        """Presses a button that is not there, as changed clients can; or one under a message too old for the bot."""
        pressed = self._message(message)
        self._prompts.clear()
        query_id = str(4_000_000_000 + len(self._cloud.queries))
        self._cloud.queries[query_id] = Query(account=self.account, message=pressed, at=self._cloud.clock.now())
        chat = pressed.chat
        body = pressed.body if is_accessible else {"chat": chat.to_json(), "message_id": pressed.id, "date": 0}
        query = {"id": query_id, "from": self.account.to_json(), "message": body, "data": payload}
        if chat.bot_status not in {"kicked", "left"}:
            query["chat_instance"] = str(abs(chat.id) * 7919)
            self.last_update = self._cloud.updates.add("callback_query", query)

    async def fill(self, text: str) -> None:
        """Answers the prompt that the last press brought up."""
        prompt = await self._screen.until(lambda seen: seen.id in self._prompts)
        self._say(_text(text), reply_to=self._prompts.pop(prompt.id))

    async def block(self) -> None:
        """Blocks the bot."""
        self._cloud.change_bot(self.private_chat(), "kicked", self.account)

    async def unblock(self) -> None:
        """Lets the bot write again."""
        self._cloud.change_bot(self.private_chat(), "member", self.account)

    async def until(self, is_it: Callable[[Seen], bool]) -> Seen:
        return await self._screen.until(is_it)

    def messages(self) -> list[Seen]:
        return self._screen.messages()

    def toast(self, query_id: str, text: str) -> None:
        """Shows what answers a press, to nobody else."""
        words: dict[str, Any] = {"id": f"toast {query_id}", "text": text, "pictures": (), "files": (), "buttons": {}}
        self._screen.show(Seen(**words, is_private=True, is_spoiler=False, edits=0))

    @property
    def _chat(self) -> Chat:
        chat = self.place.chat if isinstance(self.place, Topic) else self.place
        return chat if chat.moved_to is None else self._cloud.chats[chat.moved_to]

    def _message(self, seen: Seen) -> Message:
        chat_id, _, message_id = seen.id.partition("/")
        found = self._cloud.chats[int(chat_id)].messages.get(int(message_id))
        if found is None:
            raise NotOfferedError(f"{self.account.first_name} does not see the message {seen.id} any more.")
        return found

    def _say(
        self,
        content: dict[str, Any],
        *,
        sender: Account | None = None,
        more: dict[str, Any] | None = None,
        reply_to: Message | None = None,
    ) -> None:
        chat = self._chat if reply_to is None else reply_to.chat
        thread = self.place.id if isinstance(self.place, Topic) else 0
        thread = reply_to.thread if reply_to is not None else thread
        body = {"from": (sender or self.account).to_json(), **(more or {}), **content}
        self._own = self._cloud.keep(chat, body, thread, reply_to)
        self.last_update = self._cloud.receive(self._own)

    def _is_asked(self, message: Message) -> bool:
        if not message.is_selective or not message.chat.is_group:
            return True
        body = message.body
        replied = body.get("reply_to_message", {}).get("from", {}).get("id")
        named = [entity.get("user", {}).get("id") for entity in body.get("entities", ())]
        return self.id in {replied, *named} or f"@{self.account.username}" in body.get("text", "").split()

    def _look(self, message: Message, is_gone: bool) -> None:  # noqa: FBT001
        if self.id not in message.chat.members or not message.is_from_bot:
            return
        if is_gone:
            self._screen.take_away(message.key)
            return
        if message.asks_for_reply and self._is_asked(message):
            self._prompts[message.key] = message
        self._screen.show(seen(self._cloud, message))


def seen(cloud: Cloud, message: Message) -> Seen:
    """A message as it stands on a screen."""
    body = message.body
    rows = body.get("reply_markup", {}).get("inline_keyboard", [])
    buttons = {one["callback_data"]: one["text"] for row in rows for one in row if "callback_data" in one}
    document = body.get("document")
    pictures = [body["photo"][-1]] if "photo" in body else []
    if document is not None and document["mime_type"].startswith("image/"):
        pictures.append(document)
    return Seen(
        id=message.key,
        text=body.get("text") or body.get("caption") or "",
        pictures=tuple(cloud.files.content(picture["file_id"]) for picture in pictures),
        files=() if document is None else (document["file_name"],),
        buttons=buttons,
        is_private=not message.chat.is_group,
        is_spoiler=body.get("has_media_spoiler", False),
        edits=message.edits,
    )


def _text(line: str) -> dict[str, Any]:
    return formatted(line).to_json("text", "entities")


def _caption(line: str) -> dict[str, Any]:
    return formatted(line).to_json("caption", "caption_entities")
