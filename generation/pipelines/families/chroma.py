"""What sets Chroma apart: FLUX's shape with T5 alone, masked words and true guidance?"""

from __future__ import annotations

from typing import Any

import torch

from generation.pipelines.families.flow import FlowFamily
from generation.pipelines.family import Conditioning
from generation.pipelines.opening import loader
from generation.request import ImagineRequest

# What `encode_prompt` gives, by the names under which a call takes it; it makes the ids of words itself, all zero.
GIVEN = (
    "prompt_embeds",
    None,
    "prompt_attention_mask",
    "negative_prompt_embeds",
    None,
    "negative_prompt_attention_mask",
)


class Chroma(FlowFamily):
    """Chroma1-HD and its kin."""

    text_to_image = "ChromaPipeline"
    image_to_image = "ChromaImg2ImgPipeline"
    inpainting = "ChromaInpaintPipeline"
    encoders = ("text_encoder",)

    def installed(self, pipe: Any) -> None:
        """Tell what diffusers' twin for masks asks of the denoiser's configuration, and its class does not have."""
        pipe.transformer.register_to_config(guidance_embeds=False)

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give 512 tokens a prompt, with the mask that hides all padding but its first token."""
        found = pipe.encode_prompt(
            prompt, negative_prompt=negative_prompt, device=device, do_classifier_free_guidance=is_guided
        )
        return {name: part for name, part in zip(GIVEN, found, strict=True) if name is not None}

    def unpacked(self, pipe: Any, latents: torch.Tensor, request: ImagineRequest) -> torch.Tensor:
        """Lay the patches out: (N, patches, 64) becomes (N, 16, h, w)."""
        laid_out: torch.Tensor = pipe._unpack_latents(  # noqa: SLF001 - it knows the order of a patch
            latents, request.height, request.width, pipe.vae_scale_factor
        )
        return laid_out


FAMILY = Chroma()
load = loader(FAMILY)
