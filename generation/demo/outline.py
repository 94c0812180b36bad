"""How is an adapter for the demo model trained: low-rank changes of its layers, by which it draws in another style?"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderTiny, StableDiffusionXLPipeline, UNet2DConditionModel
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict
from torch import nn

from generation.demo import text
from generation.demo.denoiser import build_scheduler
from generation.demo.lessons import Cached, Lessons, noised
from generation.demo.scenes import draw_outlines

RANK = 8
# Edges are decided where the picture is largest, and there the UNet has no attention: its convolutions learn, too.
LAYERS = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "proj_out", "conv1", "conv2")
TRIGGER = "outline of"
TRIGGERED = 0.5  # the share of captions that say so: the adapter works without the words, too
LEARNING_RATE = 2e-3
WARM_UP_STEPS = 50
DECAY_FROM = 0.4  # the share of the steps after which the learning rate falls
EMA = 0.995
REFRESH_EVERY = 4


class Trainer:
    """Low-rank layers in training on a UNet that stays as it is, and their running average, which is kept."""

    def __init__(self, pipe: StableDiffusionXLPipeline, *, seed: int = 0) -> None:
        self.step = 0
        self._pipe = pipe
        self._unet: UNet2DConditionModel = pipe.unet.requires_grad_(False)
        self._unet.add_adapter(LoraConfig(r=RANK, lora_alpha=RANK, target_modules=list(LAYERS)))
        self._weights = [weight for weight in self._unet.parameters() if weight.requires_grad]
        self._average = copy.deepcopy(self.adapter())
        self._optimizer = torch.optim.AdamW(self._weights, lr=LEARNING_RATE, betas=(0.9, 0.99), weight_decay=0.0)
        self._alphas = build_scheduler().alphas_cumprod
        self._noise = torch.Generator().manual_seed(seed)
        assert isinstance(pipe.vae, AutoencoderTiny)
        self.lessons = Lessons(pipe.vae, np.random.default_rng(seed), paint=draw_outlines)
        self._draws = np.random.default_rng(seed + 1)

    def adapter(self) -> dict[str, torch.Tensor]:
        """Give the low-rank matrices (rank, inputs) and (outputs, rank) by their layers' names, as PEFT does."""
        weights: dict[str, torch.Tensor] = get_peft_model_state_dict(self._unet)
        return weights

    def average(self) -> dict[str, torch.Tensor]:
        """Give the running average of the low-rank matrices, in the same way."""
        return self._average

    def state(self) -> dict[str, Any]:
        """Give everything that `restore` needs to go on."""
        return {
            "adapter": self.adapter(),
            "average": self._average,
            "optimizer": self._optimizer.state_dict(),
            "step": self.step,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on where `state` was taken."""
        set_peft_model_state_dict(self._unet, state["adapter"])
        self._average = dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.step = state["step"]

    def train_step(self, caches: list[Cached], share: float) -> float:
        """Take one step at this share of the whole training; gives the loss."""
        cached = self.lessons.choose(caches)
        if self.step % REFRESH_EVERY == 0:
            self.lessons.refresh(cached)
        loss = self._loss(cached)
        loss.backward()
        nn.utils.clip_grad_norm_(self._weights, 1.0)
        rate = LEARNING_RATE * min(1.0, (self.step + 1) / WARM_UP_STEPS) * min(1.0, (1 - share) / (1 - DECAY_FROM))
        self._optimizer.param_groups[0]["lr"] = rate
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self.step += 1
        self._take_average()
        return loss.item()

    def _loss(self, cached: Cached) -> torch.Tensor:
        picks, captions = self.lessons.pick(cached)
        captions = [self._with_trigger(caption) for caption in captions]
        times = self.lessons.times()
        noisy, velocity = noised(cached.latents[picks], times, self._alphas, self._noise)
        with torch.autocast("cpu", torch.bfloat16):
            with torch.no_grad():
                ids = text.tokens(self._pipe.tokenizer_2, captions)
                hidden, pooled = text.encode(self._pipe.text_encoder_2, ids)
            added = {"text_embeds": pooled, "time_ids": cached.sizes(len(noisy))}
            output = self._unet(noisy, times, hidden, added_cond_kwargs=added).sample
        loss: torch.Tensor = (output.float() - velocity).square().mean()
        return loss

    def _with_trigger(self, caption: str) -> str:
        return f"{TRIGGER} {caption}" if caption and self._draws.random() < TRIGGERED else caption

    @torch.no_grad()
    def _take_average(self) -> None:
        keep = min(EMA, (self.step + 1) / (self.step + 10))
        new = self.adapter()
        torch._foreach_lerp_(list(self._average.values()), [new[name] for name in self._average], 1 - keep)
