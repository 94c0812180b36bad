"""How is a request run on this card: how much memory does it need, and what must be left out of the card for it to fit?

Pure: it looks at numbers, never at a device. The cost model is
`peak = context + max over phases(weights + working) + margin`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from generation.errors import DoesNotFitError
from generation.request import ImagineRequest

CONTEXT_GIB = 0.45  # CUDA context and library handles, outside the allocator
MARGIN_GIB = 0.5
WORKSPACE_GIB = 0.25
ACTIVATION_SLACK = 1.3
# Decoding holds about 2200 bytes a pixel and byte of element size: 4.3 GiB for 1024 x 1024 in bf16, tiled 1.35 GiB.
DECODE_BYTES_PER_PIXEL = 2200
TILED_DECODE_GIB = 1.35
# Encoding a start picture holds half as much, but diffusers turns it and the autoencoder to float32 for that.
ENCODE_BYTES_PER_PIXEL = 1100
ENCODE_BYTES_PER_WEIGHT = 4
ENCODE_TILE_PIXELS = 512 * 512
MEGAPIXEL = 1024 * 1024
GIB = 2**30


class Residency(StrEnum):
    """Where the weights are: all on the card, or each component only while it works."""

    RESIDENT = "resident"
    OFFLOAD = "offload"


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What runs the model. `device` is torch's name for it; `memory_gib` is what this program may use of it."""

    device: str
    name: str
    memory_gib: float

    @property
    def is_gpu(self) -> bool:
        """Tell whether this is an accelerator rather than the processor itself."""
        return self.device != "cpu"


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryFacts:
    """What a model weighs: GiB in bf16 for each component, and denoising memory in GiB for each megapixel."""

    weights_gib: Mapping[str, float]
    denoise_gib_per_megapixel: float


@dataclass(frozen=True, slots=True, kw_only=True)
class VramPlan:
    """How one run uses the card. `precision` is "float32" or "bfloat16"; the peak is all that it takes, in GiB."""

    residency: Residency
    precision: str
    tiled_decode: bool
    predicted_peak_gib: float

    def is_placed_as(self, other: VramPlan) -> bool:
        """Tell whether a model that is loaded for the one plan serves the other as it is."""
        mine = self.residency, self.precision, self.tiled_decode
        return mine == (other.residency, other.precision, other.tiled_decode)


def plan(request: ImagineRequest, facts: MemoryFacts, card: Card, *, rows: int = 1) -> VramPlan:
    """Give the first plan, best one first, whose peak fits the card, for a call that makes `rows` pictures.

    Raises:
        DoesNotFitError: no plan fits; the text says what is needed and what there is.
    """
    candidates = _candidates(request, facts, is_gpu=card.is_gpu, rows=rows)
    for candidate in candidates:
        if candidate.predicted_peak_gib <= card.memory_gib:
            return candidate
    needed = min(candidate.predicted_peak_gib for candidate in candidates)
    raise DoesNotFitError(
        f"{request.model} at {request.width}x{request.height} needs about {needed:.1f} GiB; "
        f"{card.name} offers {card.memory_gib:.1f} GiB."
    )


def smallest_card_gib(request: ImagineRequest, facts: MemoryFacts) -> float:
    """Give the memory in GiB of the smallest GPU that some plan fits."""
    return min(candidate.predicted_peak_gib for candidate in _candidates(request, facts, is_gpu=True, rows=1))


def _candidates(request: ImagineRequest, facts: MemoryFacts, *, is_gpu: bool, rows: int) -> list[VramPlan]:
    """Denoising takes all rows at once; a start picture is encoded, and a result decoded, one by one."""
    pixels = request.width * request.height
    bytes_per_weight = 2 if is_gpu else 4
    weights = {name: gib * bytes_per_weight / 2 for name, gib in facts.weights_gib.items()}
    slope = facts.denoise_gib_per_megapixel * bytes_per_weight / 2
    denoise = rows * slope * pixels / MEGAPIXEL * ACTIVATION_SLACK + WORKSPACE_GIB
    whole_decode = DECODE_BYTES_PER_PIXEL * pixels * bytes_per_weight / GIB
    tiled_decode = min(whole_decode, TILED_DECODE_GIB * bytes_per_weight / 2)

    vae, denoiser = weights.get("vae", 0.0), max(weights.values(), default=0.0)

    def candidate(residency: Residency, *, tiled: bool) -> VramPlan:
        decode = tiled_decode if tiled else whole_decode
        encode = _encode_gib(request, facts, tiled=tiled)
        if residency is Residency.RESIDENT:
            peak = sum(weights.values()) + max(denoise, decode, encode - vae)
        else:
            # The last text encoder is still there while a start picture is encoded, then the autoencoder stays.
            text = max((gib for name, gib in weights.items() if name.startswith("text_encoder")), default=0.0)
            kept = vae if request.image else 0.0
            peak = max(denoiser + kept + denoise, vae + decode, text + encode)
        overhead = CONTEXT_GIB + MARGIN_GIB if is_gpu else WORKSPACE_GIB
        return VramPlan(
            residency=residency,
            precision="bfloat16" if is_gpu else "float32",
            tiled_decode=tiled,
            predicted_peak_gib=round(peak + overhead, 2),
        )

    plans = [candidate(Residency.RESIDENT, tiled=False), candidate(Residency.RESIDENT, tiled=True)]
    if is_gpu:
        plans += [candidate(Residency.OFFLOAD, tiled=False), candidate(Residency.OFFLOAD, tiled=True)]
    return plans


def _encode_gib(request: ImagineRequest, facts: MemoryFacts, *, tiled: bool) -> float:
    """Give what encoding the start picture takes, the autoencoder's weights included; 0 if there is none."""
    if not request.image:
        return 0.0
    pixels = request.width * request.height
    working = ENCODE_BYTES_PER_PIXEL * (min(pixels, ENCODE_TILE_PIXELS) if tiled else pixels)
    return working * ENCODE_BYTES_PER_WEIGHT / GIB + facts.weights_gib.get("vae", 0.0) * ENCODE_BYTES_PER_WEIGHT / 2
