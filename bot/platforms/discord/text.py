"""How is text shown on Discord so that it fits and nothing in it has any effect?"""

from __future__ import annotations

import re
from collections.abc import Iterator

LONGEST = 2000  # characters of a message's text
CUT = "…"
WORD_JOINER = "\u2060"  # has no width, but ends what Discord would take for one word

PIECE = re.compile(
    r"""
      (?P<steering> [\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069] )  # turns the direction of what follows
    | (?P<markup> [\\*_~|`<\[\]] )
    | (?P<start> ^[^\S\n]* (?: \#{1,3}(?=\s) | [-+](?=[\s\#]) | > | \d{1,9}(?=\.\s) ) )
    | (?P<mention> @ )
    | (?P<scheme> :(?=//) )
    | (?P<host> (?<=\w)\.(?=[A-Za-z]{2,}/) )  # of an invite, which needs no scheme
    | .
    """,
    re.VERBOSE | re.MULTILINE | re.DOTALL,
)


def as_shown(text: str, limit: int = LONGEST) -> str:
    """Write plain text so that nothing in it is a mention, markup, a link or an invite; cut it where it is too long."""
    whole = list(_pieces(text))
    if _length("".join(whole)) <= limit:
        return "".join(whole)
    kept: list[str] = []
    room = limit - len(CUT)
    for piece in whole:
        room -= _length(piece)
        if room < 0:
            break
        kept.append(piece)
    return "".join(kept).rstrip() + CUT


def _pieces(text: str) -> Iterator[str]:
    for match in PIECE.finditer(text):
        piece = match.group()
        match match.lastgroup:
            case "steering":
                continue
            case "markup":
                yield f"\\{piece}"
            case "start":
                yield _without_effect(piece)
            case "mention" | "scheme" | "host":
                yield piece + WORD_JOINER
            case _:
                yield piece


def _without_effect(start: str) -> str:
    """Keep the start of a line from making it a heading, a list or a quotation."""
    sign = start.lstrip()
    blank = start[: len(start) - len(sign)]
    return f"{blank}{sign}{WORD_JOINER}" if sign.isdecimal() else f"{blank}\\{sign}"


def _length(text: str) -> int:
    """Count as Discord may: characters outside the first plane as two."""
    return len(text.encode("utf-16-le")) // 2
