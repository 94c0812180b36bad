"""How is a form asked for on Telegram, and how is the answer known to be one?

The form is a message of the bot's that asks for a reply. What it is for stands at its start, so that the reply is
understood months later and after a restart.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from telegram import ForceReply, LinkPreviewOptions, Message, MessageEntity, User

from bot.chat import Button, CommandError, Form, Member, Place
from bot.platforms.telegram.budget import Urgency
from bot.platforms.telegram.calls import Calls
from bot.platforms.telegram.text import MOST_TEXT, as_typed, neutral, shown, units

PROMPT = re.compile(r"\[(?P<payload>[a-z]+:\d+(?::\d)?)\] ")
LONGEST_PLACEHOLDER = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Prompt:
    """The words of a form, and what is marked in them: whom it is for, and what there is to copy."""

    text: str
    entities: tuple[MessageEntity, ...]


async def ask(calls: Calls, place: Place, member: Member, form: Form) -> None:
    """Show a form to one member."""
    chat = calls.moves.now(int(place.channel))
    prompt = written(member, form, is_group=chat < 0)
    await calls.budget.wait(chat, Urgency.ACKNOWLEDGEMENT)
    await calls.make(
        chat,
        calls.bot.send_message(
            chat,
            prompt.text,
            entities=prompt.entities,
            reply_markup=ForceReply(selective=chat < 0, input_field_placeholder=form.label[:LONGEST_PLACEHOLDER]),
            message_thread_id=int(place.thread) if place.thread else None,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
        ),
        harmless=(),
    )


def written(member: Member, form: Form, *, is_group: bool) -> Prompt:
    """Word a form. In a group only whoever is named in it gets the keyboard for it."""
    start = f"[{form.button.payload}] "
    name = neutral(member.name) if is_group else ""
    who = f"{name}, reply" if is_group else "Reply"
    head = f"{start}{neutral(form.title)}\n{who} to this message with: {neutral(form.label)}. Now it is:\n"
    entities = []
    if name:
        before = head[: head.index(f"{name}, reply")]
        user = User(id=int(member.id), first_name=member.name, is_bot=False)
        entities.append(MessageEntity(MessageEntity.TEXT_MENTION, units(before), units(name), user=user))
    text = shown(form.text, MOST_TEXT - units(head))
    entities.append(MessageEntity(MessageEntity.PRE, units(head), units(text)))
    return Prompt(text=head + text, entities=tuple(entities))


def button_of(replied: Message, bot_id: int) -> Button | None:
    """Find what a reply fills in; None if the message that it replies to is no form of this bot's."""
    match = PROMPT.match(as_typed(replied.text or ""))
    if match is None or replied.from_user is None or replied.from_user.id != bot_id:
        return None
    try:
        return Button.from_payload(match["payload"])
    except CommandError:
        return None
