"""How are denoiser and text encoder trained together: by v-prediction on latents of scenes and their captions?

Several processes may train one model: where a process group is open, each takes its own batch and gradients are shared.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, UNet2DConditionModel
from torch import distributed, nn
from transformers import CLIPTextModelWithProjection, CLIPTokenizer

from generation.demo import text
from generation.demo.autoencoder import LATENT_CHANNELS
from generation.demo.denoiser import build_scheduler
from generation.demo.lessons import Cached, Lessons, noised
from generation.demo.muon import Muon
from generation.demo.scenes import COLOURS, SHAPES

POSITION_WEIGHT = 0.05
WARM_UP_STEPS = 100
DECAY_FROM = 0.2  # the share of the steps after which the learning rate falls
LOWEST_RATE = 0.02
MATRIX_RATE, OTHER_RATE = 0.01, 1e-3
EMA = 0.998
REFRESH_EVERY = 8
GAP_TIME, GAP_SCENES = 700, 192


class Trainer:
    """The two networks in training, and their running averages, which are what is kept in the end."""

    def __init__(
        self,
        unet: UNet2DConditionModel,
        encoder: CLIPTextModelWithProjection,
        tokenizer: CLIPTokenizer,
        vae: AutoencoderTiny,
        *,
        seed: int = 0,
    ) -> None:
        self.networks = nn.ModuleDict({"unet": unet, "text_encoder": encoder})
        self.average = copy.deepcopy(self.networks).requires_grad_(False)
        self.step = 0
        self.tokenizer = tokenizer
        self.lessons = Lessons(vae, np.random.default_rng(seed))
        self._alphas = build_scheduler().alphas_cumprod
        self._noise = torch.Generator().manual_seed(seed)
        self._optimizers = _optimizers(unet, encoder)
        self._rates = [optimizer.param_groups[0]["lr"] for optimizer in self._optimizers]

    def state(self) -> dict[str, Any]:
        """Give everything that `restore` needs to go on."""
        return {
            "networks": self.networks.state_dict(),
            "average": self.average.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self._optimizers],
            "step": self.step,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken, with other draws than before."""
        self.networks.load_state_dict(state["networks"])
        self.average.load_state_dict(state["average"])
        for optimizer, saved in zip(self._optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.step = state["step"]

    def train_step(self, caches: list[Cached], share: float) -> float:
        """Take one step at this share of the whole training; gives the loss."""
        cached = self.lessons.choose(caches)
        if self.step % REFRESH_EVERY == 0:
            self.lessons.refresh(cached)
        picks, captions = self.lessons.pick(cached)
        loss = self._loss(self.networks, cached, picks, captions, self.lessons.times(), self._noise)
        loss.backward()
        self._share_gradients()
        nn.utils.clip_grad_norm_(self.networks.parameters(), 1.0)
        factor = min(1.0, (self.step + 1) / WARM_UP_STEPS) * _decay(share)
        for optimizer, rate in zip(self._optimizers, self._rates, strict=True):
            optimizer.param_groups[0]["lr"] = rate * factor
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._take_average()
        return loss.item()

    @torch.no_grad()
    def word_gaps(self, cached: Cached) -> dict[str, float]:
        """Tell how much worse a wrong colour, shape or ground word makes the prediction, as a share of its error.

        It shows that words are learned long before the pictures do: at 1 the directions are there, at 4 most shapes.
        """
        picks = np.array([n for n, scene in enumerate(cached.scenes) if scene.layout == "centred"][:GAP_SCENES])
        scenes = [cached.scenes[pick] for pick in picks]
        times = torch.full((len(picks),), GAP_TIME)

        def error(colours: list[str], shapes: list[str], grounds: list[str]) -> float:
            noise = torch.Generator().manual_seed(0)  # the same for each wording
            rows = zip(colours, shapes, grounds, strict=True)
            texts = [f"a {colour} {shape} on a {ground} background" for colour, shape, ground in rows]
            return self._loss(self.average, cached, picks, texts, times, noise).item()

        colours, shapes = [scene.things[0].colour for scene in scenes], [scene.things[0].shape for scene in scenes]
        grounds = [scene.ground for scene in scenes]
        right = error(colours, shapes, grounds)
        return {
            "colour": error(_others(colours, COLOURS), shapes, grounds) / right - 1,
            "shape": error(colours, _others(shapes, SHAPES), grounds) / right - 1,
            "ground": error(colours, shapes, _others(grounds, COLOURS)) / right - 1,
        }

    def _loss(
        self,
        networks: nn.ModuleDict,
        cached: Cached,
        picks: Any,
        captions: list[str],
        times: torch.Tensor,
        noises: torch.Generator,
    ) -> torch.Tensor:
        """Give the error of v-prediction plus the weighted error of position, on the picked scenes."""
        latents = cached.latents[picks]
        noisy, velocity = noised(latents, times, self._alphas, noises)
        with torch.autocast("cpu", torch.bfloat16):
            hidden, pooled = text.encode(networks["text_encoder"], text.tokens(self.tokenizer, captions))
            added = {"text_embeds": pooled, "time_ids": cached.sizes(len(latents))}
            output = networks["unet"](noisy, times, hidden, added_cond_kwargs=added).sample
        output = output.float()
        error = (output[:, :LATENT_CHANNELS] - velocity).square().mean()
        position = (output[:, LATENT_CHANNELS:] - _ramps(latents)).square().mean()
        loss: torch.Tensor = error + POSITION_WEIGHT * position
        return loss

    def _share_gradients(self) -> None:
        """Replace the gradients by their mean over all processes."""
        if not distributed.is_initialized():
            return
        gradients = [weight.grad for weight in self.networks.parameters() if weight.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        flat /= distributed.get_world_size()
        for gradient, mean in zip(gradients, flat.split([g.numel() for g in gradients]), strict=True):
            gradient.copy_(mean.view_as(gradient))

    @torch.no_grad()
    def _take_average(self) -> None:
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.networks.parameters()), 1 - keep)


def _ramps(latents: torch.Tensor) -> torch.Tensor:
    """Give the position of each cell as (B, 2, h, w): x and y from -1 to 1."""
    batch, _, height, width = latents.shape
    y, x = torch.meshgrid(torch.linspace(-1, 1, height), torch.linspace(-1, 1, width), indexing="ij")
    return torch.stack([x, y]).expand(batch, -1, -1, -1)


def _others(words: list[str], names: Iterable[str]) -> list[str]:
    """Put another name in the place of each."""
    known = list(names)
    return [known[(known.index(word) + 3) % len(known)] for word in words]


def _decay(share: float) -> float:
    return 1.0 if share < DECAY_FROM else max(LOWEST_RATE, (1 - share) / (1 - DECAY_FROM))


def _optimizers(unet: nn.Module, encoder: nn.Module) -> list[torch.optim.Optimizer]:
    """Muon for the UNet's matrices and kernels, AdamW for all else."""
    matrices: list[nn.Parameter] = []
    rest = list(encoder.parameters())
    for name, parameter in unet.named_parameters():
        is_matrix = parameter.ndim >= 2 and not name.startswith(("conv_in", "conv_out"))
        (matrices if is_matrix else rest).append(parameter)
    return [
        Muon(matrices, lr=MATRIX_RATE),
        torch.optim.AdamW(rest, lr=OTHER_RATE, betas=(0.9, 0.99), weight_decay=0.0),
    ]
