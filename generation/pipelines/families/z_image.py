"""What sets Z-Image apart: words as lists of tensors, and guidance that counts from zero?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from generation.pipelines.families.flow import FlowFamily
from generation.pipelines.family import Conditioning
from generation.pipelines.opening import loader
from generation.request import ImagineRequest


class ZImage(FlowFamily):
    """Z-Image-Turbo and its kin: one stream of blocks for words and picture, Qwen3 reads the words."""

    text_to_image = "ZImagePipeline"
    image_to_image = "ZImageImg2ImgPipeline"
    inpainting = "ZImageInpaintPipeline"
    encoders = ("text_encoder",)

    def is_guided(self, request: ImagineRequest) -> bool:
        """Its formula is pos + scale * (pos - neg): a scale of 0 means none, 1 is guided already."""
        return request.guidance_scale > 0

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give one tensor (tokens, width) in a list for each prompt; a prompt has as many tokens as it needs."""
        words, negative = pipe.encode_prompt(
            prompt, device=device, do_classifier_free_guidance=is_guided, negative_prompt=negative_prompt
        )
        return {"prompt_embeds": words, "negative_prompt_embeds": negative}

    def joined(self, conditionings: Sequence[Conditioning]) -> dict[str, Any]:
        """String the lists together."""
        return {name: [part for each in conditionings for part in each[name]] for name in conditionings[0]}


FAMILY = ZImage()
load = loader(FAMILY)
