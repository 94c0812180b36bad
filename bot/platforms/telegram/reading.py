"""What does a message that somebody wrote ask of the bot?"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from telegram import Message, MessageEntity, User
from telegram.constants import ChatType

from bot.chat import Button
from bot.command import Command, Kind
from bot.platforms.telegram.attachments import has_picture
from bot.platforms.telegram.forms import button_of
from bot.platforms.telegram.moves import NAME
from bot.platforms.telegram.text import as_typed
from bot.spelling import DASHES
from bot.values import ATTACHED, NONE

COMMAND = re.compile(r"/(?P<word>\w{1,64})(?:@(?P<bot>\w+))?(?=\s|$)")
START = "start"  # what Telegram itself sends when somebody opens the bot
FACELESS = (
    "Only people can use this bot, and you are writing in the name of a group or a channel: "
    "write under your own name instead."
)
KEYLESS = re.compile(rf"{DASHES}\w|\d|{NONE}\b")  # what no account begins with
UNTITLED = "To start from this picture, send it with a caption such as: /imagine the same in the snow"


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A line for the router, and the messages whose pictures go with it: where there are two, the last is a mask."""

    line: str
    pictures: tuple[Message, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """A form that came back."""

    button: Button
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Something that gets a sentence at once, without the router."""

    text: str


Meaning: TypeAlias = Typed | Filled | Told | None


def read(message: Message, me: User, commands: Mapping[str, Command]) -> Meaning:
    """Say what a message means; None if it is none of the bot's business. `commands` are all that there are.

    What was forwarded or sent by way of another bot is somebody else's words, and nobody's command.
    """
    if message.forward_origin or message.is_automatic_forward or message.via_bot:
        return None
    text = as_typed(message.text or message.caption or "").strip()
    match = COMMAND.match(text)
    if match is not None and not _is_addressed(match, message, me, commands):
        return None
    if message.sender_chat is not None:
        return None if match is None else Told(text=FACELESS)
    if message.from_user is None or message.from_user.is_bot:
        return None
    if match is not None:
        return _command(message, match, text[match.end() :].strip(), commands)
    return _reply(message, me, text) or (_remark(message, text) if _is_private(message) else None)


def _reply(message: Message, me: User, text: str) -> Filled | None:
    replied = _replied(message)
    button = None if replied is None or not message.text else button_of(replied, me.id)
    return None if button is None else Filled(button=button, text=text)


def _remark(message: Message, text: str) -> Typed | Told | None:
    """In private, the bot explains itself; of an album's pictures, only one has the caption."""
    if text:
        return Typed(line=text)
    return Told(text=UNTITLED) if has_picture(message) and message.media_group_id is None else None


def _is_private(message: Message) -> bool:
    return message.chat.type == ChatType.PRIVATE


def _is_addressed(match: re.Match[str], message: Message, me: User, commands: Mapping[str, Command]) -> bool:
    """Tell whether a command is for this bot. A group may have others, to whom an unknown word belongs."""
    if match["bot"] is not None:
        return match["bot"].casefold() == (me.username or "").casefold()
    words = {START, *(name.split()[0] for name in commands)}
    word = match["word"].casefold()
    is_known = word in words or _spelled_out(word, commands) in commands
    return _is_private(message) or is_known or bool(difflib.get_close_matches(word, words, n=1))


def _spelled_out(word: str, commands: Mapping[str, Command]) -> str:
    """Give a command's own name: in Telegram's menus "admin status" is "admin_status"."""
    spaced = word.replace("_", " ")
    return spaced if spaced in commands else word


def _command(message: Message, match: re.Match[str], rest: str, commands: Mapping[str, Command]) -> Typed:
    word = match["word"].casefold()
    if word == START:
        return Typed(line="/help")
    name, found, rest = _find(_spelled_out(word, commands), rest, commands)
    if found is not None and found.arguments and found.arguments[0][1].kind in (Kind.MEMBER, Kind.ROLE):
        rest = _with_member(message, rest)
    return Typed(line=f"/{name} {rest}".strip(), pictures=tuple(_pictures(message, found, rest)))


def _find(word: str, rest: str, commands: Mapping[str, Command]) -> tuple[str, Command | None, str]:
    """Find a command of one word or two; what is unknown goes on as it is, for the router to complain."""
    if word in commands:
        return word, commands[word], rest
    second, *others = rest.split(maxsplit=1) or [""]
    name = f"{word} {second.casefold()}"
    if name in commands:
        return name, commands[name], others[0] if others else ""
    return word, None, rest


def _with_member(message: Message, rest: str) -> str:
    """Name the account that is meant: the one that is mentioned by name, or whose message this replies to."""
    for entity, name in (message.parse_entities([MessageEntity.TEXT_MENTION]) if message.text else {}).items():
        if entity.user is not None:
            rest = rest.replace(as_typed(name), f"{NAME}:{entity.user.id}", 1)
    replied = _replied(message)
    if replied is None or replied.from_user is None or replied.sender_chat is not None:
        return rest
    is_missing = not rest or KEYLESS.match(rest) is not None
    return f"{NAME}:{replied.from_user.id} {rest}".strip() if is_missing else rest


def _pictures(message: Message, command: Command | None, rest: str) -> Iterator[Message]:
    """Give the messages whose pictures a command is given: the one replied to, and its own.

    What it replies to is meant as the start, if none is named and its own picture is a mask or not there.
    """
    has_own, replied = has_picture(message), _replied(message)
    if command is not None and replied is not None and has_picture(replied) and _takes_picture(command, rest):
        has_mask = has_own and _is_typed(command, Kind.MASK, rest, rf"[=\s]+{ATTACHED}")
        if has_mask or not has_own:
            yield replied
    if has_own:
        yield message


def _takes_picture(command: Command, rest: str) -> bool:
    """Tell whether a command wants a picture that was not named in its text."""
    is_possible = any(flag.kind is Kind.PICTURE for _, flag in command.flags.values())
    return is_possible and not _is_typed(command, Kind.PICTURE, rest)


def _is_typed(command: Command, kind: Kind, rest: str, value: str = "") -> bool:
    """Tell whether a flag of this kind stands in the text of a command, followed by a pattern."""
    names = [flag.name for _, flag in command.flags.values() if flag.kind is kind]
    return any(re.search(rf"{DASHES}{name}{value}\b", rest, re.IGNORECASE) for name in names)


def _replied(message: Message) -> Message | None:
    """Give the message that this one replies to. In a topic, all reply to the one that opened it: that is no reply."""
    replied = message.reply_to_message
    return None if replied is None or replied.forum_topic_created is not None else replied
