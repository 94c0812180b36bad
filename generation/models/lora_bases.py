"""For which base is an adapter made, as far as its layers' names and shapes tell, and which models have that base?

Names come in three spellings: PEFT's and diffusers' own ("a.b.c"), kohya's ("a_b_c"), and those of the models' makers.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from generation.models.model import ModelSpec

Shapes = Mapping[str, Sequence[int]]

# The matrix at an adapted layer's input (rank, inputs), and the one at its output (outputs, rank).
DOWN = re.compile(r"(?:lora_A(?:\.\w+)?|lora_down|lora\d?\.down|lora_linear_layer\.down)\.weight$")
UP = re.compile(r"(?:lora_B(?:\.\w+)?|lora_up|lora\d?\.up|lora_linear_layer\.up)\.weight$")
TEXT_PART = re.compile(r"^(?:text_encoder|lora_te|text_model|clip_[lg]|t5xxl)")
# Families by layers that no other has; "." stands for either separator. The last two are told apart by more than names.
MARKS = (
    ("sdxl", re.compile(r"(?:down|up|input|output).blocks.\d|mid.block.(?:att|res)|middle.block.\d")),
    ("hidream", re.compile(r"(?:double|single).stream.blocks.\d")),
    ("flux2", re.compile(r"to.qkv.mlp.proj|(?:double|single).stream.modulation")),
    ("z_image", re.compile(r"(?:layers|context.refiner|noise.refiner).\d+.(?:attention|feed.forward|adaLN)")),
    ("qwen_image", re.compile(r"transformer.blocks.\d+.(?:img|txt).m(?:lp|od)")),
    ("sd3", re.compile(r"joint.blocks.\d|transformer.blocks.\d+.attn2")),
    ("flux", re.compile(r"single.transformer.blocks.\d|(?:double|single).blocks.\d")),
    ("joint", re.compile(r"transformer.blocks.\d")),
)
# The layer by whose inputs the networks of a family are told apart: cross-attention, else attention.
WIDE = re.compile(r"(?:att(?:n|ention)[12]?.(?:to.q|qkv)|img.attn.qkv|linear1|to.qkv.mlp.proj)\b|attn2?_(?:to_q|qkv)")
CROSS = re.compile(r"attn2.to.[kv]")
FLUX_WIDTH = 3072
FLUX_DOUBLE_BLOCKS, KLEIN_DOUBLE_BLOCKS, KLEIN_SINGLE_BLOCKS = 19, 5, 20
SD3_WIDTHS = (1536, 2432)
# What FLUX.2-klein-4B's layers give that have the inputs of FLUX.1's: its feed-forward is gated and wider.
KLEIN_OUTPUTS = ((re.compile(r"single.blocks.\d+.linear1"), 27_648), (re.compile(r"(?:img|txt).mlp.0"), 18_432))
TITLES = {
    ("sdxl", 128): "the demo model",
    ("sdxl", 768): "Stable Diffusion 1",
    ("sdxl", 1024): "Stable Diffusion 2",
    ("sdxl", 1280): "the SDXL refiner",
    ("sdxl", 2048): "SDXL",
    ("sd3", 1536): "Stable Diffusion 3.5 Medium",
    ("sd3", 2432): "Stable Diffusion 3.5 Large",
    ("flux", FLUX_WIDTH): "FLUX.1",
    ("chroma", FLUX_WIDTH): "Chroma",
    ("flux2", FLUX_WIDTH): "FLUX.2 klein 4B",
    ("flux2", 4096): "FLUX.2 klein 9B",
    ("flux2", 6144): "FLUX.2 dev",
    ("hidream", 2560): "HiDream-I1",
    ("z_image", 3840): "Z-Image",
    ("qwen_image", FLUX_WIDTH): "Qwen-Image",
}
# The same width of the denoisers in components.toml.
PART_WIDTHS = {
    "demo-unet": 128,
    "sdxl": 2048,
    "sd3.5-large": 2432,
    "sd3.5-medium": 1536,
    "flux-dev": FLUX_WIDTH,
    "flux-schnell": FLUX_WIDTH,
    "hidream": 2560,
    "hidream-dev": 2560,
    "hidream-fast": 2560,
    "z-image": 3840,
    "flux2-klein-4b": FLUX_WIDTH,
    "qwen-image": FLUX_WIDTH,
    "chroma": FLUX_WIDTH,
}


@dataclass(frozen=True, slots=True)
class Base:
    """A network that adapters are made for: a family, and the inputs of its attention; None if they are not known."""

    family: str
    width: int | None

    @property
    def title(self) -> str:
        """What people call it."""
        named = TITLES.get((self.family, self.width or 0))
        return named or f"a model of the family {self.family}" + (f" with width {self.width}" if self.width else "")

    def fits(self, spec: ModelSpec) -> bool:
        """Tell whether the model has this base; one whose width nobody knows may have."""
        parts = (spec.components.get(name) for name in ("unet", "transformer"))
        widths = [PART_WIDTHS[part.name] for part in parts if part is not None and part.name in PART_WIDTHS]
        return spec.family == self.family and (not widths or self.width in (None, *widths))


def recognise(shapes: Shapes, architecture: str) -> Base | None:
    """Tell the base by the shapes of all tensors by name; `architecture`, as the metadata name it, decides in doubt."""
    names = [name for name in shapes if not TEXT_PART.search(name)]
    family = next((family for family, mark in MARKS if any(mark.search(name) for name in names)), None)
    if family is None:
        return None
    width = _width(shapes, names, CROSS if family == "sdxl" else WIDE)
    if family in ("flux", "joint"):
        family = _joint_family(shapes, names, width, architecture.casefold(), has_mark=family == "flux")
    return Base(family, width)


def _joint_family(shapes: Shapes, names: Sequence[str], width: int | None, told: str, *, has_mark: bool) -> str:
    """Tell apart those whose blocks treat picture and text alike, and who name their layers alike."""
    if "chroma" in told:
        return "chroma"
    if not has_mark and width in SD3_WIDTHS:
        return "sd3"
    if width not in (None, FLUX_WIDTH) or _is_klein(shapes, names, told):
        return "flux2"
    last = max(_numbers(names, r"transformer.blocks.(\d+)"), default=0)
    is_qwen = not has_mark and ("qwen" in told or last >= FLUX_DOUBLE_BLOCKS)
    return "qwen_image" if is_qwen else "flux"


def _is_klein(shapes: Shapes, names: Sequence[str], told: str) -> bool:
    for layer, outputs in KLEIN_OUTPUTS:
        for name in names:
            if layer.search(name) and UP.search(name):
                return shapes[name][0] == outputs
    last_double = max(_numbers(names, r"double.blocks.(\d+)"), default=0)
    last_single = max(_numbers(names, r"single\w*.blocks.(\d+)"), default=0)
    is_small = last_double < KLEIN_DOUBLE_BLOCKS and last_single < KLEIN_SINGLE_BLOCKS
    return is_small and re.search(r"flux.?2|klein", told) is not None


def _width(shapes: Shapes, names: Sequence[str], layer: re.Pattern[str]) -> int | None:
    found = (shapes[name][1] for name in names if layer.search(name) and DOWN.search(name) and len(shapes[name]) == 2)
    return next(found, None)


def _numbers(names: Sequence[str], pattern: str) -> Iterator[int]:
    return (int(match[1]) for name in names if (match := re.search(pattern, name)))
