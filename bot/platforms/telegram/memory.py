"""What is worth remembering of messages, beyond what the core keeps?"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from bot.chat import MessageGoneError

MOST_REMEMBERED = 4000

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Address:
    """A message. Its chat's number is part of it: in the supergroup that a group becomes, the message is not there."""

    chat: int
    number: int

    @property
    def id(self) -> str:
        """Give the id by which the core knows the message."""
        return f"{self.chat}:{self.number}"

    @classmethod
    def from_id(cls, message_id: str) -> Address:
        """Read back an id.

        Raises:
            MessageGoneError: it is none of Telegram's.
        """
        chat, _, number = message_id.partition(":")
        if not (chat.removeprefix("-").isdecimal() and number.isdecimal()):
            raise MessageGoneError("not a message of Telegram's")
        return cls(int(chat), int(number))


class Recent(Generic[T]):
    """Remembers the latest few thousand values."""

    def __init__(self) -> None:
        self._values: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        """Give a value, None if it is not remembered."""
        return self._values.get(key)

    def put(self, key: str, value: T) -> None:
        """Remember a value, and forget the oldest if there are too many."""
        self._values[key] = value
        if len(self._values) > MOST_REMEMBERED:
            self._values.popitem(last=False)

    def drop(self, key: str) -> None:
        """Forget a value."""
        self._values.pop(key, None)


@dataclass(slots=True)
class Memory:
    """What outlives a lost connection. Without it all still works, with a call more here and there."""

    shown: Recent[Hashable] = field(default_factory=Recent)  # by message: the mark of its picture, or that it has none
    posted: Recent[str] = field(default_factory=Recent)  # by key: the message
    doubts: Recent[int] = field(default_factory=Recent)  # by key: how often nobody knew whether it arrived
