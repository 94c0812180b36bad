"""How does Telegram read its two kinds of Markdown, and what does it refuse?"""

from __future__ import annotations

import re
from dataclasses import dataclass

from tests.standins.telegram.marks import Marked, MarkupError, Writer, byte_at

RESERVED = "_*[]()~`>#+-=|{}.!"
NAMES = {"*": "Bold", "_": "Italic", "__": "Underline", "~": "Strikethrough", "||": "Spoiler", "[": "TextUrl"}
KINDS = {"*": "bold", "_": "italic", "__": "underline", "~": "strikethrough", "||": "spoiler"}
LANGUAGE = re.compile(r"([^\s`]+)\n|\n")
LEGACY_KINDS = {"*": "bold", "_": "italic", "`": "code"}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Open:
    sign: str
    offset: int
    at: int


class _Reader:
    """Reads MarkdownV2, sign by sign."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0
        self._writer = Writer()
        self._open: list[_Open] = []
        self._quote: int | None = None

    def read(self) -> Marked:
        text = self._text
        while self._at < len(text):
            character = text[self._at]
            if self._takes_quote(character):
                continue
            if character == "\\" and text[self._at + 1 : self._at + 2].isascii() and self._at + 1 < len(text):
                self._write(text[self._at + 1], 2)
            elif character not in RESERVED:
                self._write(character, 1)
            elif text.startswith("```", self._at):
                self._read_code("```", "Pre")
            elif character == "`":
                self._read_code("`", "Code")
            else:
                self._read_sign(character)
        if self._open:
            last = self._open[-1]
            where = byte_at(text, last.at)
            raise MarkupError(f"Can't find end of {NAMES[last.sign]} entity at byte offset {where}")
        self._end_quote()
        return self._writer.done()

    def _write(self, text: str, length: int) -> None:
        self._writer.write(text)
        self._at += length

    def _takes_quote(self, character: str) -> bool:
        is_line_start = self._at == 0 or self._text[self._at - 1] == "\n"
        if not is_line_start or self._open:
            return False
        if character == ">":
            self._quote = self._writer.length if self._quote is None else self._quote
            self._at += 1
            return True
        self._end_quote()
        return False

    def _end_quote(self) -> None:
        if self._quote is not None:
            self._writer.mark("blockquote", self._quote)
            self._quote = None

    def _read_code(self, sign: str, name: str) -> None:
        begin, offset, more = self._at, self._writer.length, {}
        self._at += len(sign)
        if sign == "```" and (language := LANGUAGE.match(self._text, self._at)):
            more = {"language": language[1]} if language[1] else {}
            self._at = language.end()
        while not self._text.startswith(sign, self._at):
            if self._at >= len(self._text):
                raise MarkupError(f"Can't find end of {name} entity at byte offset {byte_at(self._text, begin)}")
            is_escape = self._text[self._at] == "\\" and self._at + 1 < len(self._text)
            self._write(self._text[self._at + is_escape], 1 + is_escape)
        self._at += len(sign)
        self._writer.mark(name.lower(), offset, **more)

    def _read_sign(self, character: str) -> None:
        pair = self._text[self._at : self._at + 2]
        sign = pair if pair in {"__", "||"} else character
        if self._open and self._open[-1].sign == ("[" if sign == "]" else sign):
            self._close(self._open.pop(), sign)
        elif sign in NAMES:
            self._open.append(_Open(sign=sign, offset=self._writer.length, at=self._at))
            self._at += len(sign)
        else:
            raise MarkupError(f"Character '{character}' is reserved and must be escaped with the preceding '\\'")

    def _close(self, opened: _Open, sign: str) -> None:
        self._at += len(sign)
        if opened.sign != "[":
            self._writer.mark(KINDS[opened.sign], opened.offset)
            return
        url = self._writer.since(opened.offset)
        if self._text.startswith("(", self._at):
            begin = self._at
            found = re.compile(r"\(((?:\\.|[^)\\])*)\)", re.DOTALL).match(self._text, begin)
            if found is None:
                raise MarkupError(f"Can't find end of a URL at byte offset {byte_at(self._text, begin)}")
            url, self._at = re.sub(r"\\(.)", r"\1", found[1]), found.end()
        self._writer.link(url, opened.offset)


def parse(text: str) -> Marked:
    """Reads MarkdownV2."""
    return _Reader(text).read()


def parse_legacy(text: str) -> Marked:
    """Reads the old Markdown, in which nothing nests."""
    writer, at = Writer(), 0
    while at < len(text):
        character = text[at]
        if character == "\\" and text[at + 1 : at + 2] in tuple("_*`["):
            writer.write(text[at + 1])
            at += 2
        elif character in "_*`[":
            at = _legacy_entity(text, at, writer)
        else:
            writer.write(character)
            at += 1
    return writer.done()


def _legacy_entity(text: str, begin: int, writer: Writer) -> int:
    sign = "```" if text.startswith("```", begin) else text[begin]
    end = text.find("]" if sign == "[" else sign, begin + len(sign))
    if end < 0:
        raise MarkupError(f"Can't find end of the entity starting at byte offset {byte_at(text, begin)}")
    content, offset = text[begin + len(sign) : end], writer.length
    if sign == "```":
        language = LANGUAGE.match(content)
        writer.write(content[language.end() :] if language else content)
        writer.mark("pre", offset, **({"language": language[1]} if language and language[1] else {}))
        return end + 3
    writer.write(content)
    if sign != "[":
        writer.mark(LEGACY_KINDS[sign], offset)
        return end + 1
    url = re.compile(r"\(([^)]*)\)").match(text, end + 1)
    writer.link(url[1] if url else content, offset)
    return url.end() if url else end + 1
