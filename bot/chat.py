"""Which words do all platforms share: who, where, what a message shows, and what a platform can do?"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol, TypeAlias


class CommandError(Exception):
    """Something about a command is wrong; the text is the answer to whoever typed it."""


class MessageGoneError(Exception):
    """The message to edit cannot be reached any more: show its content in a new one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A person on a platform. `key` names the account everywhere; `name` is only for showing."""

    platform: str
    id: str
    name: str

    @property
    def key(self) -> str:
        """Give the account's key, such as "console:me"."""
        return f"{self.platform}:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to talk: a channel of a platform. It can be stored and used after a restart."""

    platform: str
    channel: str

    @property
    def key(self) -> str:
        """Give the place's key, such as "console:chat"."""
        return f"{self.platform}:{self.channel}"

    def to_json(self) -> dict[str, str]:
        """Give plain values for storage."""
        return {"platform": self.platform, "channel": self.channel}

    @classmethod
    def from_json(cls, values: Mapping[str, str]) -> Place:
        """Read back what `to_json` gave."""
        return cls(platform=values["platform"], channel=values["channel"])


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a running job is. `preview` is a small PNG of the picture under way."""

    picture: int
    pictures: int
    step: int
    steps: int
    preview: bytes | None = None


class Tone(StrEnum):
    """How a message is meant: all is well, what was asked cannot be done, or something broke."""

    GOOD = "good"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The whole of a message, each time: text, finished pictures, and progress while it is not final."""

    text: str
    pictures: tuple[Path, ...] = ()
    progress: Progress | None = None
    is_final: bool = True
    tone: Tone = Tone.GOOD


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A job was accepted. Its own message, shown already, is the answer."""

    job_id: int


Answer: TypeAlias = View | Accepted


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What platforms differ in. A message is edited at most every `edit_interval_s` seconds until it is final.

    `own_commands` are those that the platform carries out itself, with their meaning, for /help.
    """

    edit_interval_s: float
    reads_local_files: bool = False
    own_commands: Mapping[str, str] = field(default_factory=dict)


class Platform(Protocol):
    """A chat that can show messages and edit them."""

    name: str
    capabilities: Capabilities

    async def post(self, place: Place, view: View) -> str:
        """Show a new message and give its id."""

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        """Replace a message by this view; doing it twice does no harm.

        Raises:
            MessageGoneError: there is no such message any more.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A command as it came in. `key` names the platform's event: a repeat of it changes nothing."""

    key: str
    member: Member
    place: Place
    platform: Platform


def plain(text: str) -> str:
    """Drop what could steer a terminal or spoil a database: control characters, broken ones, byte order marks."""
    whole = text.encode("utf-8", "replace").decode().replace("\ufeff", "")
    return "".join(character for character in whole if character in "\n\t" or unicodedata.category(character) != "Cc")
