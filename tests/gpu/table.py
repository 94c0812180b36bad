"""How do measured results read as tables, and which of the goals were met?

`python -m tests.gpu.table RESULT.json` prints them as they stand in the README.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

Tree = Mapping[str, Any]

# In GB, what each model is said to need.
MINIMA = {"sdxl": 6, "sd3.5-large": 10, "flux-dev": 12, "flux-schnell": 12, "hidream": 16}
SMALLEST = 8  # GB, in which all of them should run
# Shares of the floor, the time of a picture if the card did nothing but multiply: goals of the project for an H100.
EAGER_SHARE, OURS_SHARE, UNET_SHARE, HIDREAM_SHARE, FP8_SHARE = 2.6, 1.7, 2.2, 1.8, 1.25
LOSSLESS_GAIN = 2.0
FP8_MODEL = "flux-dev"


def tables(tree: Tree) -> str:
    """Write all tables of some results.

    Raises:
        ValueError: they are those of a dry run, which no table may show.
    """
    if tree.get("dry_run", True):
        raise ValueError("These are the results of a dry run: tiny models on a processor, whose numbers mean nothing.")
    versions = ", ".join(f"{name} {tree['versions'][name]}" for name in ("torch", "diffusers", "torchao"))
    head = f"Measured on {tree['date']} on one {tree['card']['name']} ({versions}), with random weights of full size."
    parts = [head, *speed(tree), *caps(tree), *rest(tree), *goals(tree)]
    return "\n".join(parts)


def speed(tree: Tree) -> Iterator[str]:
    """Write what a picture takes, by diffusers itself and in each way here, and as a multiple of the floor."""
    if "speed" not in tree:
        return
    yield ""
    yield "| model | floor | diffusers, eager | ours, eager | compiled | and fused | fp8 | step; left out by `--fast` |"
    yield "|---|---|---|---|---|---|---|---|"
    for model, variants in tree["speed"].items():
        floor = variants.get("floor", {}).get("floor_s")
        cells = [_seconds(variants.get(name), floor) for name in ("diffusers", "ours", "compiled", "fused", "fp8")]
        yield f"| `{model}` | {_number(floor, 's')} | {' | '.join(cells)} | {_steps(variants)} |"


def caps(tree: Tree) -> Iterator[str]:
    """Write what a model took under each cap: torch's peak against the plan, and whether all of it was inside."""
    if "caps" not in tree:
        return
    sizes = sorted({int(cap) for of in tree["caps"].values() for cap in of})
    yield ""
    yield f"| model | {' | '.join(f'{size} GB' for size in sizes)} |"
    yield f"|---|{'---|' * len(sizes)}"
    for model, found in tree["caps"].items():
        yield f"| `{model}` | {' | '.join(_cap(found.get(str(size))) for size in sizes)} |"


def rest(tree: Tree) -> Iterator[str]:
    """Write what came of the switches, and of five models at once."""
    if "spread_mib" in tree.get("switches", {}):
        found = tree["switches"]
        turns = f"{len(found['course'])} turns of {' and '.join(found['models'])}"
        yield f"\n{turns}: allocated memory after each differs by {found['spread_mib']:.0f} MiB at most."
    if tree.get("together", {}).get("peak_gib"):
        found = tree["together"]
        state = "all drew" if found.get("all_drew") else f"ran out of memory in {found.get('ran_out')}"
        yield f"\n{', '.join(found['models'])} together in int8: {found['peak_gib']:.1f} GiB, {state}."


def goals(tree: Tree) -> Iterator[str]:
    """Say of each goal whether it was met; what was not measured is said to be so."""
    yield ""
    yield "| goal | found | |"
    yield "|---|---|---|"
    for goal, found, is_met in _goals(tree):
        verdict = "not measured" if is_met is None else "met" if is_met else "missed"
        yield f"| {goal} | {found} | {verdict} |"
    yield "| a picture with `--fast` 3.5 times as fast as eager diffusers | needs trained weights | not measured |"


def _goals(tree: Tree) -> Iterator[tuple[str, str, bool | None]]:
    for model, variants in tree.get("speed", {}).items():
        floor = variants.get("floor", {}).get("floor_s")
        eager, ours = (variants.get(name, {}).get("image_s") for name in ("diffusers", "compiled"))
        limit = {"sdxl": UNET_SHARE, "hidream": HIDREAM_SHARE}.get(model, OURS_SHARE)
        yield _share(f"`{model}`: eager diffusers / floor", eager, floor, EAGER_SHARE)
        yield _share(f"`{model}`: ours / floor", ours, floor, limit)
        gain = eager / ours if eager and ours else None
        told = "" if gain is None else f"{gain:.2f}"
        yield f"`{model}`: ours {LOSSLESS_GAIN:g} times as fast as eager", told, gain and gain >= LOSSLESS_GAIN
        if model == FP8_MODEL:
            yield _share(f"`{model}`: fp8 / floor", variants.get("fp8", {}).get("image_s"), floor, FP8_SHARE)
    for model, least in MINIMA.items():
        for size in sorted({least, SMALLEST}):
            found = tree.get("caps", {}).get(model, {}).get(str(size))
            yield f"`{model}` inside {size} GB", _cap(found), None if found is None else bool(found.get("is_inside"))


def _share(goal: str, seconds: float | None, floor: float | None, limit: float) -> tuple[str, str, bool | None]:
    if not seconds or not floor:
        return f"{goal} at most {limit:g}", "", None
    return f"{goal} at most {limit:g}", f"{seconds / floor:.2f}", seconds / floor <= limit


def _seconds(variant: Tree | None, floor: float | None) -> str:
    if variant is None or "image_s" not in variant:
        return _why(variant)
    share = f" ({variant['image_s'] / floor:.2f})" if floor else ""
    return f"{_number(variant['image_s'], 's')}{share}"


def _steps(variants: Tree) -> str:
    whole, short = variants.get("compiled", {}).get("step_s"), variants.get("fast", {}).get("left_out_step_s")
    if not whole or not short:
        return _why(variants.get("fast"))
    return f"{1000 * whole:.0f} ms; {1000 * short:.0f} ms"


def _cap(found: Tree | None) -> str:
    if found is None or "failed" in found:
        return _why(found)
    if not found["fits"]:
        return "does not fit"
    if "ran_out" in found:
        return f"ran out of memory in {found['ran_out']}"
    peaks = [f"{gib:.1f} of {found['predicted'][phase]:.1f}" for phase, gib in found["measured"].items()]
    state = "" if found.get("is_inside") else ", not inside"
    return f"{' / '.join(peaks)} GiB, {_number(found['step_s'], 's')} a step{state}"


def _why(found: Tree | None) -> str:
    """Say why there is no number."""
    return "" if found is None else "failed" if "failed" in found else "none"


def _number(value: float | None, unit: str) -> str:
    return "" if value is None else f"{value:.3g} {unit}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the tables of a file; gives the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.gpu.table", description="Print measured results as tables.")
    parser.add_argument("file", type=Path)
    try:
        print(tables(json.loads(parser.parse_args(arguments).file.read_text())))
    except ValueError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
