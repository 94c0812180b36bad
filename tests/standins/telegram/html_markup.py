"""How does Telegram read HTML markup, and what does it refuse?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.standins.telegram.marks import Marked, MarkupError, Writer, byte_at

KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "span": "spoiler",
    "tg-spoiler": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
TAG = re.compile(r"<(?P<slash>/?)(?P<name>[^\s>]*)(?P<rest>(?:[^>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"(?P<name>[\w-]+)(?:\s*=\s*(?:\"(?P<double>[^\"]*)\"|'(?P<single>[^']*)'|(?P<bare>[^\s>]+)))?")
CHARACTER = re.compile(r"&(?:#(?P<decimal>\d+)|#x(?P<hexadecimal>[0-9a-fA-F]+)|(?P<name>lt|gt|amp|quot));?")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    name: str
    offset: int
    attributes: dict[str, str]


def parse(text: str) -> Marked:
    writer, still_open, at = Writer(), list[_Open](), 0
    while at < len(text):
        if text[at] != "<":
            end = text.find("<", at)
            end = len(text) if end < 0 else end
            writer.write(_decode(text[at:end]))
            at = end
            continue
        tag = TAG.match(text, at)
        if tag is None:
            kind = "end" if text[at + 1 : at + 2] == "/" else "start"
            raise MarkupError(f"Unclosed {kind} tag at byte offset {byte_at(text, at)}")
        name, where = tag["name"].lower(), f"at byte offset {byte_at(text, at)}"
        if tag["slash"]:
            _close(writer, still_open, name, where)
        else:
            still_open.append(_opened(name, tag["rest"], writer.length, where))
        at = tag.end()
    if still_open:
        raise MarkupError(f'Can\'t find end tag corresponding to start tag "{still_open[-1].name}"')
    return writer.done()


def _opened(name: str, rest: str, offset: int, where: str) -> _Open:
    if name not in KINDS:
        raise MarkupError(f'Unsupported start tag "{name}" {where}')
    attributes = {
        found["name"].lower(): _decode(found["double"] or found["single"] or found["bare"] or "")
        for found in ATTRIBUTE.finditer(rest)
    }
    if name == "span" and attributes.get("class") != "tg-spoiler":
        raise MarkupError(f'Tag "span" must have class "tg-spoiler" {where}')
    return _Open(name=name, offset=offset, attributes=attributes)


def _close(writer: Writer, still_open: list[_Open], name: str, where: str) -> None:
    if not still_open:
        raise MarkupError(f"Unexpected end tag {where}")
    tag = still_open.pop()
    if name not in {"", tag.name}:
        raise MarkupError(f'Unmatched end tag {where}, expected "</{tag.name}>", found "</{name}>"')
    match tag.name:
        case "a":
            writer.link(tag.attributes.get("href") or writer.since(tag.offset), tag.offset)
        case "tg-emoji":
            writer.mark("custom_emoji", tag.offset, custom_emoji_id=tag.attributes.get("emoji-id", ""))
        case "blockquote":
            kind = "expandable_blockquote" if "expandable" in tag.attributes else "blockquote"
            writer.mark(kind, tag.offset)
        case "code" if still_open and still_open[-1].name == "pre" and still_open[-1].offset == tag.offset:
            language = tag.attributes.get("class", "").removeprefix("language-")
            still_open[-1].attributes["language"] = language
        case "pre":
            language = tag.attributes.get("language", "")
            writer.mark("pre", tag.offset, **({"language": language} if language else {}))
        case _:
            writer.mark(KINDS[tag.name], tag.offset)


def _decode(text: str) -> str:
    def decoded(found: re.Match[str]) -> str:
        if found["name"]:
            return NAMED[found["name"]]
        code = int(found["decimal"]) if found["decimal"] else int(found["hexadecimal"], 16)
        is_character = 0 < code < 0x110000 and not 0xD800 <= code < 0xE000
        return chr(code) if is_character else found.group()

    return CHARACTER.sub(decoded, text)
