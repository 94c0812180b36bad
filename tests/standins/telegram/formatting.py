"""How does a text come to have entities: by markup, by a list of them, or because it looks like a link or a command?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.standins.telegram import html_markup, markdown
from tests.standins.telegram.marks import Entity, Marked, MarkupError, units
from tests.standins.telegram.refusal import bad

PARSERS = {"html": html_markup.parse, "markdown": markdown.parse_legacy, "markdownv2": markdown.parse}
UNBREAKABLE = {"code", "pre", "text_link", "text_mention"}  # nothing is recognised inside these
FIELDS = {"text_link": "url", "text_mention": "user", "pre": "language", "custom_emoji": "custom_emoji_id"}
DOMAINS = (
    "com|org|net|info|me|gg|io|ai|app|dev|art|xyz|co|tv|cc|to|ru|de|uk|eu|us|fr|es|it|nl|pl|cn|jp|in"  # the most common
)
RECOGNISED = {
    "bot_command": re.compile(r"(?<![\w/<>])/\w{1,64}(?:@[A-Za-z]\w{2,31})?(?![\w/])", re.ASCII),
    "mention": re.compile(r"(?<![\w@/])@[A-Za-z]\w{1,31}(?![\w@])", re.ASCII),
    "hashtag": re.compile(r"(?<![\w#])#\w*[^\W\d]\w*"),
    "email": re.compile(r"(?<![\w@.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+(?![\w@])", re.ASCII),
    "cashtag": re.compile(r"(?<![\w$])\$[A-Z]{1,8}(?![\w$])", re.ASCII),
    "url": re.compile(
        r"(?:https?://|tg://)[^\s<>\"]*[^\s<>\".,;:!?)\]]"
        rf"|(?<![\w@./-])(?:(?:[\w-]+\.)+(?:{DOMAINS})|\d{{1,3}}(?:\.\d{{1,3}}){{3}})(?![\w@])(?:[:/][^\s<>\"]*)?",
        re.IGNORECASE,
    ),
}
_CONTROLS = {code: " " for code in range(32) if chr(code) != "\n"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Formatted:
    """A text as it is kept, with its entities."""

    text: str
    entities: tuple[Entity, ...]

    def to_json(self, text_key: str, entities_key: str) -> dict[str, Any]:
        if not self.text:
            return {}
        entities = {entities_key: [dict(entity) for entity in self.entities]} if self.entities else {}
        return {text_key: self.text, **entities}


def formatted(text: str, parse_mode: str = "", entities: Sequence[Entity] = ()) -> Formatted:
    """Reads a text as Telegram does: markup, or else entities, then what it recognises; the ends are trimmed."""
    marked = parse_markup(text, parse_mode) if parse_mode else Marked(text=text, entities=_checked(text, entities))
    clean = marked.text.translate(_CONTROLS)
    shift = units(clean) - units(clean.lstrip())
    trimmed = clean.strip()
    own = [fitting for entity in marked.entities if (fitting := _fit(entity, shift, units(trimmed)))]
    every = own + _recognise(trimmed, own)
    return Formatted(text=trimmed, entities=tuple(sorted(every, key=lambda one: (one["offset"], -one["length"]))))


def parse_markup(text: str, parse_mode: str) -> Marked:
    """Reads markup, and refuses what is broken in Telegram's words."""
    if (parse := PARSERS.get(parse_mode.lower())) is None:
        raise bad("unsupported parse_mode")
    try:
        return parse(text)
    except MarkupError as error:
        raise bad(f"can't parse entities: {error}") from None


def _checked(text: str, entities: Sequence[Entity]) -> tuple[Entity, ...]:
    end = units(text)
    starts = {0}
    for character in text:
        starts.add(max(starts) + units(character))
    for entity in entities:
        offset, length = entity.get("offset"), entity.get("length")
        if not isinstance(offset, int) or not isinstance(length, int) or offset < 0 or length < 0:
            raise bad("can't parse MessageEntity: wrong offset or length")
        if offset + length > end:
            last = offset + length
            raise bad(
                f"entity beginning at UTF-16 offset {offset} ends after the end of the text at UTF-16 offset {last}"
            )
        if offset not in starts or offset + length not in starts:
            raise bad(f"entity beginning at UTF-16 offset {offset} ends in a middle of a UTF-16 symbol")
        if (field := FIELDS.get(entity.get("type", ""))) in {"url", "user", "custom_emoji_id"} and field not in entity:
            raise bad(f"can't parse MessageEntity: there is no field {field}")
    return tuple(entity for entity in entities if entity.get("type") not in RECOGNISED)


def _fit(entity: Entity, shift: int, end: int) -> Entity | None:
    first = max(entity["offset"] - shift, 0)
    last = min(entity["offset"] - shift + entity["length"], end)
    return {**entity, "offset": first, "length": last - first} if last > first else None


def _recognise(text: str, own: Sequence[Entity]) -> list[Entity]:
    closed = [(one["offset"], one["offset"] + one["length"]) for one in own if one["type"] in UNBREAKABLE]
    found: list[Entity] = []
    for kind in ("url", "email", "bot_command", "mention", "hashtag", "cashtag"):
        for match in RECOGNISED[kind].finditer(text):
            first = units(text[: match.start()])
            last = first + units(match.group())
            if all(last <= begin or first >= end for begin, end in closed):
                closed.append((first, last))
                found.append({"type": kind, "offset": first, "length": last - first})
    return found
