"""What do the three kinds of markup have in common: entities, counted in UTF-16 units, and complaints?"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

Entity: TypeAlias = dict[str, Any]


class MarkupError(Exception):
    """The markup is broken; the text says where, as Telegram would."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Marked:
    """A text without its markup, and what the markup said."""

    text: str
    entities: tuple[Entity, ...]


@dataclass(slots=True)
class Writer:
    """Collects the text and the entities while markup is read."""

    parts: list[str] = field(default_factory=list)
    entities: list[Entity] = field(default_factory=list)
    length: int = 0

    def write(self, text: str) -> None:
        self.parts.append(text)
        self.length += units(text)

    def since(self, offset: int) -> str:
        """The text that was written from this place on."""
        encoded = "".join(self.parts).encode("utf-16-le")
        return encoded[2 * offset :].decode("utf-16-le")

    def mark(self, kind: str, offset: int, **more: Any) -> None:
        if self.length > offset:
            self.entities.append({"type": kind, "offset": offset, "length": self.length - offset, **more})

    def link(self, url: str, offset: int) -> None:
        """Marks a link; one that leads nowhere is left out, as Telegram does."""
        if "." in url or "://" in url:
            self.mark("text_link", offset, url=url if "://" in url else f"http://{url}/")

    def done(self) -> Marked:
        return Marked(text="".join(self.parts), entities=tuple(self.entities))


def units(text: str) -> int:
    """The length of a text in UTF-16 units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def byte_at(text: str, index: int) -> int:
    """The byte offset of a place in a text, which Telegram's complaints name."""
    return len(text[:index].encode())
