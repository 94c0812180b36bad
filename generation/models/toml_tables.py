"""What may stand in a TOML file of named tables, and how is its author told what is wrong with it?"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from generation.errors import CatalogueError

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class Rule:
    """What a field may be, in words and as a test."""

    allowed: str
    accepts: Callable[[Any], bool]


def matching(pattern: str, allowed: str) -> Rule:
    """Rule that a field is text of a pattern."""
    return Rule(allowed, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def whole(lowest: int, highest: int) -> Rule:
    """Rule that a field is a whole number within limits."""
    return Rule(
        f"a whole number from {lowest} to {highest}", lambda value: type(value) is int and lowest <= value <= highest
    )


def number(lowest: float, highest: float) -> Rule:
    """Rule that a field is a number within limits."""
    return Rule(
        f"a number from {lowest:g} to {highest:g}",
        lambda value: type(value) in (int, float) and lowest <= value <= highest,
    )


LINE = matching(r"[^\n\r]+", "one line of text in quotes")
FLAG = Rule("true or false", lambda value: isinstance(value, bool))
TABLE = Rule("a table", lambda value: isinstance(value, dict))


def read_tables(content: str, *, source: str, kind: str) -> dict[str, Mapping[str, Any]]:
    """Read the tables of a file by name, in lower case; `kind` says what they describe.

    Raises:
        CatalogueError: it is no TOML, or something else than tables stands in it.
    """
    try:
        found = tomllib.loads(content)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{source} is not valid TOML: {error}.") from error
    tables: dict[str, Mapping[str, Any]] = {}
    for typed, table in found.items():
        name = typed.casefold()
        if not NAME.fullmatch(name):
            raise CatalogueError(
                f"{source}: {typed!r} is no name for a {kind}: letters, digits, dots and hyphens are allowed."
            )
        if name in tables:
            raise CatalogueError(f"{source}: {name} is there twice.")
        if not isinstance(table, dict):
            raise CatalogueError(f"{source}: {name} is {table!r}; allowed: a table, which begins with [{name}].")
        tables[name] = table
    return tables


def check(values: Mapping[str, Any], rules: Mapping[str, Rule], entry: str) -> None:
    """Compare a table with the rules of its fields, of which none may be missing.

    Raises:
        CatalogueError: it breaks one; the text names the entry, the field and what is allowed.
    """
    if unknown := sorted(values.keys() - rules):
        raise CatalogueError(f"{entry} has an unknown field {unknown[0]!r}; allowed: {', '.join(rules)}.")
    if missing := sorted(rules.keys() - values):
        raise CatalogueError(f"{entry} lacks the field {missing[0]!r}: {rules[missing[0]].allowed}.")
    for field, rule in rules.items():
        if not rule.accepts(values[field]):
            raise CatalogueError(f"{entry}.{field} is {values[field]!r}; allowed: {rule.allowed}.")
