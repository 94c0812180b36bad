"""What may stand in an entry of a models file, and what holds for a field that is left out?"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from generation.models.families import FAMILIES
from generation.models.parts import Part
from generation.models.toml_tables import FLAG, LINE, TABLE, Rule, matching, number, whole
from generation.request import LARGEST_GUIDANCE, MOST_STEPS

HUB = re.compile(r"hub:[\w.-]+/[\w.-]+")
SINGLE_FILE_FAMILY = "sdxl"  # the only one whose checkpoints go round as one file that holds all of the model
# Whoever unpacks one of these may run code that somebody hid in it, and of the last this version cannot make a model.
UNSAFE_FILES = (".ckpt", ".bin", ".pt", ".pth", ".pkl", ".pickle", ".gguf")

DEFAULTS: Mapping[str, Any] = {
    "configs": "",
    "revision": "main",
    "licence_url": "",
    "gated": False,
    "adult": False,
    "needs_gpu": True,
    "scheduler_options": {},
    "seconds_per_step": 1.0,
    "batch_fixed_share": 0.35,
    "most_at_once": 4,
    "largest_area": 0,
    "parts": {},
    "weight_bytes": 2,
}
# What is said of a checkpoint's files and does not hold for another one.
OF_FILES = ("configs", "revision", "gated", "weight_bytes")
COST_DEFAULTS: Mapping[str, Any] = {
    "passes_apart": False,
    "is_padded": False,
    "sees_start": False,
    "decode_bytes_per_pixel": 2200,
}

SIDE = whole(8, 4096)
FACTOR = number(1e-6, 1e4)


def _is_place(value: object) -> bool:
    is_text = isinstance(value, str) and bool(value.strip())
    return is_text and (not str(value).startswith("hub:") or HUB.fullmatch(str(value)) is not None)


def _are_parts(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(part, str | dict | Part) for part in value.values())


RULES: Mapping[str, Rule] = {
    "title": LINE,
    "family": Rule(f"one of {', '.join(FAMILIES)}", lambda value: isinstance(value, str) and value in FAMILIES),
    "checkpoint": Rule('a directory, or "hub:OWNER/NAME"', _is_place),
    "configs": Rule('a directory, or "hub:OWNER/NAME"', lambda value: value == "" or _is_place(value)),
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
    "largest_area": whole(0, 4096 * 4096),
    "seconds_per_step": FACTOR,
    "batch_fixed_share": number(0, 1),
    "most_at_once": whole(1, 8),
    "parts": Rule(
        'a table of directories or "hub:OWNER/NAME" by component',
        lambda value: isinstance(value, dict) and all(_is_place(place) for place in value.values()),
    ),
    "weight_bytes": whole(1, 4),
    "components": Rule('a table of parts by component, such as { unet = "sdxl" }', _are_parts),
    "costs": Rule("a table with pass_tflop, gib_per_kilotoken and text_tokens", lambda value: isinstance(value, dict)),
}
COST_RULES: Mapping[str, Rule] = {
    "pass_tflop": FACTOR,
    "gib_per_kilotoken": FACTOR,
    "text_tokens": whole(0, 100_000),
    "passes_apart": FLAG,
    "is_padded": FLAG,
    "sees_start": FLAG,
    "decode_bytes_per_pixel": whole(1, 100_000),
}
