"""What is done with an update: which call does it become, and how is it answered?"""

from __future__ import annotations

import asyncio
from typing import assert_never

from telegram import CallbackQuery, MaybeInaccessibleMessage, Message, Update, User

from bot.chat import Attachment, Button, Call, CommandError, Member, Place, Platform, Reply, Tone, View
from bot.platforms.telegram.attachments import attachment_of
from bot.platforms.telegram.memory import Address
from bot.platforms.telegram.menus import Menus
from bot.platforms.telegram.moves import NAME
from bot.platforms.telegram.reading import Filled, Told, Typed, read
from bot.platforms.telegram.replies import SETTLE_S, Line, PressedReply, WrittenReply
from bot.router import Router


class Reception:
    """Hands what people write and press to the router."""

    def __init__(self, platform: Platform, router: Router, line: Line, menus: Menus) -> None:
        self._platform = platform
        self._router = router
        self._line = line
        self._menus = menus
        self._me = line.calls.bot.bot

    async def take(self, update: Update) -> None:
        """Handle an update; when this returns, what it asks for is durable."""
        key = f"{NAME}:{self._me.id}:{update.update_id}"
        if update.callback_query is not None:
            await self._take_press(update.callback_query, key)
        elif update.message is not None and not await self._follow(update.message):
            await self._take_message(update.message, key)

    async def _follow(self, message: Message) -> bool:
        """Tell whether a message says that a group has become a supergroup; it does so in both of them."""
        if message.migrate_to_chat_id is not None:
            await self._line.calls.note_move(message.chat.id, message.migrate_to_chat_id)
        elif message.migrate_from_chat_id is not None:
            await self._line.calls.note_move(message.migrate_from_chat_id, message.chat.id)
        else:
            return False
        return True

    async def _take_message(self, message: Message, key: str) -> None:
        meaning = read(message, self._me, self._router.commands())
        if meaning is None or message.from_user is None:
            return
        place, member = _place(message), _member(message.from_user)
        reply = WrittenReply(self._line, place, member, message.message_id if message.chat.id < 0 else None)
        if message.chat.id == message.from_user.id and self._menus.lacks(member):
            self._line.outbox.run(self._menus.publish, "menus")
        match meaning:
            case Told():
                await reply.answer(View(text=meaning.text, tone=Tone.REFUSED))
            case Typed():
                attachments = tuple(filter(None, map(attachment_of, meaning.pictures)))
                call = self._call(key, member, place, reply, attachments=attachments)
                await self._router.run_line(call, meaning.line)
            case Filled():
                await self._router.press(self._call(key, member, place, reply), meaning.button, meaning.text)
            case _:
                assert_never(meaning)

    async def _take_press(self, query: CallbackQuery, key: str) -> None:
        if query.message is None:
            return  # under a message that was sent by way of another chat: the bot has none of those
        place, member = _place(query.message), _member(query.from_user)
        reply = PressedReply(self._line, place, member, query.id)
        settling = asyncio.get_running_loop().call_later(SETTLE_S, reply.settle)
        try:
            button = Button.from_payload(query.data or "")
        except CommandError as error:
            await reply.answer(View(text=str(error), tone=Tone.REFUSED, is_private=True))
        else:
            pressed = Address(query.message.chat.id, query.message.message_id)
            await self._router.press(self._call(key, member, place, reply, message_id=pressed.id), button)
        finally:
            settling.cancel()
        reply.settle()

    def _call(
        self,
        key: str,
        member: Member,
        place: Place,
        reply: Reply,
        *,
        attachments: tuple[Attachment, ...] = (),
        message_id: str = "",
    ) -> Call:
        return Call(
            key=key,
            member=member,
            place=place,
            platform=self._platform,
            reply=reply,
            attachments=attachments,
            is_alone=int(place.channel) == int(member.id),  # a private chat has its person's own number
            message_id=message_id,
        )


def _member(user: User) -> Member:
    return Member(platform=NAME, id=str(user.id), name=user.full_name)


def _place(message: MaybeInaccessibleMessage) -> Place:
    """Say where a message stands. Replies form threads in supergroups too, but only those of topics can be sent to."""
    is_in_topic = isinstance(message, Message) and message.is_topic_message
    thread = str(message.message_thread_id) if isinstance(message, Message) and is_in_topic else ""
    return Place(platform=NAME, channel=str(message.chat.id), thread=thread)
