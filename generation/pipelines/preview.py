"""What will the picture look like: a cheap look at latents while they are still being denoised?"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import torch
from diffusers import AutoencoderTiny
from PIL import Image, ImageDraw
from torch.nn import functional

from generation.pipelines.family import Family

CHART_SIDE = 512
CHART_SHAPES = 120
PATCH = 4  # a latent cell becomes PATCH x PATCH pixels
RIDGE = 1e-3
LARGEST_DEVIATION = 1.5  # of finished latents; some schedulers start at many times that


class Preview(Protocol):
    """Draws latents."""

    def draw(self, latents: torch.Tensor) -> Image.Image:
        """Draw one picture's latents (1, C, H, W), PATCH times as large as they are."""


def find_preview(family: Family, pipe: Any, device: torch.device) -> Preview:
    """Give the preview for a pipeline's autoencoder: a tiny one is quick enough to be used itself."""
    if isinstance(pipe.vae, AutoencoderTiny):
        return TinyPreview(pipe.vae)
    return LinearPreview.fit(lambda picture: family.encoded(pipe, picture.to(device, pipe.vae.dtype)))


class TinyPreview:
    """Decodes in full and makes it small."""

    def __init__(self, vae: Any) -> None:
        self._vae = vae

    @torch.inference_mode()
    def draw(self, latents: torch.Tensor) -> Image.Image:
        """Draw one picture's latents (1, C, H, W), PATCH times as large as they are."""
        scaled = _settled(latents).to(self._vae.dtype) / self._vae.config.scaling_factor
        pixels = self._vae.decode(scaled).sample.float().cpu()
        size = [side * PATCH for side in latents.shape[-2:]]
        return _to_image(functional.interpolate(pixels, size, mode="area")[0])


class LinearPreview:
    """A map from each latent cell (C values) to a patch of PATCH x PATCH RGB pixels, by least squares.

    It is fitted when the model is loaded: a chart of random shapes goes through the encoder once, so that every family
    has previews without constants of its own and without a decoder.
    """

    def __init__(self, weight: torch.Tensor) -> None:
        self._weight = weight  # (C + 1, 3 * PATCH * PATCH)

    @classmethod
    @torch.inference_mode()
    def fit(cls, encode: Callable[[torch.Tensor], torch.Tensor]) -> LinearPreview:
        """Fit to what makes latents of a picture (1, 3, height, width) in [-1, 1]."""
        chart = _chart()
        latents = encode(chart).float().cpu()
        size = [side * PATCH for side in latents.shape[-2:]]
        patches = functional.pixel_unshuffle(functional.interpolate(chart, size, mode="area"), PATCH)
        inputs = _with_one(latents)
        targets = patches.flatten(2)[0].T
        ridge = RIDGE * len(inputs) * torch.eye(inputs.shape[1])
        return cls(torch.linalg.solve(inputs.T @ inputs + ridge, inputs.T @ targets))

    def draw(self, latents: torch.Tensor) -> Image.Image:
        """Draw one picture's latents (1, C, H, W), PATCH times as large as they are."""
        height, width = latents.shape[-2:]
        cells = _with_one(_settled(latents.float().cpu()))
        patches = (cells @ self._weight).T.reshape(1, -1, height, width)
        return _to_image(functional.pixel_shuffle(patches, PATCH)[0])


def _settled(latents: torch.Tensor) -> torch.Tensor:
    """Bring latents that are nearly all noise down to the scale of finished ones."""
    return latents / (latents.std() / LARGEST_DEVIATION).clamp(min=1.0)


def _to_image(pixels: torch.Tensor) -> Image.Image:
    """Turn (3, H, W) in [-1, 1] into a picture."""
    levels = (pixels.permute(1, 2, 0) * 127.5 + 127.5).clamp(0, 255)
    return Image.fromarray(levels.to(torch.uint8).numpy())


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
