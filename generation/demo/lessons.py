"""Where do a denoiser's lessons come from: scenes, encoded ahead and renewed slowly, with captions and noise levels?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from PIL import Image

from generation.demo.autoencoder import to_tensor
from generation.demo.captions import caption
from generation.demo.scenes import Scene, draw, random_scene

BATCH = 32
EMPTY_CAPTIONS = 0.1  # the share that learns to draw without words, for classifier-free guidance
REFRESH_COUNT = 8  # scenes that are drawn anew at once: none is learned by heart
# Layout is decided at high noise, so most of the training happens there: shares of [0, 300), [300, 700), [700, 1000).
NOISE_SHARES = ((0.15, 300), (0.40, 700), (0.45, 1000))
# (width, height) as shares of the side, and how often.
BUCKETS = (((1.0, 1.0), 0.70), ((1.0, 0.75), 0.15), ((0.75, 1.0), 0.15))

Painter = Callable[[Scene, int, int], Image.Image]


@dataclass(frozen=True, slots=True)
class Cached:
    """Scenes of one bucket with their latents (N, C, h, w) and their size in pixels."""

    scenes: list[Scene]
    latents: torch.Tensor
    width: int
    height: int

    def sizes(self, count: int) -> torch.Tensor:
        """Give SDXL's size conditioning for so many rows: original size, crop and target size, (count, 6)."""
        size = torch.tensor([[self.height, self.width, 0, 0, self.height, self.width]])
        return size.float().expand(count, -1)


class Lessons:
    """Draws scenes as `paint` draws them, and encodes them. All chance is in `draws`."""

    def __init__(self, vae: AutoencoderTiny, draws: np.random.Generator, *, paint: Painter = draw) -> None:
        self._vae, self._draws, self._paint = vae, draws, paint

    def cache(self, side: int, count: int) -> list[Cached]:
        """Draw training scenes and encode them, bucket by bucket."""
        caches = []
        for (wide, high), share in BUCKETS:
            width, height = round(side * wide), round(side * high)
            scenes = [random_scene(self._draws) for _ in range(max(BATCH, round(count * share)))]
            parts = [self._encode(scenes[at : at + BATCH], width, height) for at in range(0, len(scenes), BATCH)]
            caches.append(Cached(scenes, torch.cat(parts), width, height))
        return caches

    def choose(self, caches: list[Cached]) -> Cached:
        """Draw a bucket, each as often as it is to be seen."""
        return caches[self._draws.choice(len(caches), p=[share for _, share in BUCKETS])]

    def refresh(self, cached: Cached) -> None:
        """Put new scenes in the place of a few, anywhere in the cache."""
        start = int(self._draws.integers(0, len(cached.scenes) - REFRESH_COUNT + 1))
        fresh = [random_scene(self._draws) for _ in range(REFRESH_COUNT)]
        cached.scenes[start : start + REFRESH_COUNT] = fresh
        cached.latents[start : start + REFRESH_COUNT] = self._encode(fresh, cached.width, cached.height)

    def pick(self, cached: Cached) -> tuple[NDArray[np.int64], list[str]]:
        """Draw a batch: the scenes' numbers and their captions, some of them empty."""
        picks = self._draws.integers(0, len(cached.scenes), BATCH)
        return picks, [self._caption(cached.scenes[pick]) for pick in picks]

    def times(self) -> torch.Tensor:
        """Draw a batch of time steps, stratified, by `NOISE_SHARES`."""
        places = (np.arange(BATCH) + self._draws.random(BATCH)) / BATCH
        shares = np.cumsum([0.0, *(share for share, _ in NOISE_SHARES)])
        times = np.interp(places, shares, [0, *(end for _, end in NOISE_SHARES)])
        return torch.from_numpy(np.minimum(times.astype(np.int64), 999))

    def _caption(self, scene: Scene) -> str:
        return "" if self._draws.random() < EMPTY_CAPTIONS else caption(scene, self._draws)

    @torch.no_grad()
    def _encode(self, scenes: list[Scene], width: int, height: int) -> torch.Tensor:
        pictures = np.stack([np.asarray(self._paint(scene, width, height)) for scene in scenes])
        with torch.autocast("cpu", torch.bfloat16):
            latents: torch.Tensor = self._vae.encode(to_tensor(pictures)).latents
        return latents.float()


def noised(
    latents: torch.Tensor, times: torch.Tensor, alphas: torch.Tensor, noises: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the latents with noise, and the velocity that v-prediction is to find; `alphas` are the scheduler's."""
    noise = torch.randn(latents.shape, generator=noises)
    kept = alphas[times].view(-1, 1, 1, 1)
    noisy = kept.sqrt() * latents + (1 - kept).sqrt() * noise
    return noisy, kept.sqrt() * noise - (1 - kept).sqrt() * latents
