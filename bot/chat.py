"""Which words do all platforms share: who, where, what a message shows, and what a platform can do?"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias

PAYLOAD = re.compile(r"(?P<action>[a-z]{1,16}):(?P<number>\d{1,18})(?::(?P<index>\d))?")


class CommandError(Exception):
    """Something about a command is wrong; the text is the answer to whoever typed it."""


class MessageGoneError(Exception):
    """The message to edit cannot be reached any more: show its content in a new one."""


class UndeliverableError(Exception):
    """The platform will never show this there, for example after the bot was removed; the text is for the log."""


class NotNowError(Exception):
    """Nothing was shown, or nobody knows whether it was: try again, with the latest view, in `after_s` seconds."""

    def __init__(self, reason: str, *, after_s: float) -> None:
        super().__init__(reason)
        self.after_s = after_s


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person on a platform. `key` names the account everywhere; `name` is only for showing.

    `roles` are the keys of the groups of people that they belong to there, such as "discord:role:5". `person` is the
    key that stands for all accounts which the person has linked, empty for an account by itself.
    """

    platform: str
    id: str
    name: str
    roles: frozenset[str] = frozenset()
    person: str = ""

    @property
    def key(self) -> str:
        """Give the account's key, such as "console:me"."""
        return f"{self.platform}:{self.id}"

    @property
    def owner(self) -> str:
        """Give the key under which the person owns jobs and is counted and blocked, whichever account they use."""
        return self.person or self.key


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to talk: a channel of a platform, or a thread of one. It can be stored and used after a restart."""

    platform: str
    channel: str
    thread: str = ""

    @property
    def key(self) -> str:
        """Give the key under which the channel's settings are kept, such as "console:chat"; threads share it."""
        return f"{self.platform}:{self.channel}"

    def to_json(self) -> dict[str, str]:
        """Give plain values for storage."""
        values = {"platform": self.platform, "channel": self.channel}
        return values | ({"thread": self.thread} if self.thread else {})

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> Place:
        """Read back what `to_json` gave."""
        return cls(platform=values["platform"], channel=values["channel"], thread=values.get("thread", ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button under a message. What it means is all in its payload, so it works months later and after a restart.

    `number` is that of the job under whose message it stands, or of the offer that it takes up.
    """

    action: str
    number: int
    index: int | None = None  # of the job's picture, from 0
    label: str = field(default="", compare=False)

    @property
    def payload(self) -> str:
        """Give what the platform sends back when it is pressed, such as "vary:12:0"; at most 64 bytes."""
        return f"{self.action}:{self.number}" + ("" if self.index is None else f":{self.index}")

    @classmethod
    def from_payload(cls, payload: str) -> Button:
        """Read back a payload.

        Raises:
            CommandError: it is none of ours.
        """
        match = PAYLOAD.fullmatch(payload)
        if match is None:
            raise CommandError("This button is not known any more.")
        index = None if match["index"] is None else int(match["index"])
        return cls(action=match["action"], number=int(match["number"]), index=index)


ButtonRows: TypeAlias = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Form:
    """What a button asks before it acts: one text, filled in with `text`. `title` has at most 45 characters."""

    button: Button
    title: str
    label: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running job is: `at_once` of its pictures are under way, from `picture` on.

    `preview` is a small PNG of the first of them.
    """

    picture: int
    pictures: int
    step: int
    steps: int
    at_once: int = 1
    preview: bytes | None = None


class Tone(StrEnum):
    """How a message is meant: all is well, what was asked cannot be done, or something broke."""

    GOOD = "good"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The whole of a message, each time: text, finished pictures, buttons, and progress while it is not final.

    The text is plain: nothing in it is markup, a mention or a link to any platform. With `as_files`, pictures are
    handed over byte for byte, to keep. `is_private` is for whoever asked alone, where the platform can do that.
    """

    text: str
    pictures: tuple[Path, ...] = ()
    buttons: ButtonRows = ()
    progress: Progress | None = None
    is_final: bool = True
    is_private: bool = False
    is_spoiler: bool = False
    as_files: bool = False
    tone: Tone = Tone.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A job was accepted. Its own message is the answer."""

    job_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """Something has begun that is no job. A message that goes on changing is the answer; `end` gives its last view."""

    end: Awaitable[View | None]


Answer: TypeAlias = View | Accepted | Announced | Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What platforms differ in. A message is edited at most every `edit_interval_s` seconds until it is final.

    `is_lossless`: a picture in a message is the very file. `is_lasting`: messages stay when the bot is gone, so that a
    result goes only into one whose id is kept. `own_commands` are those that the platform carries out itself, with
    their meaning, for /help.
    """

    edit_interval_s: float
    is_lossless: bool = True
    is_lasting: bool = True
    reads_local_files: bool = False
    own_commands: Mapping[str, str] = field(default_factory=dict)


class Platform(Protocol):
    """A chat that can show messages and edit them. It keeps to its own budget of calls.

    All of them raise NotNowError (over budget, rate-limited, not connected, no answer) and UndeliverableError. An edit
    to a view that is not final may be refused by NotNowError to leave the budget to what matters.
    """

    name: str
    capabilities: Capabilities

    async def post(self, place: Place, view: View, key: str) -> str:
        """Show a new message and give its id. The same key again is the same message, as far as the platform can.

        The key is that of the call which the message answers, or one derived from it.
        """

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        """Replace a message by this view; doing it twice does no harm.

        Raises:
            MessageGoneError: there is no such message any more.
        """

    async def remove(self, place: Place, message_id: str) -> None:
        """Take a message away, or empty it where that is not possible; one that is gone already does no harm."""


class Reply(Protocol):
    """How the event that a call came from is answered. Each call is answered once, by one of these."""

    async def answer(self, view: View) -> None:
        """Show the direct answer; what cannot be shown now is lost."""

    async def acknowledge(self, view: View, key: str) -> str:
        """Show a new job's message as the answer, and give its id; raises and repeats like `Platform.post`."""

    async def ask(self, form: Form) -> None:
        """Show a form; it comes back as a call of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A picture that somebody sent along, of `size` bytes; `read` fetches it, or raises CommandError.

    `flag` is the flag that it was given for, where a platform has such options.
    """

    name: str
    size: int
    read: Callable[[], Awaitable[bytes]]
    flag: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command, a press or a filled-in form as it came in. `key` names the event: a repeat of it changes nothing.

    `server` is the key of the community that the place belongs to, where that is more than the place itself.
    `is_alone`: a private answer is seen by the caller and nobody else. `is_age_restricted` is what the platform says of
    the place, None if it knows no such thing. `reach_s` is for how long the bot can edit what it shows there, None for
    ever. `message_id` is the message whose button was pressed.
    """

    key: str
    member: Member
    place: Place
    platform: Platform
    reply: Reply
    attachments: tuple[Attachment, ...] = ()
    server: str = ""
    is_alone: bool = False
    is_age_restricted: bool | None = None
    reach_s: float | None = None
    message_id: str = ""

    @property
    def server_key(self) -> str:
        """Give the key under which the settings of a whole community are kept, such as "discord:server:5"."""
        return self.server or self.place.key


def plain(text: str) -> str:
    """Drop what could steer a terminal or spoil a database: control characters, broken ones, byte order marks."""
    whole = text.encode("utf-8", "replace").decode().replace("\ufeff", "")
    return "".join(character for character in whole if character in "\n\t" or unicodedata.category(character) != "Cc")
