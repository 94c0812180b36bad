"""What sets Stable Diffusion 3 apart: three text encoders, of which the largest may be missing?"""

from __future__ import annotations

from typing import Any

import torch

from generation.pipelines.families.flow import FlowFamily
from generation.pipelines.family import Conditioning
from generation.pipelines.opening import loader

# What `encode_prompt` gives, by the names under which a call takes it.
CONDITIONING = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")


class StableDiffusion3(FlowFamily):
    """Stable Diffusion 3 and 3.5, Medium and Large.

    A checkpoint without its T5 takes 9 GiB less; diffusers then reads zeros in the place of its words.
    """

    text_to_image = "StableDiffusion3Pipeline"
    image_to_image = "StableDiffusion3Img2ImgPipeline"
    inpainting = "StableDiffusion3InpaintPipeline"
    encoders = ("text_encoder", "text_encoder_2", "text_encoder_3")

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give the words (1, 77 + 256, width) and the CLIPs' summary (1, width) of both prompts."""
        encoded = pipe.encode_prompt(
            prompt=prompt,
            prompt_2=None,
            prompt_3=None,
            negative_prompt=negative_prompt,
            do_classifier_free_guidance=is_guided,
            device=device,
        )
        return dict(zip(CONDITIONING, encoded, strict=True))


FAMILY = StableDiffusion3()
load = loader(FAMILY)
