"""What becomes of each model on cards from 6 to 80 GB: which plan, how much memory, how long?

Predictions, all of them: the table is here so that whoever changes the planner sees what changes with it.
"""

from __future__ import annotations

import pytest

from generation import Card, Catalogue, Host, VramPlan, named_card

CATALOGUE = Catalogue.load()
CARDS = (
    Card(device="cuda:0", name="6 GB", memory_gib=5.77, tflops=18, transfer_gib_s=12, host=Host(memory_gib=28)),
    *map(
        named_card,
        ("RTX 4060", "RTX 3080", "RTX 4070 Super", "RTX 4060 Ti 16", "RTX 4090", "RTX 5090", "H100"),
    ),
)
# Of each card: the denoiser's precision, how many of its blocks stay, whether it decodes in tiles, peak and seconds.
TABLE = {
    "sdxl": (
        "bfloat16 45/70 tiled, 5.8 GiB, 38.5 s",
        "bfloat16 70/70 tiled, 7.5 GiB, 22.9 s",
        "bfloat16 70/70 tiled, 8.8 GiB, 11.6 s",
        "bfloat16 70/70, 11.7 GiB, 9.5 s",
        "bfloat16 70/70, 11.7 GiB, 15.3 s",
        "bfloat16 70/70, 11.7 GiB, 4.1 s",
        "bfloat16 70/70, 11.7 GiB, 3.2 s",
        "bfloat16 70/70, 11.7 GiB, 0.9 s",
    ),
    "sd3.5-large": (
        "bfloat16 6/38 tiled, 5.6 GiB, 161.6 s",
        "bfloat16 11/38 tiled, 7.6 GiB, 98.1 s",
        "bfloat16 16/38 tiled, 9.6 GiB, 49.7 s",
        "bfloat16 22/38 tiled, 11.6 GiB, 41.3 s",
        "bfloat16 32/38 tiled, 15.6 GiB, 66.1 s",
        "bfloat16 38/38 tiled, 23.5 GiB, 17.3 s",
        "bfloat16 38/38, 31.0 GiB, 13.6 s",
        "bfloat16 38/38, 31.0 GiB, 3.6 s",
    ),
    "flux-dev": (
        "bfloat16 6/57 tiled, 5.7 GiB, 193.2 s",
        "bfloat16 11/57 tiled, 7.7 GiB, 117.4 s",
        "bfloat16 16/57 tiled, 9.6 GiB, 59.6 s",
        "bfloat16 21/57 tiled, 11.7 GiB, 49.6 s",
        "bfloat16 31/57 tiled, 15.4 GiB, 79.7 s",
        "bfloat16 52/57 tiled, 23.3 GiB, 21.0 s",
        "bfloat16 57/57 tiled, 29.4 GiB, 16.2 s",
        "bfloat16 57/57, 36.7 GiB, 4.3 s",
    ),
    "flux-schnell": (
        "bfloat16 1/57, 5.8 GiB, 27.0 s",
        "bfloat16 5/57, 7.6 GiB, 16.6 s",
        "bfloat16 10/57, 9.5 GiB, 8.4 s",
        "bfloat16 4/57, 11.7 GiB, 7.0 s",
        "bfloat16 14/57, 15.6 GiB, 11.2 s",
        "bfloat16 34/57, 23.3 GiB, 3.0 s",
        "bfloat16 55/57, 31.2 GiB, 2.3 s",
        "bfloat16 57/57, 36.7 GiB, 0.6 s",
    ),
    "hidream-fast": (
        "nf4 0/48, 5.6 GiB, 137.3 s",
        "nf4 6/48, 7.7 GiB, 83.1 s",
        "nf4 17/48, 9.7 GiB, 42.2 s",
        "nf4 29/48, 11.7 GiB, 35.1 s",
        "nf4 48/48, 15.3 GiB, 56.4 s",
        "nf4 48/48 tiled, 22.1 GiB, 15.0 s",
        "nf4 48/48, 29.6 GiB, 11.7 s",
        "bfloat16 48/48, 62.6 GiB, 2.6 s",
    ),
    "z-image-turbo": (
        "bfloat16 1/34, 5.8 GiB, 47.8 s",
        "bfloat16 6/34, 7.4 GiB, 29.0 s",
        "bfloat16 12/34, 9.5 GiB, 14.7 s",
        "bfloat16 18/34, 11.5 GiB, 12.2 s",
        "bfloat16 30/34, 15.5 GiB, 19.5 s",
        "bfloat16 34/34, 21.0 GiB, 5.1 s",
        "bfloat16 34/34, 24.4 GiB, 4.0 s",
        "bfloat16 34/34, 24.4 GiB, 1.1 s",
    ),
    "flux2-klein-4b": (
        "bfloat16 0/25, 5.4 GiB, 14.1 s",
        "bfloat16 7/25, 7.6 GiB, 8.6 s",
        "bfloat16 14/25, 9.7 GiB, 4.3 s",
        "bfloat16 7/25, 11.7 GiB, 3.6 s",
        "bfloat16 21/25, 15.6 GiB, 5.7 s",
        "bfloat16 25/25, 20.1 GiB, 1.5 s",
        "bfloat16 25/25, 20.1 GiB, 1.2 s",
        "bfloat16 25/25, 20.1 GiB, 0.3 s",
    ),
}


@pytest.mark.parametrize("model", TABLE)
def test_each_card_has_the_plan_of_the_table(model: str) -> None:
    spec = CATALOGUE.get(model)

    plans = [CATALOGUE.plan_default(spec, card) for card in CARDS]

    assert tuple(told(each, spec.denoiser_name) for each in plans) == TABLE[model]


def told(found: VramPlan, denoiser: str) -> str:
    """Put a plan on one line."""
    placed = found.placements[denoiser]
    tiled = " tiled" if found.tiled_decode else ""
    blocks = f"{placed.resident_blocks}/{placed.blocks}"
    return f"{placed.precision} {blocks}{tiled}, {found.predicted_peak_gib:.1f} GiB, {found.predicted_seconds:.1f} s"
