"""In which order do a convolution's numbers lie best?"""

from __future__ import annotations

import torch
from torch import nn

from generation.memory.card import Card


def lay_out(module: nn.Module, card: Card) -> None:
    """Lay convolutions out channel by channel, as a GPU's tensor cores read them; a processor's stay as they are.

    Networks of something else than convolutions in two dimensions stay as they are, too.
    """
    layers = list(module.modules())
    is_plane = any(isinstance(layer, nn.Conv2d) for layer in layers)
    if card.is_gpu and is_plane and not any(isinstance(layer, nn.Conv1d | nn.Conv3d) for layer in layers):
        module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
