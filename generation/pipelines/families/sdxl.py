"""What sets SDXL apart: a network of convolutions, and two text encoders of CLIP's kind?"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

import torch
from diffusers.configuration_utils import FrozenDict

from generation.pipelines.family import Conditioning, Family
from generation.pipelines.opening import loader

# What `encode_prompt` gives, by the names under which a call takes it.
CONDITIONING = ("prompt_embeds", "negative_prompt_embeds", "pooled_prompt_embeds", "negative_pooled_prompt_embeds")


class Sdxl(Family):
    """SDXL and whatever was trained from it, the demo model included, which has one text encoder."""

    text_to_image = "StableDiffusionXLPipeline"
    image_to_image = "StableDiffusionXLImg2ImgPipeline"
    inpainting = "StableDiffusionXLInpaintPipeline"
    denoiser = "unet"
    encoders = ("text_encoder", "text_encoder_2")
    options = MappingProxyType({"add_watermarker": False})

    def installed(self, pipe: Any) -> None:
        """Leave the autoencoder in its precision: bfloat16 does not overflow, as float16 would.

        Where the denoiser computes in float16 the autoencoder is in float32, and takes start pictures as they come.
        """
        vae = pipe.vae
        vae.register_to_config(force_upcast=False)
        if vae.dtype != pipe.unet.dtype and not vae.encoder._forward_pre_hooks:  # noqa: SLF001 - models share it
            vae.encoder.register_forward_pre_hook(lambda _, given: (given[0].to(vae.dtype),))

    def twinned(self, pipe: Any) -> None:
        """Let a denoiser of other than four channels, such as the demo model's, work within masks as well."""
        if type(pipe).__name__ == self.inpainting and pipe.unet.config.in_channels not in (4, 9):
            pipe.unet = _FourChannelled(pipe.unet)

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give the words (1, 77 tokens, width) and the summary (1, width) of both prompts."""
        encoded = pipe.encode_prompt(
            prompt=prompt,
            negative_prompt=negative_prompt or None,  # which may mean zeros, and "" never does
            do_classifier_free_guidance=is_guided,
            device=device,
        )
        return dict(zip(CONDITIONING, encoded, strict=True))

    def decoded(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """Decode, also where latents were scaled channel by channel."""
        config = pipe.vae.config
        mean, deviation = config.get("latents_mean"), config.get("latents_std")
        if mean is None or deviation is None:
            return super().decoded(pipe, latents)
        means, deviations = (torch.tensor(each).view(1, -1, 1, 1).to(latents) for each in (mean, deviation))
        scaled = latents * deviations / config.scaling_factor + means
        picture: torch.Tensor = pipe.vae.decode(scaled.to(pipe.vae.dtype), return_dict=False)[0]
        return picture


class _FourChannelled:
    """Stands before a denoiser: diffusers' twin for masks has four or nine channels in mind and refuses all others.

    By nine it tells models that are told the mask; as to the rest, it never looks at the number again.
    """

    def __init__(self, unet: Any) -> None:
        self._unet = unet
        self.config = FrozenDict(unet.config | {"in_channels": 4})

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        return self._unet(*arguments, **options)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._unet, name)


FAMILY = Sdxl()
load = loader(FAMILY)
