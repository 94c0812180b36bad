"""How does a test get models that draw at once, and fail on command? Their switches: generation/pipelines/fake.py."""

from collections.abc import Collection
from pathlib import Path

from generation import GIB

ENTRY = """
["{name}"]
title = "Flat colours"
family = "fake"
checkpoint = "{switches}"
licence = "MIT"
adult = {adult}
needs_gpu = false
scheduler = "DDIMScheduler"
num_inference_steps = 4
guidance_scale = 3.0
has_negative_prompt = true
width = 64
height = 64
smallest_side = 32
largest_side = 128
side_multiple = 32
seconds_per_step = {seconds_per_step}
batch_fixed_share = {batch_fixed_share}
components = {components}
costs = {{ pass_tflop = 0.001, gib_per_kilotoken = 0.001, text_tokens = 0 }}
"""
NAMES = ("flat", "flatter")


def entry(
    name: str,
    switches: Path | str,
    *,
    seconds_per_step: float = 0.01,
    batch_fixed_share: float = 0.0,
    weights_gib: float = 0.01,
    adult: bool = False,
    components: str = "",
) -> str:
    """Give the models-file entry of a fake model: of one part that weighs so much in bf16, or of these components."""
    facts = {"seconds_per_step": seconds_per_step, "batch_fixed_share": batch_fixed_share}
    components = components or f"{{ colour = {{ parameters = {round(weights_gib * GIB / 2)} }} }}"
    return ENTRY.format(name=name, switches=switches, adult=str(adult).lower(), components=components, **facts)


def write_models(
    directory: Path,
    *,
    seconds_per_step: float = 0.01,
    batch_fixed_share: float = 0.0,
    weights_gib: float = 0.01,
    adults: Collection[str] = (),
) -> Path:
    """Write a models file with two fake models and make the folder `switches` of both beside it.

    Those named in `adults` are for adults only. With a `batch_fixed_share`, pictures of several people share a call.
    """
    switches = directory / "switches"
    switches.mkdir(parents=True, exist_ok=True)
    facts = {"seconds_per_step": seconds_per_step, "batch_fixed_share": batch_fixed_share, "weights_gib": weights_gib}
    file = directory / "models.toml"
    file.write_text("".join(entry(name, switches, adult=name in adults, **facts) for name in NAMES))
    return file
