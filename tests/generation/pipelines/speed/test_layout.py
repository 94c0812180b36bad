from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import nn

from generation import Card
from generation.pipelines.speed.layout import lay_out
from tests.generation.pipelines.tiny_parts import autoencoder as tiny_autoencoder

CARD = Card(device="cpu:0", name="a pretended card", memory_gib=8)
PROCESSOR = Card(device="cpu", name="a processor", memory_gib=8)


class Causal(nn.Conv3d):
    """As video autoencoders have it."""


def _is_by_channels(module: nn.Module) -> bool:
    convolutions = [layer for layer in module.modules() if isinstance(layer, nn.Conv2d) and layer.kernel_size != (1, 1)]
    return all(layer.weight.is_contiguous(memory_format=torch.channels_last) for layer in convolutions)


@torch.inference_mode()
def test_on_a_card_an_autoencoder_is_laid_out_by_channels_and_gives_the_same() -> None:
    autoencoder: Any = tiny_autoencoder(latent_channels=4, scaling_factor=1.0, shift_factor=0.0).eval()
    latents = torch.randn(1, autoencoder.config.latent_channels, 8, 8)
    before = autoencoder.decode(latents).sample

    lay_out(autoencoder, CARD)

    assert _is_by_channels(autoencoder)
    torch.testing.assert_close(autoencoder.decode(latents).sample, before, rtol=1e-3, atol=1e-4)


def test_on_a_processor_nothing_moves() -> None:
    autoencoder: Any = tiny_autoencoder(latent_channels=4, scaling_factor=1.0, shift_factor=0.0)

    lay_out(autoencoder, PROCESSOR)

    assert not _is_by_channels(autoencoder)


@pytest.mark.parametrize("other", [nn.Conv1d(2, 2, 3), nn.Conv3d(2, 2, 3), Causal(2, 2, 3)])
def test_networks_of_other_convolutions_stay_as_they_are(other: nn.Module) -> None:
    network = nn.ModuleList([nn.Conv2d(2, 2, 3), other])

    lay_out(network, CARD)

    assert not _is_by_channels(network)
