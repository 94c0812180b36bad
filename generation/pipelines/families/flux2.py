"""What sets FLUX.2 klein apart: latents whitened by a batch norm, and a start picture that it also looks at?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from PIL import Image

from generation.pipelines.families.flow import whole_steps
from generation.pipelines.family import Conditioning, Family
from generation.pipelines.opening import loader
from generation.request import ImagineRequest


class Flux2(Family):
    """FLUX.2 klein and its kin; Qwen3 reads the words.

    There is no twin that starts from a picture alone. The one for masks does it where all of the mask is white; it also
    shows the picture to the model as a reference, which is how this model has learned to change pictures.
    """

    text_to_image = "Flux2KleinPipeline"
    image_to_image = "Flux2KleinInpaintPipeline"
    inpainting = "Flux2KleinInpaintPipeline"
    encoders = ("text_encoder",)

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give 512 tokens a prompt: three layers of the encoder side by side."""
        words = pipe.encode_prompt(prompt, device=device)[0]
        negative = pipe.encode_prompt(negative_prompt, device=device)[0] if is_guided else None
        return {"prompt_embeds": words, "negative_prompt_embeds": negative}

    def starting(
        self, pipe: Any, request: ImagineRequest, images: Sequence[Image.Image], masks: Sequence[Image.Image]
    ) -> dict[str, Any]:
        """Give the picture as latents: a picture of more than a megapixel would be shrunk without a word."""
        pixels = pipe.image_processor.preprocess(list(images)).to(pipe.vae.device, pipe.vae.dtype)
        latents = [self.encoded(pipe, each) for each in pixels.split(1)]
        white = Image.new("L", (request.width, request.height), 255)
        return {
            "image": pipe._patchify_latents(torch.cat(latents)),  # noqa: SLF001 - it knows the order of a patch
            "mask_image": list(masks) or [white for _ in images],
            "strength": whole_steps(request),
        }

    def unpacked(self, pipe: Any, latents: torch.Tensor, request: ImagineRequest) -> torch.Tensor:
        """Give (N, 32, h, w) of the packed (N, patches, 128) of a step; what a call returns is unpacked already."""
        if latents.ndim == 4:
            return latents
        height, width = (side // pipe.vae_scale_factor // 2 for side in (request.height, request.width))
        patches = latents.transpose(1, 2).reshape(len(latents), -1, height, width)
        norm = pipe.vae.bn
        mean, variance = (each.view(1, -1, 1, 1).to(patches) for each in (norm.running_mean, norm.running_var))
        coloured = patches * torch.sqrt(variance + pipe.vae.config.batch_norm_eps) + mean
        laid_out: torch.Tensor = pipe._unpatchify_latents(coloured)  # noqa: SLF001 - it knows the order of a patch
        return laid_out

    def encoded(self, pipe: Any, picture: torch.Tensor) -> torch.Tensor:
        """Encode a picture (1, 3, 8h, 8w) to (1, 32, h, w)."""
        latents: torch.Tensor = pipe.vae.encode(picture).latent_dist.mode()
        return latents

    def decoded(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """Decode latents (1, 32, h, w) to (1, 3, 8h, 8w)."""
        picture: torch.Tensor = pipe.vae.decode(latents.to(pipe.vae.dtype), return_dict=False)[0]
        return picture


FAMILY = Flux2()
load = loader(FAMILY)
