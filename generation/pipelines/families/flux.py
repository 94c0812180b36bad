"""What sets FLUX.1 apart: guidance that the denoiser takes as a number, and latents packed to patches?"""

from __future__ import annotations

from typing import Any

import torch

from generation.pipelines.families.flow import FlowFamily
from generation.pipelines.family import Conditioning
from generation.pipelines.opening import loader
from generation.request import ImagineRequest

# Tokens that T5 reads, by whether the denoiser takes a guidance: dev does. schnell was trained for half as many, but
# diffusers would hand it more without a word.
TOKENS = {True: 512, False: 256}


class Flux(FlowFamily):
    """FLUX.1 dev and schnell. Neither is ever guided by denoising twice; schnell takes no guidance at all."""

    text_to_image = "FluxPipeline"
    image_to_image = "FluxImg2ImgPipeline"
    inpainting = "FluxInpaintPipeline"
    encoders = ("text_encoder", "text_encoder_2")

    def is_guided(self, request: ImagineRequest) -> bool:
        """Never: what is asked for goes into the denoiser beside the words."""
        return False

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give T5's words (1, tokens, width) and CLIP's summary (1, width) of the prompt."""
        words, summary, _ = pipe.encode_prompt(
            prompt=prompt, device=device, max_sequence_length=TOKENS[pipe.transformer.config.guidance_embeds]
        )
        return {"prompt_embeds": words, "pooled_prompt_embeds": summary}

    def unpacked(self, pipe: Any, latents: torch.Tensor, request: ImagineRequest) -> torch.Tensor:
        """Lay patches (N, tokens, 4 * C) out as (N, C, h, w)."""
        laid_out: torch.Tensor = pipe._unpack_latents(  # noqa: SLF001 - the one place that knows their order
            latents, request.height, request.width, pipe.vae_scale_factor
        )
        return laid_out


FAMILY = Flux()
load = loader(FAMILY)
