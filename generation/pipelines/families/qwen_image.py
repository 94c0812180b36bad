"""What sets Qwen-Image apart: words of any length with masks, and an autoencoder for films?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn import functional

from generation.pipelines.families.flow import FlowFamily
from generation.pipelines.family import TILE_PIXELS, Conditioning
from generation.pipelines.opening import loader
from generation.request import ImagineRequest

MOST_TOKENS = 512  # what a call would cut words off at by itself
NO_WORDS = " "  # the negative prompt that its makers advise where there is none; without any it does not guide


class QwenImage(FlowFamily):
    """Qwen-Image and its kin; Qwen2.5-VL reads the words."""

    text_to_image = "QwenImagePipeline"
    image_to_image = "QwenImageImg2ImgPipeline"
    inpainting = "QwenImageInpaintPipeline"
    encoders = ("text_encoder",)

    def encode(
        self, pipe: Any, prompt: str, negative_prompt: str, *, is_guided: bool, device: torch.device
    ) -> Conditioning:
        """Give (1, tokens, width) a prompt, at most 512 tokens; nothing of them is padding, so there are no masks."""
        words = _words(pipe, prompt, device)
        return {
            "prompt_embeds": words,
            "negative_prompt_embeds": _words(pipe, negative_prompt or NO_WORDS, device) if is_guided else None,
        }

    def joined(self, conditionings: Sequence[Conditioning]) -> dict[str, Any]:
        """Pad the words of several rows to one length, always the same: a row must not depend on what others hold."""
        if len(conditionings) == 1:
            return dict(conditionings[0])
        return {
            name: part
            for kind in ("prompt_embeds", "negative_prompt_embeds")
            for name, part in _padded(kind, [each[kind] for each in conditionings]).items()
        }

    def arguments(self, pipe: Any, request: ImagineRequest) -> dict[str, Any]:
        """Guide by two passes: `guidance_scale` is for models that learned to guide themselves."""
        return {"true_cfg_scale": request.guidance_scale}

    def unpacked(self, pipe: Any, latents: torch.Tensor, request: ImagineRequest) -> torch.Tensor:
        """Lay the patches out and drop the axis of time: (N, patches, 64) becomes (N, 16, h, w)."""
        film: torch.Tensor = pipe._unpack_latents(  # noqa: SLF001 - it knows the order of a patch
            latents, request.height, request.width, pipe.vae_scale_factor
        )
        return film[:, :, 0]

    def encoded(self, pipe: Any, picture: torch.Tensor) -> torch.Tensor:
        """Encode a picture (1, 3, 8h, 8w), as a film of one frame, to (1, 16, h, w)."""
        film: torch.Tensor = pipe.vae.encode(picture.unsqueeze(2)).latent_dist.mode()
        mean, deviation = _scale(pipe.vae, film)
        return ((film - mean) / deviation)[:, :, 0]

    def decoded(self, pipe: Any, latents: torch.Tensor) -> torch.Tensor:
        """Decode latents (1, 16, h, w), as a film of one frame, to (1, 3, 8h, 8w)."""
        film = latents.to(pipe.vae.dtype).unsqueeze(2)
        mean, deviation = _scale(pipe.vae, film)
        try:
            # Divided by the inverse, as its pipeline does it: multiplying would give other bits.
            frames: torch.Tensor = pipe.vae.decode(film / (1.0 / deviation) + mean, return_dict=False)[0]
        finally:
            pipe.vae.clear_cache()  # it keeps what it remembered of a frame when memory runs out in the midst of it
        return frames[:, :, 0]

    def set_tiling(self, pipe: Any, *, is_tiled: bool) -> None:
        """Tile by the names that an autoencoder for films has."""
        if not is_tiled:
            pipe.vae.disable_tiling()
            return
        stride = TILE_PIXELS * 3 // 4  # tiles overlap as much as those of the other autoencoders
        pipe.vae.enable_tiling(TILE_PIXELS, TILE_PIXELS, stride, stride)


def _scale(vae: Any, like: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Give the mean and the deviation of each of the autoencoder's channels (1, 16, 1, 1, 1)."""
    mean, deviation = (
        torch.tensor(each).view(1, -1, 1, 1, 1).to(like) for each in (vae.config.latents_mean, vae.config.latents_std)
    )
    return mean, deviation


def _words(pipe: Any, text: str, device: torch.device) -> torch.Tensor:
    words: torch.Tensor = pipe.encode_prompt(text, device=device, max_sequence_length=MOST_TOKENS)[0]
    return words


def _padded(kind: str, rows: Sequence[torch.Tensor | None]) -> dict[str, torch.Tensor | None]:
    """Pad rows (1, tokens, width) to (N, 512, width), and tell their tokens from padding (N, 512)."""
    found = [row for row in rows if row is not None]
    if not found:
        return {kind: None, f"{kind}_mask": None}
    padded = [functional.pad(row, (0, 0, 0, MOST_TOKENS - row.shape[1])) for row in found]
    masks = [(torch.arange(MOST_TOKENS, device=row.device) < row.shape[1]).long()[None] for row in found]
    return {kind: torch.cat(padded), f"{kind}_mask": torch.cat(masks)}


FAMILY = QwenImage()
load = loader(FAMILY)
