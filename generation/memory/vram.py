"""How is a request run on this card: which of all ways that fit is the quickest, and what is told if none does?

Pure: it looks at numbers, never at a device.
"""

from __future__ import annotations

import math
from dataclasses import replace

from generation.errors import DoesNotFitError
from generation.memory.card import Card
from generation.memory.choices import Call, Choice, choices, encoder_precisions, smallest_choices
from generation.memory.experience import NO_EXPERIENCE, Experience
from generation.memory.placement import Precision, VramPlan
from generation.models.families import HALF_SAFE
from generation.models.model import ModelSpec
from generation.request import ImagineRequest

ANY_CARD = Card(device="cuda:0", name="any card", memory_gib=math.inf)


def plan(
    request: ImagineRequest,
    spec: ModelSpec,
    card: Card,
    *,
    rows: int = 1,
    lora_gib: float = 0.0,
    experience: Experience = NO_EXPERIENCE,
) -> VramPlan:
    """Give the quickest plan that fits card and RAM, for a call that makes `rows` pictures with adapters of `lora_gib`.

    Of equally quick ones it is one with the precisions that the model has for its own size, so that a change of size
    loads nothing anew; then that of the best precision, then that which moves the least.

    Raises:
        DoesNotFitError: no plan fits; the text says what is needed and what there is.
    """
    _check_precisions(spec, card)
    call = Call(request=request, spec=spec, card=card, rows=rows, lora_gib=lora_gib, experience=experience)
    best = _best(call)
    if best is None:
        raise DoesNotFitError(_shortage(call))
    return best.plan()


def _best(call: Call) -> Choice | None:
    own = replace(call.request, width=call.spec.width, height=call.spec.height)
    usual = _best(replace(call, request=own)) if own != call.request else None
    for tried in _tries(call.card):
        found = [choice for encoders in tried for choice in choices(call, encoders)]
        if found:
            return min(found, key=lambda choice: choice.rank(usual.precisions if usual else None))
    return None


def smallest_card_gib(request: ImagineRequest, spec: ModelSpec) -> float:
    """Give the memory in GiB of the smallest GPU that some plan fits, if there is RAM enough."""
    return min(choice.peak_gib for choice in smallest_choices(Call(request=request, spec=spec, card=ANY_CARD)))


def _tries(card: Card) -> list[list[Precision]]:
    """Text encoders are kept in 4 bits only where no other plan fits."""
    better: list[Precision] = []
    last: list[Precision] = []
    for precision in encoder_precisions(card):
        (last if precision is Precision.NF4 else better).append(precision)
    return [better, last]


def _check_precisions(spec: ModelSpec, card: Card) -> None:
    if not card.is_gpu:
        return
    if not card.has_bfloat16 and spec.family not in HALF_SAFE:
        raise DoesNotFitError(
            f"{card.name} does not compute in bfloat16, and {spec.name} fails in float16: "
            "it needs a card of the RTX 30 series or newer."
        )
    if card.precision is not None and card.precision not in card.precisions:
        allowed = ", ".join(precision for precision in Precision if precision in card.precisions)
        raise DoesNotFitError(
            f"{card.name} is set to keep models in {card.precision}, which it or the libraries here cannot; "
            f"FAIRBRUSH_GENERATION__PRECISION can be auto, {allowed}."
        )


def _shortage(call: Call) -> str:
    card, asked = call.card, f"{call.spec.name} at {call.request.width}x{call.request.height}"
    small = list(smallest_choices(call))
    if not small:
        return f"{asked} has run out of memory in every way that {card.name} could try."
    needed = min(choice.peak_gib for choice in small)
    if needed > card.memory_gib:
        return f"{asked} needs about {needed:.1f} GiB; {card.name} offers {card.memory_gib:.1f} GiB."
    copies, offered = (
        min(choice.host_gib for choice in small if choice.peak_gib <= card.memory_gib),
        card.host.memory_gib,
    )
    return f"{asked} needs about {copies:.1f} GiB of RAM beside the card; this machine offers {offered:.1f} GiB."
