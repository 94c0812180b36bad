"""How does a model lie in the memories: which parts of it on the card, in which precision, and what does that take?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Precision(StrEnum):
    """How the linear layers in a component's blocks are kept; all else stays in bfloat16, or float32 on a processor."""

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"  # only where a card has no bfloat16
    FP8 = "fp8"  # row-wise scales, multiplied as such; only compiled
    INT8 = "int8"
    NF4 = "nf4"


class Phase(StrEnum):
    """The three parts of a call, each with a peak of its own."""

    ENCODE = "encode"
    DENOISE = "denoise"
    DECODE = "decode"


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """How one component lies. `part` names its weights: two models whose components have the same part share them.

    `resident_blocks` of its `blocks` are on the card as long as the model is; the others stay in RAM and pass through
    two buffers while the component works. A component of which nothing is resident is on the card only then, its
    weights outside of blocks included. `resident_gib` is what is there all the time, `host_gib` its copy in RAM.
    """

    part: str
    precision: Precision
    blocks: int
    resident_blocks: int
    resident_gib: float
    host_gib: float

    @property
    def is_streamed(self) -> bool:
        """Tell whether some of it passes through the card each time."""
        return self.resident_blocks < self.blocks


def streamed_blocks(count: int, resident: int) -> frozenset[int]:
    """Choose which of `count` blocks are streamed, so that between two of them equally many work that are resident.

    Blocks are counted from 0 in the order in which their network registers them.
    """
    streamed = count - resident
    return frozenset((2 * place + 1) * count // (2 * streamed) for place in range(streamed))


@dataclass(frozen=True, slots=True, kw_only=True)
class VramPlan:
    """How one run uses the card. `placements` has one for each component, by diffusers' name for it.

    The GiB of a phase are all that it takes, weights and overhead included; the overhead is context and margin, which
    no allocator counts. `predicted_seconds` are for one picture with a prompt that is new, once the model is loaded.
    """

    placements: Mapping[str, Placement]
    tiled_decode: bool
    encode_gib: float
    denoise_gib: float
    decode_gib: float
    overhead_gib: float
    predicted_seconds: float

    @property
    def predicted_peak_gib(self) -> float:
        """The most that any phase takes."""
        return max(self.encode_gib, self.denoise_gib, self.decode_gib)

    @property
    def resident_gib(self) -> float:
        """What stays on the card between two calls."""
        return sum(placement.resident_gib for placement in self.placements.values())

    @property
    def host_gib(self) -> float:
        """What its copy takes in RAM."""
        return sum(placement.host_gib for placement in self.placements.values())

    def gib(self, phase: Phase) -> float:
        """Give what a phase takes."""
        return {Phase.ENCODE: self.encode_gib, Phase.DENOISE: self.denoise_gib, Phase.DECODE: self.decode_gib}[phase]

    def is_placed_as(self, other: VramPlan) -> bool:
        """Tell whether a model that is loaded for the one plan serves the other as it is."""
        return self.placements == other.placements and self.tiled_decode == other.tiled_decode
