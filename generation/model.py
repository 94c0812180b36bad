"""What is known about a model before it is loaded?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from generation.vram import MemoryFacts


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One catalogue entry. Sides are in pixels; `seconds_per_step` is a first guess until speeds are learned."""

    name: str
    title: str
    family: str
    checkpoint: str
    revision: str
    licence: str
    licence_url: str
    gated: bool
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
    memory: MemoryFacts

    @property
    def largest_area(self) -> int:
        """Half as much again as the model's own area: beyond that a model repeats its subject."""
        return min(self.largest_side**2, self.width * self.height * 3 // 2)

    @property
    def allowed_sizes(self) -> str:
        """Say in words which sizes this model draws."""
        if self.smallest_side == self.largest_side:
            return f"only {self.width}x{self.height}"
        return (
            f"sides from {self.smallest_side} to {self.largest_side} in steps of {self.side_multiple}, "
            f"at most {self.largest_area:,} pixels in all"
        )
