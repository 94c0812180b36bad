"""What is known about a model before it is loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.models.families import IMAGE_TO_IMAGE, INPAINTING, STEP_CACHE
from generation.models.parts import Part

AUTOENCODER = "vae"
ENCODER = "text_encoder"  # begins the names of all of them
HUB = "hub:"
ELSEWHERE = (HUB, "package:")  # what begins a place that is no path
SINGLE_FILE = ".safetensors"


def is_single_file(place: str) -> bool:
    """Tell whether a checkpoint is one file, by its name."""
    return place.casefold().endswith(SINGLE_FILE) and not place.startswith(ELSEWHERE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """What denoising takes: 10^12 operations for one row and pass at the model's own size, a multiplication as two.

    `gib_per_kilotoken` is its working memory in bf16 for a thousand tokens of picture and text; a token is 16 by 16
    pixels. A prompt has `text_tokens` of them. With `passes_apart` a guided step makes its two passes one after the
    other. A model that `is_padded` takes as much for any size, one that `sees_start` twice as much with a start
    picture. Decoding holds `decode_bytes_per_pixel` for each byte of a number.
    """

    pass_tflop: float
    gib_per_kilotoken: float
    text_tokens: int
    passes_apart: bool = False
    is_padded: bool = False
    sees_start: bool = False
    decode_bytes_per_pixel: int = 2200


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One catalogue entry. Sides are in pixels; `seconds_per_step` is a first guess until speeds are learned.

    So is `batch_fixed_share`: the share of a picture's time that a call takes only once, however many it makes; more
    than `most_at_once` are never tried.
    The pictures of an `adult` model are meant for adults only. `components` has the weights by diffusers' names;
    `parts` has where those lie that are not in the checkpoint. On the hub, a weight has `weight_bytes` bytes.
    A checkpoint that is one file has only weights: `configs` has where its configurations and tokenizers lie, in the
    form of `checkpoint`, and `revision` is theirs; it is "" for all others.
    """

    name: str
    title: str
    family: str
    checkpoint: str
    configs: str
    revision: str
    licence: str
    licence_url: str
    gated: bool
    adult: bool
    needs_gpu: bool
    scheduler: str
    scheduler_options: Mapping[str, Any]
    num_inference_steps: int
    guidance_scale: float
    has_negative_prompt: bool
    width: int
    height: int
    smallest_side: int
    largest_side: int
    side_multiple: int
    largest_area: int
    seconds_per_step: float
    batch_fixed_share: float
    most_at_once: int
    components: Mapping[str, Part]
    parts: Mapping[str, str]
    weight_bytes: int
    costs: Costs

    @property
    def encoders(self) -> Mapping[str, Part]:
        """The text encoders among its components."""
        return {name: part for name, part in self.components.items() if name.startswith(ENCODER)}

    @property
    def denoiser_name(self) -> str:
        """The component that is neither a text encoder nor the autoencoder."""
        return next(name for name in self.components if name != AUTOENCODER and not name.startswith(ENCODER))

    @property
    def denoiser(self) -> Part:
        """Its network that turns noise into pictures."""
        return self.components[self.denoiser_name]

    @property
    def has_image_to_image(self) -> bool:
        """Tell whether a picture of it may start from another."""
        return self.family in IMAGE_TO_IMAGE

    @property
    def has_inpainting(self) -> bool:
        """Tell whether a mask may say which parts of a start picture it draws anew."""
        return self.family in INPAINTING

    @property
    def has_step_cache(self) -> bool:
        """Tell whether it can leave out what hardly changes from one step to the next."""
        return self.family in STEP_CACHE
