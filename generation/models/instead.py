"""What could be made in place of a request that does not fit a card: a smaller picture, or one by another model?"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import replace

from generation.errors import DoesNotFitError
from generation.memory.card import Card
from generation.memory.experience import NO_EXPERIENCE, Experience
from generation.memory.placement import VramPlan
from generation.memory.vram import plan, smallest_card_gib
from generation.models.model import ModelSpec
from generation.models.sizes import is_allowed
from generation.request import ImagineRequest

SHOWN_IN_MINUTES_S = 100


def planned(
    spec: ModelSpec,
    request: ImagineRequest,
    card: Card,
    *,
    rows: int = 1,
    lora_gib: float = 0.0,
    experience: Experience = NO_EXPERIENCE,
) -> VramPlan:
    """Plan a request, if its model is made for such a machine.

    Raises:
        DoesNotFitError: it cannot be run here; the text says why.
    """
    if spec.needs_gpu and not card.is_gpu:
        needed = math.ceil(smallest_card_gib(request, spec))
        raise DoesNotFitError(f"{spec.name} needs a GPU with {needed} GB or more; this machine has none.")
    return plan(request, spec, card, rows=rows, lora_gib=lora_gib, experience=experience)


def refusal(
    reason: str,
    request: ImagineRequest,
    spec: ModelSpec,
    card: Card,
    others: Iterable[tuple[ModelSpec, ImagineRequest]],
    *,
    lora_gib: float = 0.0,
) -> DoesNotFitError:
    """Say why not, and what would fit, with its predicted time; `others` is what other models would be asked instead.

    The nearest is the largest picture that fits of the same model, else one by the first other model that fits; those
    that need no GPU come last.
    """
    smaller = _largest_that_fits(request, spec, card, lora_gib)
    found = [
        (other, asked, seconds) for other, asked in others if (seconds := _seconds(other, asked, card)) is not None
    ]
    found.sort(key=lambda each: not each[0].needs_gpu)
    told = f"{spec.name} runs here at {smaller[0].width}x{smaller[0].height}, {_about(smaller[1])}. " if smaller else ""
    listed = ", ".join(f"{other.name} ({_about(seconds)})" for other, _, seconds in found)
    candidates = [smaller] if smaller else [(asked, seconds) for _, asked, seconds in found]
    nearest, nearest_seconds = candidates[0] if candidates else (None, None)
    return DoesNotFitError(
        reason,
        f"{told}What {'else ' if told else ''}runs here: {listed or 'nothing'}.",
        nearest=nearest,
        nearest_seconds=nearest_seconds,
    )


def _seconds(spec: ModelSpec, request: ImagineRequest, card: Card, lora_gib: float = 0.0) -> float | None:
    try:
        return planned(spec, request, card, lora_gib=lora_gib).predicted_seconds
    except DoesNotFitError:
        return None


def _largest_that_fits(
    request: ImagineRequest, spec: ModelSpec, card: Card, lora_gib: float
) -> tuple[ImagineRequest, float] | None:
    """Find by halves: of one shape, what is smaller takes less."""
    sizes = _smaller_sizes(request, spec)
    found = None
    low, high = 0, len(sizes)
    while low < high:
        middle = (low + high) // 2
        asked = replace(request, width=sizes[middle][0], height=sizes[middle][1])
        seconds = _seconds(spec, asked, card, lora_gib)
        if seconds is None:
            low = middle + 1
        else:
            found, high = (asked, seconds), middle
    return found


def _smaller_sizes(request: ImagineRequest, spec: ModelSpec) -> list[tuple[int, int]]:
    """Give the smaller sizes of about the same shape that the model draws, the largest first."""
    sizes = []
    for width in range(request.width - spec.side_multiple, 0, -spec.side_multiple):
        height = round(width * request.height / request.width / spec.side_multiple) * spec.side_multiple
        if is_allowed((width, height), request.strength, spec):
            sizes.append((width, height))
    return sizes


def _about(seconds: float) -> str:
    if seconds < SHOWN_IN_MINUTES_S:
        return f"about {max(1, round(seconds))} s"
    return f"about {round(seconds / 60)} min"
