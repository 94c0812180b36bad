"""How are autoencoders made that are of the real classes, but tiny and untrained?"""

from __future__ import annotations

from typing import Any

import diffusers
import torch

BLOCKS = {
    "block_out_channels": (8, 8, 16, 16),
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "layers_per_block": 1,
    "norm_num_groups": 4,
    "sample_size": 1024,
}


def whitened_autoencoder() -> Any:
    """Make one of 32 channels, whose patches a batch norm whitens: FLUX.2's."""
    autoencoder_class: Any = diffusers.AutoencoderKLFlux2
    autoencoder = autoencoder_class(**BLOCKS, latent_channels=32)
    autoencoder.bn.running_mean = torch.linspace(-0.5, 0.5, 128)
    autoencoder.bn.running_var = torch.linspace(0.5, 2.0, 128)
    return autoencoder


def film_autoencoder() -> Any:
    """Make one of 16 channels for films: Qwen-Image's."""
    autoencoder_class: Any = diffusers.AutoencoderKLQwenImage
    return autoencoder_class(base_dim=8, z_dim=16, dim_mult=[1, 1, 2, 2], num_res_blocks=1)
