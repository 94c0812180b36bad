"""What does Telegram know, whoever asks: chats, people, messages, files, and what may be sent where?"""

from __future__ import annotations

import re
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from tests.standins.telegram.chats import Account, Chat, Message
from tests.standins.telegram.clock import Clock
from tests.standins.telegram.files import Files
from tests.standins.telegram.limits import Limits, Rates
from tests.standins.telegram.refusal import BotApiError, bad
from tests.standins.telegram.updates import Updates

PROFILE = "tg://user?id="
PROFILE_LINK = re.compile(r"tg://user\?id=\d+")
SERVICE = {"migrate_to_chat_id", "migrate_from_chat_id", "new_chat_members", "forum_topic_created"}


@dataclass(slots=True, kw_only=True)
class Query:
    """A button that was pressed: by whom, under what, when."""

    account: Account
    message: Message
    at: float
    pressed: float = field(default_factory=time.perf_counter)
    is_answered: bool = False


class Cloud:
    """The state that the methods work on and the people look at."""

    def __init__(self, clock: Clock, bot: Account, rates: Rates, inspect: Callable[[dict[str, Any]], None]) -> None:
        self.clock = clock
        self.bot = bot
        self.limits = Limits(clock, rates)
        self.files = Files(clock)
        self.updates = Updates(clock, inspect)
        self.has_privacy = True
        self.chats: dict[int, Chat] = {}
        self.accounts: dict[int, Account] = {bot.id: bot}
        self.queries: dict[str, Query] = {}
        self.onlookers: list[Callable[[Message, bool], None]] = []  # told of each message, and whether it is gone
        self.acknowledgements: list[float] = []
        self.press_answers: list[float] = []
        self.numbers = count(1)  # private chats and groups count their messages together
        self._unanswered: dict[tuple[int, int], dict[int, float]] = defaultdict(dict)

    def today(self) -> int:
        return int(self.clock.now())

    def chat(self, word: str) -> Chat:
        """The chat that a call names."""
        if not word:
            raise bad("chat_id is empty")
        if word.startswith("@"):
            found = next((chat for chat in self.chats.values() if chat.username and f"@{chat.username}" == word), None)
        else:
            found = self.chats.get(int(word)) if word.lstrip("-").isdigit() else None
        if found is None and word.isdigit() and int(word) in self.accounts:
            raise BotApiError(403, "bot can't initiate conversation with a user")
        if found is None:
            raise bad("chat not found")
        return found

    def writable(self, word: str) -> Chat:
        """The chat that a call names, if the bot may write there."""
        chat = self.chat(word)
        if chat.moved_to is not None:
            raise bad("group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to)
        if chat.bot_status == "kicked" and not chat.is_group:
            raise BotApiError(403, "bot was blocked by the user")
        if chat.bot_status == "kicked":
            raise BotApiError(403, f"bot was kicked from the {chat.kind} chat")
        if chat.bot_status == "left":
            raise BotApiError(403, f"bot is not a member of the {chat.kind} chat")
        return chat

    def keep(self, chat: Chat, body: dict[str, Any], thread: int = 0, reply_to: Message | None = None) -> Message:
        """Keeps a new message of whomever, numbered and dated, where it belongs among topics and replies."""
        message_id = next(chat.numbers)
        head: dict[str, Any] = {"message_id": message_id, "date": self.today(), "chat": chat.to_json()}
        if chat.is_forum:
            if thread:
                head |= {"message_thread_id": thread, "is_topic_message": True}
                reply_to = reply_to or chat.messages.get(thread)  # the message that opened the topic
        elif reply_to is not None and chat.kind == "supergroup":
            head["message_thread_id"] = reply_to.thread or reply_to.id  # replies form threads there
        if reply_to is not None:
            head["reply_to_message"] = {k: v for k, v in reply_to.body.items() if k != "reply_to_message"}
        message = Message(chat=chat, body=head | body)
        chat.messages[message_id] = message
        return message

    def receive(self, message: Message) -> int | None:
        """Tells the bot of somebody's message, if it may know, and gives the update's id."""
        if not self.reaches_bot(message):
            return None
        message.is_known_to_bot = True
        update_id = self.updates.add("message", message.body)
        if update_id is not None and (_command(message.body) or self._replied(message)):
            self._unanswered[message.place][message.id] = time.perf_counter()
        return update_id

    def reaches_bot(self, message: Message) -> bool:
        """Tells whether the bot learns of a message: in groups its privacy mode lets little through."""
        chat, body = message.chat, message.body
        if chat.bot_status in {"kicked", "left"}:
            return False
        if not chat.is_group or not self.has_privacy or chat.bot_status == "administrator" or SERVICE & body.keys():
            return True
        if self._replied(message):
            return True
        command, at, whom = _command(body).partition("@")
        return bool(command) and (whom.lower() == self.bot.username.lower() if at else chat.is_bot_last)

    def _replied(self, message: Message) -> bool:
        """Tells whether a message replies to one of the bot's, or to one that was meant for the bot."""
        replied = message.chat.messages.get(message.body.get("reply_to_message", {}).get("message_id"))
        return (
            replied is not None
            and not SERVICE & replied.body.keys()
            and (replied.is_from_bot or replied.is_known_to_bot)
        )

    def name_people(self, content: dict[str, Any]) -> dict[str, Any]:
        """Makes mentions of links that lead to people whom the bot has met."""
        for entity in [*content.get("entities", ()), *content.get("caption_entities", ())]:
            url = str(entity.get("url", ""))
            account = self.accounts.get(int(url.removeprefix(PROFILE))) if PROFILE_LINK.fullmatch(url) else None
            if account is not None:
                del entity["url"]
                entity |= {"type": "text_mention", "user": account.to_json()}
        return content

    def send(self, message: Message) -> None:
        """Shows what the bot posted, and notes how long whoever asked had waited."""
        message.chat.is_bot_last = True
        waiting = self._unanswered[message.place]
        answered = message.body.get("reply_to_message", {}).get("message_id")
        if (asked := answered if answered in waiting else next(iter(waiting), None)) is not None:
            self.acknowledgements.append(time.perf_counter() - waiting.pop(asked))
        self.show(message)

    def show(self, message: Message) -> None:
        for tell in self.onlookers:
            tell(message, False)

    def remove(self, message: Message) -> None:
        del message.chat.messages[message.id]
        for tell in self.onlookers:
            tell(message, True)

    def change_bot(self, chat: Chat, status: str, by: Account) -> None:
        """Makes the bot a member, an administrator, or nobody in a chat, and tells it so."""
        old, chat.bot_status = chat.bot_status, status
        members = {
            f"{age}_chat_member": chat.describe_member(self.bot, one) for age, one in (("old", old), ("new", status))
        }
        head = {"chat": chat.to_json(), "from": by.to_json(), "date": self.today()}
        self.updates.add("my_chat_member", head | members)


def _command(body: dict[str, Any]) -> str:
    """The command that a message begins with, as it was typed; empty if there is none."""
    text = body.get("text") or body.get("caption") or ""
    first = (body.get("entities") or body.get("caption_entities") or [{}])[0]
    is_command = first.get("type") == "bot_command" and not first["offset"]
    return str(text[: first["length"]]) if is_command else ""
