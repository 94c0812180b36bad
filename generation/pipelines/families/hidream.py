"""What sets HiDream-I1 apart: four text encoders, experts, and a size of its own?"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch

from generation.pipelines.families.hidream_experts import install
from generation.pipelines.family import Conditioning, Family
from generation.pipelines.opening import loader
from generation.request import ImagineRequest

# What `encode_prompt` gives, by the names under which a call takes it.
CONDITIONING = (
    "prompt_embeds_t5",
    "negative_prompt_embeds_t5",
    "prompt_embeds_llama3",
    "negative_prompt_embeds_llama3",
    "pooled_prompt_embeds",
    "negative_pooled_prompt_embeds",
)
LAYERS_FIRST = frozenset({"prompt_embeds_llama3", "negative_prompt_embeds_llama3"})
# Keeps a side that is scaled by one from coming out below itself, where it would lose a whole patch.
A_LITTLE_MORE = 1 + 1e-9


class HiDream(Family):
    """HiDream-I1 Full, Dev and Fast. The latter two are distilled: at a guidance of 0 they denoise once."""

    text_to_image = "HiDreamImagePipeline"
    encoders = ("text_encoder", "text_encoder_2", "text_encoder_3", "text_encoder_4")

    def installed(self, pipe: Any) -> None:
        """Let the experts share out tokens without the host."""
        pipe.transformer.eval()  # in training its latents come out in another layout
        install(pipe.transformer)

    def arguments(self, pipe: Any, request: ImagineRequest) -> dict[str, Any]:
        """Keep the size that is asked for: of itself the pipeline scales each one to a million pixels."""
        pipe.default_sample_size = math.sqrt(request.width * request.height) / pipe.vae_scale_factor * A_LITTLE_MORE
        return super().arguments(pipe, request)

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give T5's words (1, 128, width), those of Llama's layers (layers, 1, 128, width) and the CLIPs' summary."""
        encoded = pipe.encode_prompt(
            prompt=prompt, negative_prompt=negative_prompt, do_classifier_free_guidance=is_guided, device=device
        )
        return dict(zip(CONDITIONING, encoded, strict=True))

    def joined(self, conditionings: Sequence[Conditioning]) -> dict[str, Any]:
        """Put rows together; Llama's have their layers first."""
        columns = {name: [each[name] for each in conditionings] for name in conditionings[0]}
        return {
            name: None if parts[0] is None else torch.cat(parts, dim=int(name in LAYERS_FIRST))
            for name, parts in columns.items()
        }


FAMILY = HiDream()
load = loader(FAMILY)
