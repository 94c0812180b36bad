"""How is the demo model's autoencoder built and trained: 16 x 16 pixels to one cell of 8 values, and back?"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from diffusers import AutoencoderTiny
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from generation.demo.scenes import draw, random_scene

CELL = 16  # pixels to a latent cell's side
LATENT_CHANNELS = 8
WIDTH = 32
LEARNING_RATE = 2e-3
BATCH = 8
CROP = 128  # training looks at crops: flat ground teaches little, and time is short
REPORT_EVERY = 200
WHOLE_EVERY = 6  # of so many batches one has whole pictures, fewer of them
POOL = 4000  # pictures kept in memory; drawn anew for each training
RESIDUAL_SCALE = 0.1
COLOUR_MEAN, COLOUR_DEVIATION = 0.5, 0.3
LATENT_NOISE = 0.2  # the most that is added to latents: the decoder must forgive a denoiser that is nearly right

Report = Callable[[str], None]


def build() -> AutoencoderTiny:
    """Build an untrained autoencoder.

    It starts as an average: RGB is wired through by pooling and repeating, and the residual branches are turned down,
    so that training begins at a blurred picture rather than at noise (about 15 dB instead of 5).
    """
    vae = AutoencoderTiny(
        encoder_block_out_channels=(WIDTH,) * 5,
        decoder_block_out_channels=(WIDTH,) * 5,
        num_encoder_blocks=(0, 1, 1, 2, 3),
        num_decoder_blocks=(4, 3, 2, 1, 0),
        latent_channels=LATENT_CHANNELS,
        scaling_factor=1.0,
        latent_magnitude=3,
    )
    for part in (vae.encoder, vae.decoder):
        _start_as_average(part)
    _start_centred(vae)
    return vae


def _start_centred(vae: AutoencoderTiny) -> None:
    """Bring the averages, colours from 0 to 1, to latents of about mean 0 and deviation 1, and back in the decoder."""
    last, first = vae.encoder.layers[-1], vae.decoder.layers[0]
    with torch.no_grad():
        last.weight[:3] /= COLOUR_DEVIATION
        last.bias[:3] = -COLOUR_MEAN / COLOUR_DEVIATION
        first.weight[:3] *= COLOUR_DEVIATION
        first.bias[:3] = COLOUR_MEAN


def _start_as_average(part: nn.Module) -> None:
    with torch.no_grad():
        for name, module in part.named_modules():
            if not isinstance(module, nn.Conv2d):
                continue
            module.weight.mul_(0.5)
            if module.bias is not None:
                module.bias.zero_()
            if ".conv." in name:  # the branch of a residual block
                if name.endswith(".conv.4"):
                    module.weight.mul_(RESIDUAL_SCALE)
                continue
            channels = min(3, module.in_channels, module.out_channels)
            module.weight[:channels] *= 0.05
            for channel in range(channels):
                if module.stride == (2, 2):
                    module.weight[channel, channel, 1:, 1:] += 0.25
                else:
                    module.weight[channel, channel, 1, 1] += 1.0


def pictures(side: int, seed: int, count: int = POOL) -> NDArray[np.uint8]:
    """Draw a pool of training scenes, as (count, side, side, 3)."""
    draws = np.random.default_rng(seed)
    pool = np.empty((count, side, side, 3), dtype=np.uint8)
    for index in range(count):
        pool[index] = np.asarray(draw(random_scene(draws), side, side))
    return pool


def train(vae: AutoencoderTiny, side: int, steps: int, report: Report, *, seed: int = 0) -> None:
    """Train in place; `report` gets a line now and then."""
    draws, noises = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    pool = pictures(side, seed)
    optimizer = torch.optim.AdamW(vae.parameters(), lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.0)
    for step in range(steps):
        share = step / steps
        for group in optimizer.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 50) * min(1.0, 2.2 * (1 - share) + 0.02)
        batch = to_tensor(_some(pool, draws, whole=step % WHOLE_EVERY == 0))
        with torch.autocast("cpu", torch.bfloat16):
            latents = vae.encode(batch).latents.float()
            noise = torch.randn(latents.shape, generator=noises) * torch.rand(len(latents), 1, 1, 1, generator=noises)
            error = vae.decode(latents + LATENT_NOISE * noise).sample.float() - batch
        loss = error.abs().mean() + 2 * error.square().mean() + 1e-2 * _spread(latents)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % REPORT_EVERY == 0:
            decibels = -10 * torch.log10(error.detach().square().mean() / 4).item()
            spread = ", ".join(f"{sd:.2f}" for sd in latents.detach().std(dim=(0, 2, 3)))
            report(f"autoencoder: step {step + 1} of {steps}, {decibels:.1f} dB, latent deviations {spread}")


def _some(pool: NDArray[np.uint8], draws: np.random.Generator, *, whole: bool) -> NDArray[np.uint8]:
    """Pick whole pictures, or crops near the object's edge, in steps of a latent cell."""
    side = pool.shape[1]
    if whole or side <= CROP:
        picks: NDArray[np.int64] = draws.integers(0, len(pool), BATCH * CROP * CROP // (side * side))
        return np.take(pool, picks, axis=0)
    crops = np.empty((BATCH, CROP, CROP, 3), dtype=np.uint8)
    for index, picture in enumerate(draws.integers(0, len(pool), BATCH)):
        top, left = draws.integers(0, (side - CROP) // CELL + 1, 2) * CELL
        crops[index] = pool[picture, top : top + CROP, left : left + CROP]
    return crops


def _spread(latents: torch.Tensor) -> torch.Tensor:
    """Keep each latent channel near mean 0 and standard deviation 1: a channel that falls asleep is lost."""
    mean, deviation = latents.mean(dim=(0, 2, 3)), latents.std(dim=(0, 2, 3))
    return mean.square().mean() + (deviation - 1).square().mean() + functional.relu(latents.abs() - 2.8).mean()


def to_tensor(batch: NDArray[np.uint8]) -> torch.Tensor:
    """(B, H, W, 3) bytes to (B, 3, H, W) in [-1, 1]."""
    return (
        torch.from_numpy(batch)
        .permute(0, 3, 1, 2)
        .float()
        .div(127.5)
        .sub(1)
        .contiguous(memory_format=torch.channels_last)
    )
