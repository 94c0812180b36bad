"""What sets a family of diffusion models apart, where all else is the same for each of them?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, TypeAlias

import torch
from PIL import Image

from generation.request import ImagineRequest

# What the text encoders give for one prompt (batch size 1), by the names under which a pipeline's call takes it:
# tensors, lists of tensors, or None.
Conditioning: TypeAlias = Mapping[str, Any]

# A tile of 1024 pixels, the default, never tiles a 1024 x 1024 picture.
TILE_PIXELS = 512


# ParaAttention's default for FLUX.1. How pictures of the other families look with it has not been seen yet.
LIKENESS = 0.08


class Family:
    """The traits of a family. Names are of diffusers' classes and of the components of its pipelines.

    `encoders` are the components that turn words into conditioning; what they give is kept and used again, so it may
    depend on nothing but the two prompts and whether the call is guided. `options` go to every pipeline's constructor.
    `likeness` is the change, as a share of what the denoiser's first block adds, up to which a fast call takes a step
    to be like the one before.
    """

    text_to_image: ClassVar[str]
    image_to_image: ClassVar[str | None] = None
    inpainting: ClassVar[str | None] = None
    denoiser: ClassVar[str] = "transformer"
    encoders: ClassVar[tuple[str, ...]]
    options: ClassVar[Mapping[str, Any]] = {}
    likeness: ClassVar[float] = LIKENESS

    def installed(self, pipe: Any) -> None:
        """Do what is done once to a pipeline's networks, after they are loaded and before they are placed."""

    def twinned(self, pipe: Any) -> None:
        """Do what is done once to a pipeline that starts from pictures."""

    def is_guided(self, request: ImagineRequest) -> bool:
        """Tell whether the call denoises twice, once with the negative prompt."""
        return request.guidance_scale > 1

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Encode one pair of prompts on a pipeline of encoders and tokenizers; its denoiser can be asked, not run."""
        raise NotImplementedError

    def joined(self, conditionings: Sequence[Conditioning]) -> dict[str, Any]:
        """Put the conditionings of a call's rows together, one row after the other."""
        columns = {name: [each[name] for each in conditionings] for name in conditionings[0]}
        return {name: None if parts[0] is None else torch.cat(parts) for name, parts in columns.items()}

    def arguments(self, pipe: Any, request: ImagineRequest) -> dict[str, Any]:
        """Give what else the call takes, such as its guidance: size, steps and generators are the same for all."""
        return {"guidance_scale": request.guidance_scale}

    def starting(
        self, pipe: Any, request: ImagineRequest, images: Sequence[Image.Image], masks: Sequence[Image.Image]
    ) -> dict[str, Any]:
        """Give the arguments by which a call starts from pictures; masks are as many as these, or none."""
        masked = {"mask_image": list(masks)} if masks else {}
        return {"image": list(images), "strength": request.strength, **masked}

    def unpacked(self, pipe: Any, latents: torch.Tensor, request: ImagineRequest) -> torch.Tensor:
        """Give a call's latents as (N, C, h, w), each cell eight pixels wide and high, or as the autoencoder has it."""
        return latents

    def decoded(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """Decode unpacked latents of one picture to (1, 3, height, width) in [-1, 1]."""
        config = pipe.vae.config
        scaled = latents.to(pipe.vae.dtype) / config.scaling_factor
        shift = config.get("shift_factor")
        picture: torch.Tensor = pipe.vae.decode(scaled if shift is None else scaled + shift, return_dict=False)[0]
        return picture

    def encoded(self, pipe: Any, picture: torch.Tensor) -> torch.Tensor:
        """Encode a picture (1, 3, height, width) in [-1, 1] to what `unpacked` gives of one, as near as can be."""
        config = pipe.vae.config
        latents: torch.Tensor = pipe.vae.encode(picture).latent_dist.mode()
        scaled: torch.Tensor = (latents - (config.get("shift_factor") or 0.0)) * config.scaling_factor
        return scaled

    def set_tiling(self, pipe: Any, *, is_tiled: bool) -> None:
        """Let the autoencoder work on TILE_PIXELS at a time, or on whole pictures."""
        vae = pipe.vae
        if is_tiled:
            vae.enable_tiling()
            vae.tile_sample_min_size = TILE_PIXELS
            vae.tile_latent_min_size = TILE_PIXELS // pipe.vae_scale_factor
        else:
            vae.disable_tiling()
