"""How are flags and text told apart in what was typed, and how is either written so that they are?"""

from __future__ import annotations

import re
from collections.abc import Iterable

# Phones turn two hyphens into one long dash.
DASHES = r"(?:--|—|–|―)"
# A token is a run without spaces, in which quotes may hold spaces.
TOKEN = re.compile(r'(?:"[^"]*"|“[^”]*”|\S)+')
FLAG = re.compile(rf"(?P<dash>{DASHES})(?P<name>[^\W\d_][\w-]*)(?:=(?P<value>.*))?", re.DOTALL)
QUOTES = {'"': '"', "“": "”", "'": "'"}
TAMED = str.maketrans(dict.fromkeys('"“”', "'"))


def as_line(name: str, arguments: Iterable[str]) -> str:
    """Write shell arguments as a typed line, so that the one parser reads them as the shell parted them."""
    words = [f"/{name}"]
    is_value = False
    for argument in arguments:
        match = FLAG.fullmatch(argument)
        if match is not None and not re.search(r"\s", match["name"]):
            words.append(argument if match["value"] is None else f"--{match['name']}={quoted(match['value'])}")
            is_value = match["value"] is None
            continue
        words.append(quoted(argument) if is_value else as_text(argument))
        is_value = False
    return " ".join(words)


def as_text(text: str) -> str:
    """Write a text so that the parser takes no word of it for a flag."""
    return quoted(text) if any(FLAG.fullmatch(token.group()) for token in TOKEN.finditer(text)) else text


def quoted(text: str) -> str:
    """Put a text in quotes that it does not hold itself."""
    return f"“{text}”" if '"' in text else f'"{text}"'


def spellings(text: str) -> list[str]:
    """Give a text as it is, and in each kind of quotes."""
    return [text, *(f"{opening}{text}{closing}" for opening, closing in QUOTES.items())]


def unquoted(text: str) -> str:
    """Take off the quotes around a text, unless they belong to parts of it."""
    if len(text) >= 2 and QUOTES.get(text[0]) == text[-1] and text[-1] not in text[1:-1]:
        return text[1:-1].strip()
    return text
