"""What runs a model: which memories are there, and how fast are card and bus?"""

from __future__ import annotations

import math
from dataclasses import dataclass

from generation.memory.placement import Precision

GIB = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """The machine around the card. `memory_gib` is the RAM that models may take, those on the card included."""

    memory_gib: float = math.inf


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What runs the model. `device` is torch's name for it; `memory_gib` is what this program may use of it.

    `tflops` are dense bf16 multiplications with float32 sums, in 10^12 operations a second, of which real code reaches
    a share; `transfer_gib_s` is what the bus brings from pinned RAM. `is_unified` tells that card and host share one
    memory, so that nothing is gained by moving weights. A card with `has_fp8` multiplies 8-bit floats by itself.
    `precisions` are those that the libraries here can keep weights in; `precision` is the one that the operator wants
    for denoisers, None for whichever is quickest.
    """

    device: str
    name: str
    memory_gib: float
    host: Host = Host()
    tflops: float = 30.0
    transfer_gib_s: float = 6.0
    is_unified: bool = False
    has_fp8: bool = False
    has_bfloat16: bool = True
    precisions: frozenset[Precision] = frozenset({Precision.BFLOAT16, Precision.INT8, Precision.NF4})
    precision: Precision | None = None

    @property
    def is_gpu(self) -> bool:
        """Tell whether this is an accelerator rather than the processor itself."""
        return self.device != "cpu"
