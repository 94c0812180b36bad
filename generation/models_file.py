"""How is a models file read, and what may stand in it?"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from generation.errors import CatalogueError
from generation.families import FAMILIES
from generation.model import ModelSpec
from generation.request import LARGEST_GUIDANCE, MOST_STEPS
from generation.vram import MemoryFacts

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
HUB = re.compile(r"hub:[\w.-]+/[\w.-]+")
DEFAULTS: Mapping[str, Any] = {
    "revision": "main",
    "licence_url": "",
    "gated": False,
    "needs_gpu": True,
    "scheduler_options": {},
}


@dataclass(frozen=True, slots=True)
class _Rule:
    """What a field may be, in words and as a test."""

    allowed: str
    accepts: Callable[[Any], bool]


def _text(allowed: str, pattern: str) -> _Rule:
    return _Rule(allowed, lambda value: isinstance(value, str) and re.fullmatch(pattern, value) is not None)


def _whole(lowest: int, highest: int) -> _Rule:
    return _Rule(
        f"a whole number from {lowest} to {highest}", lambda value: type(value) is int and lowest <= value <= highest
    )


def _number(lowest: float, highest: float) -> _Rule:
    return _Rule(
        f"a number from {lowest:g} to {highest:g}",
        lambda value: type(value) in (int, float) and lowest <= value <= highest,
    )


LINE = _text("one line of text in quotes", r"[^\n\r]+")
FLAG = _Rule("true or false", lambda value: isinstance(value, bool))
TABLE = _Rule("a table", lambda value: isinstance(value, dict))
SIDE = _whole(8, 4096)
FACTOR = _number(1e-6, 1e4)

RULES: Mapping[str, _Rule] = {
    "title": LINE,
    "family": _Rule(f"one of {', '.join(FAMILIES)}", lambda value: isinstance(value, str) and value in FAMILIES),
    "checkpoint": _Rule(
        'a directory, or "hub:OWNER/NAME"',
        lambda value: (
            isinstance(value, str) and bool(value.strip()) and (value[:4] != "hub:" or bool(HUB.fullmatch(value)))
        ),
    ),
    "revision": LINE,
    "licence": LINE,
    "licence_url": _text("text in quotes", r"[^\n\r]*"),
    "gated": FLAG,
    "needs_gpu": FLAG,
    "scheduler": _text("the name of a diffusers scheduler", r"\w+Scheduler"),
    "scheduler_options": TABLE,
    "num_inference_steps": _whole(1, MOST_STEPS),
    "guidance_scale": _number(0, LARGEST_GUIDANCE),
    "has_negative_prompt": FLAG,
    "width": SIDE,
    "height": SIDE,
    "smallest_side": SIDE,
    "largest_side": SIDE,
    "side_multiple": _whole(8, 1024),
    "seconds_per_step": FACTOR,
    "memory": _Rule("a table with weights_gib and denoise_gib_per_megapixel", lambda value: isinstance(value, dict)),
}
MEMORY_RULES: Mapping[str, _Rule] = {
    "weights_gib": _Rule(
        "a table of GiB by component, such as { unet = 4.8 }",
        lambda value: isinstance(value, dict) and bool(value) and all(FACTOR.accepts(gib) for gib in value.values()),
    ),
    "denoise_gib_per_megapixel": FACTOR,
}


def read_models(text: str, *, source: str, directory: Path) -> dict[str, ModelSpec]:
    """Read the entries of a models file by name; its relative directories begin at `directory`.

    Raises:
        CatalogueError: it cannot be read; the text names the entry, the field and what is allowed.
    """
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise CatalogueError(f"{source} is not valid TOML: {error}.") from error
    specs: dict[str, ModelSpec] = {}
    for typed, table in tables.items():
        name = typed.casefold()
        if not NAME.fullmatch(name):
            raise CatalogueError(
                f"{source}: {typed!r} is no name for a model: letters, digits, dots and hyphens are allowed."
            )
        if name in specs:
            raise CatalogueError(f"{source}: {name} is there twice.")
        if not isinstance(table, dict):
            raise CatalogueError(f"{source}: {name} is {table!r}; allowed: a table, which begins with [{name}].")
        specs[name] = _spec(name, table, f"{source}: {name}", directory)
    return specs


def _spec(name: str, table: Mapping[str, Any], entry: str, directory: Path) -> ModelSpec:
    values = {**DEFAULTS, **table}
    _check(values, RULES, entry)
    _check(values["memory"], MEMORY_RULES, f"{entry}.memory")
    _check_sides(values, entry)
    values["memory"] = MemoryFacts(
        weights_gib={part: float(gib) for part, gib in values["memory"]["weights_gib"].items()},
        denoise_gib_per_megapixel=float(values["memory"]["denoise_gib_per_megapixel"]),
    )
    if not values["checkpoint"].startswith(("hub:", "package:")):
        values["checkpoint"] = str(directory / Path(values["checkpoint"]).expanduser())
    numbers = {field: float(values[field]) for field in ("guidance_scale", "seconds_per_step")}
    return ModelSpec(name=name, **{**values, **numbers})


def _check(values: Mapping[str, Any], rules: Mapping[str, _Rule], entry: str) -> None:
    if unknown := sorted(values.keys() - rules):
        raise CatalogueError(f"{entry} has an unknown field {unknown[0]!r}; allowed: {', '.join(rules)}.")
    if missing := sorted(rules.keys() - values):
        raise CatalogueError(f"{entry} lacks the field {missing[0]!r}: {rules[missing[0]].allowed}.")
    for field, rule in rules.items():
        if not rule.accepts(values[field]):
            raise CatalogueError(f"{entry}.{field} is {values[field]!r}; allowed: {rule.allowed}.")


def _check_sides(values: Mapping[str, Any], entry: str) -> None:
    multiple, smallest, largest = (values[field] for field in ("side_multiple", "smallest_side", "largest_side"))
    if multiple % 8:
        raise CatalogueError(f"{entry}.side_multiple is {multiple}; allowed: a multiple of 8.")
    for field in ("smallest_side", "largest_side", "width", "height"):
        side = values[field]
        if side % multiple or not smallest <= side <= largest:
            raise CatalogueError(
                f"{entry}.{field} is {side}; allowed: a multiple of side_multiple ({multiple}) "
                f"from smallest_side ({smallest}) to largest_side ({largest})."
            )
