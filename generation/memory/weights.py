"""How much of a part's weights is on the card, in RAM and on the way, by precision and resident blocks?

Pure. On the card, blocks that are not resident pass through two lanes, each as large as the largest of them. In linear
layers inside of blocks a weight has fewer bytes; all else has the bytes that it is computed with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from generation.memory.card import GIB
from generation.memory.placement import Placement, Precision, streamed_blocks
from generation.models.parts import Blocks, Part

LANES = 2
# Of a weight in a linear layer. NF4: 4 bits and a float32 scale for each 64 weights.
LINEAR_BYTES = {
    Precision.FLOAT32: 4.0,
    Precision.FLOAT16: 2.0,
    Precision.BFLOAT16: 2.0,
    Precision.FP8: 1.0,
    Precision.INT8: 1.0,
    Precision.NF4: 0.5625,
}
QUANTISED = (Precision.FP8, Precision.INT8, Precision.NF4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """A part with so many blocks on the card, in GiB: what stays, what is there only while it works, its copy in RAM.

    `streamed_gib` passes each time it works through, `entering_gib` once a call.
    """

    part: str
    precision: Precision
    blocks: int
    resident_blocks: int
    resident_gib: float
    visiting_gib: float
    streamed_gib: float
    entering_gib: float
    host_gib: float

    @property
    def moved_gib(self) -> float:
        """What the bus brings for a call that works through it once."""
        return self.streamed_gib + self.entering_gib

    def placed(self, *, has_copy: bool) -> Placement:
        """Give it as a plan names it; where card and RAM are one memory there is no copy."""
        return Placement(
            part=self.part,
            precision=self.precision,
            blocks=self.blocks,
            resident_blocks=self.resident_blocks,
            resident_gib=self.resident_gib,
            host_gib=self.host_gib if has_copy else 0.0,
        )


@cache
def layouts(part: Part, precision: Precision) -> tuple[Layout, ...]:
    """Give the layouts of a part, the one that is wholly resident first, the one of which nothing stays last."""
    sizes = [_block_gib(blocks, precision) for blocks in part.blocks for _ in range(blocks.count)]
    whole = _gib(part, precision)
    rest = whole - sum(sizes)

    def layout(resident: int) -> Layout:
        streamed = [sizes[number] for number in streamed_blocks(len(sizes), resident)]
        lanes = LANES * max(streamed, default=0.0)
        stays = resident > 0 or not sizes
        return Layout(
            part=part.name,
            precision=precision,
            blocks=len(sizes),
            resident_blocks=resident,
            resident_gib=whole - sum(streamed) if stays else 0.0,
            visiting_gib=lanes if stays else rest + lanes,
            streamed_gib=sum(streamed),
            entering_gib=0.0 if stays else rest,
            host_gib=whole,
        )

    return tuple(layout(resident) for resident in range(len(sizes), -1, -1))


def _gib(part: Part, precision: Precision) -> float:
    blocks = sum(blocks.count * _block_gib(blocks, precision) for blocks in part.blocks)
    inside = sum(blocks.count * blocks.parameters for blocks in part.blocks)
    return blocks + (part.parameters - inside + part.buffers) * _computed_bytes(precision) / GIB


def _block_gib(blocks: Blocks, precision: Precision) -> float:
    eight_bit = blocks.eight_bit if precision is Precision.NF4 else 0
    linear = (blocks.linear - eight_bit) * LINEAR_BYTES[precision] + eight_bit
    return (linear + (blocks.parameters - blocks.linear) * _computed_bytes(precision)) / GIB


def _computed_bytes(precision: Precision) -> int:
    return 4 if precision is Precision.FLOAT32 else 2
