"""What do the families have in common that are trained by flow matching?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from PIL import Image

from generation.pipelines.family import Family
from generation.request import ImagineRequest

# Keeps a product of floats from coming out above a whole number; checked for all numbers of steps that are allowed.
A_LITTLE_LESS = 1 - 1e-9


class FlowFamily(Family):
    """A family whose twins would round the steps that they take upwards, and not down as SDXL's do."""

    def starting(
        self, pipe: Any, request: ImagineRequest, images: Sequence[Image.Image], masks: Sequence[Image.Image]
    ) -> dict[str, Any]:
        """Start so late that `request.steps_taken` steps are left: neither the queue nor the person expects more."""
        return super().starting(pipe, request, images, masks) | {"strength": whole_steps(request)}


def whole_steps(request: ImagineRequest) -> float:
    """Give the strength at which these pipelines take `request.steps_taken` steps."""
    if request.steps_taken == request.num_inference_steps:
        return 1.0
    return request.steps_taken / request.num_inference_steps * A_LITTLE_LESS
