"""How does plain text stay plain on Telegram, and within its limits?

Telegram looks for mentions, links and hashtags in every text by itself. A word joiner, which has no width, inside each
of them hides it from that search; whoever copies such a text sends the joiners back, and `as_typed` drops them.
"""

from __future__ import annotations

import re

MOST_TEXT = 4096  # UTF-16 units, as Telegram counts
MOST_CAPTION = 1024
MOST_TOAST = 200
JOINER = "\u2060"
# What turns the direction of everything after it, Telegram's own words included.
TURNS = re.compile("[\u202a-\u202e\u2066-\u2069]")
# Where a joiner breaks what Telegram would find: @name, #tag, scheme://, name.tld and 1.2.3.4.
JOINTS = re.compile(
    r"""
      (?<=@)(?=\w)
    | (?<=\#)(?=\w*[^\W\d])
    | (?<=:)(?=//)
    | (?<=\w\.)(?=[^\W\d_]{2})
    | (?<=\d\.)(?=\d{1,3}\.\d{1,3}\.\d)
    """,
    re.VERBOSE,
)
ELLIPSIS = "…"
LEAST_LINE = 40  # a line is not cut shorter than this as long as the end of the text can be cut instead
NOTHING = ELLIPSIS  # Telegram takes no empty text


def units(text: str) -> int:
    """Count as Telegram counts: UTF-16 units."""
    return len(text) + sum(character > "\uffff" for character in text)


def neutral(text: str) -> str:
    """Take every effect from a text; to the eye it stays as it is."""
    return JOINTS.sub(JOINER, TURNS.sub("", text))


def as_typed(text: str) -> str:
    """Undo `neutral` in a text that somebody copied from the bot."""
    return text.replace(JOINER, "")


def shown(text: str, limit: int) -> str:
    """Make a text ready for a message that holds `limit` units.

    What is too long loses the end of its longest line, which is the prompt, or if that is not enough the end of it all;
    the first line says which job it is about and comes last of all.
    """
    whole = neutral(text).strip() or NOTHING
    excess = units(whole) - limit
    if excess <= 0:
        return whole
    lines = whole.split("\n")
    longest = max(range(len(lines)), key=lambda number: units(lines[number]))
    room = units(lines[longest]) - excess
    if room >= LEAST_LINE and longest:
        return "\n".join([*lines[:longest], _cut(lines[longest], room), *lines[longest + 1 :]])
    return _cut(whole, limit)


def _cut(text: str, limit: int) -> str:
    """Cut to a number of units, a sign that takes two of them never in half."""
    kept = text.encode("utf-16-le")[: 2 * (limit - 1)].decode("utf-16-le", "ignore")
    return kept.rstrip() + ELLIPSIS
