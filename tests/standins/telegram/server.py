"""What does a test have in hand: a Bot API on a socket, people and places, switches, and what was seen?"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import count
from typing import Self

from tests.standins.person import PATIENCE_S
from tests.standins.telegram.chats import Account, Chat, Message, Topic
from tests.standins.telegram.clock import Clock
from tests.standins.telegram.cloud import Cloud, Query
from tests.standins.telegram.commands import Commands
from tests.standins.telegram.faults import Faults
from tests.standins.telegram.inspection import Inspection, Violation
from tests.standins.telegram.limits import Flood, Rates
from tests.standins.telegram.methods import all_methods
from tests.standins.telegram.people import Place, TelegramPerson
from tests.standins.telegram.transport import ApiCall, Transport

BOT = Account(id=7_000_000_001, first_name="Fairbrush", username="fairbrush_bot", is_bot=True)


class TelegramServer:
    """A Bot API on a port of this machine. Use as an async context manager.

    Leaving it raises AssertionError if a call, an answer or an update went against the published schema and nobody
    waived that. `clock` can be advanced; `faults` can be injected.
    """

    def __init__(self, *, rates: Rates | None = None, has_privacy: bool = True, patience_s: float = PATIENCE_S) -> None:
        self.clock = Clock()
        self.inspection = Inspection()
        self.cloud = Cloud(self.clock, BOT, rates or Rates(), self.inspection.check_update)
        self.cloud.has_privacy = has_privacy
        self.people: dict[int, TelegramPerson] = {}
        self._commands = Commands(self.cloud)
        self._transport = Transport(self.cloud, all_methods(self.cloud, self._commands, self._toast), self.inspection)
        self._ids = count(10_000_001)
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        await self._transport.open()
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        await self._transport.close()
        if kind is None:
            self.check()

    @property
    def base_url(self) -> str:
        """The root; the library wants "/bot" after it, and "/file/bot" for downloads."""
        return f"http://127.0.0.1:{self._transport.port}"

    @property
    def token(self) -> str:
        return self._transport.token

    @property
    def faults(self) -> Faults:
        return self._transport.faults

    @property
    def calls(self) -> list[ApiCall]:
        """Every call that came in, with its answer's status."""
        return self._transport.calls

    async def until(self, is_so: Callable[[], bool]) -> None:
        """Waits until something is so, asked after each call that was answered."""
        async with asyncio.timeout(self._patience_s):
            await self._transport.until(is_so)

    @property
    def violations(self) -> list[Violation]:
        return self.inspection.violations

    @property
    def acknowledgements(self) -> list[float]:
        """The seconds that people waited from what they typed to the first message that answered it."""
        return self.cloud.acknowledgements

    @property
    def press_answers(self) -> list[float]:
        """The seconds from presses to their answers."""
        return self.cloud.press_answers

    @property
    def floods(self) -> list[Flood]:
        """Each time that the bot was told to wait."""
        return self.cloud.limits.floods

    def check(self) -> None:
        """Raises what was against the schema and was not waived."""
        assert not self.violations, "Against the published Bot API:\n" + "\n".join(map(str, self.violations))

    def waive(self, pattern: str) -> None:
        """Lets violations pass whose text fits the pattern."""
        self.inspection.waive(pattern)

    def away(self) -> AbstractAsyncContextManager[None]:
        """Lets the API be gone for the length of a block: nothing listens, every connection is cut."""
        return self._transport.away()

    def revoke_token(self) -> None:
        self._transport.is_revoked = True

    def person(self, name: str, place: Place | None = None, *, id: int = 0, status: str = "member") -> TelegramPerson:  # noqa: A002
        """Somebody who types in this place, or in private with the bot."""
        account = Account(id=id or next(self._ids), first_name=name, username=name.lower(), language_code="en")
        self.cloud.accounts[account.id] = account
        if place is not None:
            (place.chat if isinstance(place, Topic) else place).admit(account, status)
        self.people[account.id] = person = TelegramPerson(self.cloud, account, place, self._patience_s)
        return person

    def group(self, title: str) -> Chat:
        """A small group, whose id changes when it grows."""
        return self._add(Chat(id=-next(self._ids), kind="group", title=title, numbers=self.cloud.numbers))

    def supergroup(self, title: str, *, is_forum: bool = False) -> Chat:
        """A large group. Its messages count from 2: the first is its own creation."""
        chat_id = -1_000_000_000_000 - next(self._ids)
        return self._add(Chat(id=chat_id, kind="supergroup", title=title, is_forum=is_forum, numbers=count(2)))

    def topic(self, forum: Chat, name: str) -> Topic:
        """A topic of a supergroup with topics."""
        assert forum.is_forum, "only a forum has topics"
        opening = {"forum_topic_created": {"name": name, "icon_color": 7322096}}
        founder = Account(id=next(self._ids), first_name="Founder")
        message = self.cloud.keep(forum, {"from": founder.to_json(), **opening})
        message.body |= {"message_thread_id": message.id, "is_topic_message": True}
        forum.topics[message.id] = name
        self.cloud.receive(message)
        return Topic(chat=forum, id=message.id)

    def migrate(self, group: Chat) -> Chat:
        """Turns a group into a supergroup with another id; both say so."""
        new = self.supergroup(group.title)
        new.members, new.accounts, new.bot_status = group.members, group.accounts, group.bot_status
        sender = {"from": next(iter(group.accounts.values()), BOT).to_json()}
        self.cloud.receive(self.cloud.keep(group, sender | {"migrate_to_chat_id": new.id}))
        self.cloud.receive(self.cloud.keep(new, sender | {"migrate_from_chat_id": group.id}))
        group.moved_to = new.id
        return new

    def change_bot(self, chat: Chat, status: str, by: TelegramPerson) -> None:
        """Makes the bot "member", "administrator", "left" or "kicked" in a group."""
        self.cloud.change_bot(chat, status, by.account)

    def let_another_bot_speak(self, chat: Chat) -> None:
        """After that, commands without a name do not reach this bot, until it speaks itself."""
        chat.is_bot_last = False

    def set_webhook(self, url: str) -> None:
        """Sets a webhook, as if somebody had used the token for one: polls are refused until it is deleted."""
        self.cloud.updates.webhook = url

    def send_again(self, update_id: int) -> None:
        """Gives the bot an update once more, as if it had not been confirmed."""
        self.cloud.updates.send_again(update_id)

    def commands_seen_by(self, person: TelegramPerson, chat: Chat) -> list[str]:
        """The names of the commands that this person is offered there."""
        return self._commands.seen_by(person.account, chat)

    def message(self, key: str) -> Message:
        """What is kept of a message, by the id under which people see it."""
        chat_id, _, message_id = key.partition("/")
        return self.cloud.chats[int(chat_id)].messages[int(message_id)]

    def _add(self, chat: Chat) -> Chat:
        self.cloud.chats[chat.id] = chat
        return chat

    def _toast(self, query_id: str, query: Query, text: str) -> None:
        self.people[query.account.id].toast(query_id, text)
