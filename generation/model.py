"""What is known about a model before it is loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.families import IMAGE_TO_IMAGE
from generation.vram import MemoryFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One catalogue entry. Sides are in pixels; `seconds_per_step` is a first guess until speeds are learned.

    So is `batch_fixed_share`: the share of a picture's time that a call takes only once, however many it makes; more
    than `most_at_once` are never tried.
    The pictures of an `adult` model are meant for adults only.
    """

    name: str
    title: str
    family: str
    checkpoint: str
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
    seconds_per_step: float
    batch_fixed_share: float
    most_at_once: int
    memory: MemoryFacts

    @property
    def has_image_to_image(self) -> bool:
        """Tell whether a picture of it may start from another."""
        return self.family in IMAGE_TO_IMAGE

    @property
    def largest_area(self) -> int:
        """Half as much again as the model's own area: beyond that a model repeats its subject."""
        return min(self.largest_side**2, self.width * self.height * 3 // 2)
