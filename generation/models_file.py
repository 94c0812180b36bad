"""How is a models file read, and what may stand in it?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from generation.errors import CatalogueError
from generation.families import FAMILIES
from generation.model import ModelSpec
from generation.request import LARGEST_GUIDANCE, MOST_STEPS
from generation.toml_tables import FLAG, LINE, TABLE, Rule, check, matching, number, read_tables, whole
from generation.vram import MemoryFacts

HUB = re.compile(r"hub:[\w.-]+/[\w.-]+")
DEFAULTS: Mapping[str, Any] = {
    "revision": "main",
    "licence_url": "",
    "gated": False,
    "adult": False,
    "needs_gpu": True,
    "scheduler_options": {},
    "batch_fixed_share": 0.35,
    "most_at_once": 4,
}

SIDE = whole(8, 4096)
FACTOR = number(1e-6, 1e4)

RULES: Mapping[str, Rule] = {
    "title": LINE,
    "family": Rule(f"one of {', '.join(FAMILIES)}", lambda value: isinstance(value, str) and value in FAMILIES),
    "checkpoint": Rule(
        'a directory, or "hub:OWNER/NAME"',
        lambda value: (
            isinstance(value, str) and bool(value.strip()) and (value[:4] != "hub:" or bool(HUB.fullmatch(value)))
        ),
    ),
    "revision": LINE,
    "licence": LINE,
    "licence_url": matching(r"[^\n\r]*", "text in quotes"),
    "gated": FLAG,
    "adult": FLAG,
    "needs_gpu": FLAG,
    "scheduler": matching(r"\w+Scheduler", "the name of a diffusers scheduler"),
    "scheduler_options": TABLE,
    "num_inference_steps": whole(1, MOST_STEPS),
    "guidance_scale": number(0, LARGEST_GUIDANCE),
    "has_negative_prompt": FLAG,
    "width": SIDE,
    "height": SIDE,
    "smallest_side": SIDE,
    "largest_side": SIDE,
    "side_multiple": whole(8, 1024),
    "seconds_per_step": FACTOR,
    "batch_fixed_share": number(0, 1),
    "most_at_once": whole(1, 8),
    "memory": Rule("a table with weights_gib and denoise_gib_per_megapixel", lambda value: isinstance(value, dict)),
}
MEMORY_RULES: Mapping[str, Rule] = {
    "weights_gib": Rule(
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
    tables = read_tables(text, source=source, kind="model")
    return {name: _spec(name, table, f"{source}: {name}", directory) for name, table in tables.items()}


def _spec(name: str, table: Mapping[str, Any], entry: str, directory: Path) -> ModelSpec:
    values = {**DEFAULTS, **table}
    check(values, RULES, entry)
    check(values["memory"], MEMORY_RULES, f"{entry}.memory")
    _check_sides(values, entry)
    values["memory"] = MemoryFacts(
        weights_gib={part: float(gib) for part, gib in values["memory"]["weights_gib"].items()},
        denoise_gib_per_megapixel=float(values["memory"]["denoise_gib_per_megapixel"]),
    )
    if not values["checkpoint"].startswith(("hub:", "package:")):
        values["checkpoint"] = str(directory / Path(values["checkpoint"]).expanduser())
    numbers = {field: float(values[field]) for field in ("guidance_scale", "seconds_per_step", "batch_fixed_share")}
    return ModelSpec(name=name, **{**values, **numbers})


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
