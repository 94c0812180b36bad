"""What will the picture look like: a cheap look at latents, by a linear map fitted to the model's own autoencoder."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch.nn import functional

CHART_SIDE = 512
CHART_SHAPES = 120
PATCH = 4  # a latent cell becomes PATCH x PATCH pixels
RIDGE = 1e-3


class LinearPreview:
    """A map from each latent cell (C values) to a patch of PATCH x PATCH RGB pixels, by least squares.

    It is fitted when the model is loaded: a chart of random shapes goes through the encoder once, so that every family
    has previews without constants of its own and without a decoder.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self._weight = weight  # (C + 1, 3 * PATCH * PATCH)

    @classmethod
    @torch.inference_mode()
    def fit(cls, vae: Any, device: torch.device) -> LinearPreview:
        """Fit to a diffusers autoencoder: AutoencoderKL, or AutoencoderTiny, whose latents are no distribution."""
        chart = _chart()
        encoded = vae.encode(chart.to(device, vae.dtype))
        latents = encoded.latent_dist.mode() if hasattr(encoded, "latent_dist") else encoded.latents
        latents = (latents.float().cpu() - (vae.config.get("shift_factor") or 0.0)) * vae.config.scaling_factor
        size = [side * PATCH for side in latents.shape[-2:]]
        patches = functional.pixel_unshuffle(functional.interpolate(chart, size, mode="area"), PATCH)
        inputs = _with_one(latents)
        targets = patches.flatten(2)[0].T
        ridge = RIDGE * len(inputs) * torch.eye(inputs.shape[1])
        return cls(torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets))

    def draw(self, latents: torch.Tensor) -> Image.Image:
        """Draw the first picture of a batch of latents (B, C, H, W), PATCH times as large as they are."""
        height, width = latents.shape[-2:]
        latents = latents[:1].float().cpu()
        latents = latents / latents.std().clamp(min=1.0)  # some schedulers start at many times the final scale
        patches = (_with_one(latents) @ self._weight).T.reshape(1, -1, height, width)
        pixels = functional.pixel_shuffle(patches, PATCH)[0].permute(1, 2, 0)
        return Image.fromarray(((pixels * 127.5 + 127.5).clamp(0, 255)).to(torch.uint8).numpy())


def _with_one(latents: torch.Tensor) -> torch.Tensor:
    """Flatten latents (1, C, H, W) to rows of C values and a one, for the constant term."""
    cells = latents.flatten(2)[0].T
    return torch.cat([cells, torch.ones(len(cells), 1)], dim=1)


def _chart() -> torch.Tensor:
    """Draw overlapping discs and boxes of random colours, as (1, 3, CHART_SIDE, CHART_SIDE) in [-1, 1]."""
    draws = np.random.default_rng(0)
    chart = Image.new("RGB", (CHART_SIDE, CHART_SIDE))
    brush = ImageDraw.Draw(chart)
    for number in range(CHART_SHAPES):
        x, y = draws.integers(-40, CHART_SIDE, size=2)
        wide, high = draws.integers(30, 160, size=2)
        colour = tuple(int(part) for part in draws.integers(0, 256, size=3))
        draw = brush.ellipse if number % 2 else brush.rectangle
        draw((int(x), int(y), int(x + wide), int(y + high)), fill=colour)
    pixels = torch.from_numpy(np.asarray(chart).copy()).permute(2, 0, 1)[None].float()
    return pixels / 127.5 - 1
