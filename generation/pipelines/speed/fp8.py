"""How do linear layers come to multiply 8-bit floats, each row with a scale of its own?

Not tried on a card yet; no processor can run it.
"""

from __future__ import annotations

import torch
from torch import nn
from torchao.quantization import Float8DynamicActivationFloat8WeightConfig, Float8WeightOnlyConfig, PerRow, quantize_

# Layers that see one row a picture, not one a token: they are kept in 8 bits, but multiply as before.
FEW_ROWS = ("norm", "mod", "adaln", "time", "gate")
# Sides that the kernel takes.
SIDE_MULTIPLE = 16
# The smallest largest value of a row. A row of zeros would have the scale 0, and make the picture black.
FLOOR = 1e-12


def to_fp8(block: nn.Module) -> None:
    """Turn the linear layers of a block into 8-bit floats, in place. It has to run compiled from then on."""
    for module in block.modules():
        if isinstance(module, nn.Linear):
            keep_scales_above_zero(module.weight)
    quantize_(block, Float8WeightOnlyConfig(), filter_fn=_is_kept_small)
    config = Float8DynamicActivationFloat8WeightConfig(granularity=PerRow(), activation_value_lb=FLOOR)
    quantize_(block, config, filter_fn=multiplies_rows)


def multiplies_rows(module: nn.Module, name: str) -> bool:
    """Tell whether a layer is worth multiplying in 8 bits, by its name in the block."""
    if not isinstance(module, nn.Linear) or any(word in name.lower() for word in FEW_ROWS):
        return False
    return module.in_features % SIDE_MULTIPLE == 0 and module.out_features % SIDE_MULTIPLE == 0


def _is_kept_small(module: nn.Module, name: str) -> bool:
    return isinstance(module, nn.Linear) and not multiplies_rows(module, name)


@torch.no_grad()
def keep_scales_above_zero(weight: torch.Tensor) -> None:
    """Give rows of nothing but zeros a first value that is next to nothing."""
    weight[(weight == 0).all(dim=1), 0] = FLOOR
