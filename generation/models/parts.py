"""What is known about the networks that models are made of: how many weights has each, and in which blocks do they lie?

A part is one set of weights, whichever models use it: `components.toml` has those that are known.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from typing import Any

from generation.errors import CatalogueError
from generation.models.toml_tables import Rule, check, matching, read_tables, whole

MOST_WEIGHTS = 10**14


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """`count` equal blocks in a row: the name of their class, and the weights of each one.

    `eight_bit` of the linear ones stay at 8 bits where the others have 4: their network asks for their type.
    """

    class_name: str
    count: int
    parameters: int
    linear: int
    eight_bit: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A network with its weights. `linear` of its `parameters` lie in linear layers, which alone can be quantised.

    `buffers` are numbers beside the parameters, in the same precision. `blocks` are in the order in which they are
    registered, none of them within another.
    """

    name: str
    parameters: int
    linear: int = 0
    buffers: int = 0
    blocks: tuple[Blocks, ...] = ()

    @property
    def block_count(self) -> int:
        """How many blocks it has in all."""
        return sum(blocks.count for blocks in self.blocks)


NUMBER = whole(0, MOST_WEIGHTS)
BLOCK_RULES: Mapping[str, Rule] = {
    "class": matching(r"\w+", "the name of a class"),
    "count": whole(1, 1000),
    "parameters": NUMBER,
    "linear": NUMBER,
    "eight_bit": NUMBER,
}
RULES: Mapping[str, Rule] = {
    "parameters": whole(1, MOST_WEIGHTS),
    "linear": NUMBER,
    "buffers": NUMBER,
    "blocks": Rule(
        "a list of tables with class, count, parameters and linear",
        lambda value: isinstance(value, list) and all(isinstance(each, dict) for each in value),
    ),
}
DEFAULTS: Mapping[str, Any] = {"linear": 0, "buffers": 0, "blocks": []}


@cache
def known_parts() -> Mapping[str, Part]:
    """Give the parts of `components.toml` by name."""
    text = resources.files("generation").joinpath("models/components.toml").read_text(encoding="utf-8")
    tables = read_tables(text, source="components.toml", kind="part")
    parts: dict[str, Part] = {}
    for name, table in tables.items():
        # The same network with other weights than those of `like`, which stands before it.
        alike = parts.get(table.get("like", ""))
        parts[name] = replace(alike, name=name) if alike else read_part(name, table, f"components.toml: {name}")
    return parts


def read_part(name: str, table: Mapping[str, Any], entry: str) -> Part:
    """Read the facts of a part; `entry` says in complaints where they stand.

    Raises:
        CatalogueError: a field is unknown, missing or out of range, or the blocks hold more than the part.
    """
    values = {**DEFAULTS, **table}
    check(values, RULES, entry)
    blocks = tuple(_blocks(each, f"{entry}.blocks[{place}]") for place, each in enumerate(values["blocks"], start=1))
    part = Part(name=name, **values | {"blocks": blocks})
    for field in ("parameters", "linear"):
        held = sum(each.count * getattr(each, field) for each in blocks)
        if held > getattr(part, field):
            raise CatalogueError(f"{entry}.{field} is {getattr(part, field)}, but its blocks alone have {held}.")
    if part.linear > part.parameters:
        raise CatalogueError(f"{entry}.linear is {part.linear}; allowed: at most its parameters, {part.parameters}.")
    return part


def _blocks(table: Mapping[str, Any], entry: str) -> Blocks:
    values = {"eight_bit": 0, **table}
    check(values, BLOCK_RULES, entry)
    return Blocks(class_name=values.pop("class"), **values)
