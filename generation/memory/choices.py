"""In which ways could a call be run on a card, and what would each take: GiB in every phase, RAM and seconds?

Pure. A choice is a precision of the denoiser and how many of its blocks stay on the card, for each text encoder whether
it stays, and whether pictures are decoded in tiles. On a processor, and where card and RAM are one memory, all stays.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import islice, product

from generation.memory.card import Card
from generation.memory.costs import (
    TEXT_GIB,
    WORKSPACE_GIB,
    decode_gib,
    decode_s,
    denoise_gib,
    denoise_s,
    encode_s,
    overhead_gib,
    processor_s,
    start_gib,
)
from generation.memory.experience import BEST_FIRST, NO_EXPERIENCE, Experience
from generation.memory.placement import Phase, Precision, VramPlan
from generation.memory.weights import QUANTISED, Layout, layouts
from generation.models.model import AUTOENCODER, ModelSpec
from generation.models.parts import Part
from generation.request import ImagineRequest

TICK_S = 0.01  # what differs by less is as quick
LARGE_ENCODER = 10**9  # parameters; there is nothing to gain by quantising one that has fewer


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What is to be planned: `rows` pictures at once, with adapters of `lora_gib`."""

    request: ImagineRequest
    spec: ModelSpec
    card: Card
    rows: int = 1
    lora_gib: float = 0.0
    experience: Experience = NO_EXPERIENCE

    @property
    def moves(self) -> bool:
        """Tell whether weights may be elsewhere than where they are worked with."""
        return self.card.is_gpu and not self.card.is_unified


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """All of a choice but how the denoiser lies. `others` are the layouts of the other components, by their names.

    `resident_gib` has overhead and adapters in it; `working_gib` is what encoding, denoising and decoding take beside.
    """

    call: Call
    precision: Precision
    encoders: Precision
    others: dict[str, Layout]
    tiled: bool
    resident_gib: float
    working_gib: tuple[float, float, float]
    visit_factor: float

    def phases_gib(self, denoiser: Layout) -> tuple[float, float, float]:
        """Give what encoding, denoising and decoding take in all."""
        encoding, denoising, decoding = self.working_gib
        resident = self.resident_gib + denoiser.resident_gib
        return (
            resident + encoding,
            resident + denoising + self.visit_factor * denoiser.visiting_gib,
            resident + decoding,
        )

    def peak_gib(self, denoiser: Layout) -> float:
        """Give the most that a phase takes of the card."""
        return max(self.phases_gib(denoiser))

    def host_gib(self, denoiser: Layout) -> float:
        """Give what the copies take in RAM."""
        if not self.call.moves:
            return 0.0
        return denoiser.host_gib + sum(layout.host_gib for layout in self.others.values())

    def seconds(self, denoiser: Layout) -> float:
        """Predict one picture with a new prompt, in whole ticks."""
        call = self.call
        if not call.card.is_gpu:
            return processor_s(call.request, call.spec)
        entering = denoiser.entering_gib / call.card.transfer_gib_s
        denoising = denoise_s(call.request, call.spec, call.card, self.precision, streamed_gib=denoiser.streamed_gib)
        encoding = sum(
            encode_s(part, call.request, call.spec, call.card, moved_gib=self.others[name].moved_gib)
            for name, part in call.spec.encoders.items()
        )
        decoding = decode_s(call.request, call.card, tiled=self.tiled)
        return math.ceil((encoding + entering + denoising + decoding) / TICK_S) * TICK_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """One way to run a call."""

    frame: Frame
    denoiser: Layout

    @property
    def peak_gib(self) -> float:
        """The most that a phase takes of the card."""
        return self.frame.peak_gib(self.denoiser)

    @property
    def host_gib(self) -> float:
        """What its copies take in RAM."""
        return self.frame.host_gib(self.denoiser)

    @property
    def precisions(self) -> tuple[Precision, Precision]:
        """Those of the denoiser and of the text encoders."""
        return self.frame.precision, self.frame.encoders

    def rank(self, kept: tuple[Precision, Precision] | None) -> tuple[float, bool, int, int, float]:
        """The less the better: seconds, other precisions than those kept anyway, worse ones, what a picture moves."""
        moved = self.denoiser.moved_gib + sum(layout.moved_gib for layout in self.frame.others.values())
        qualities = BEST_FIRST.index(self.frame.precision), BEST_FIRST.index(self.frame.encoders)
        return self.frame.seconds(self.denoiser), kept not in (None, self.precisions), *qualities, moved

    def plan(self) -> VramPlan:
        """Give it as a plan."""
        call = self.frame.call
        lying = self.frame.others | {call.spec.denoiser_name: self.denoiser}
        encode, denoise, decode = self.frame.phases_gib(self.denoiser)
        return VramPlan(
            placements={name: lying[name].placed(has_copy=call.moves) for name in call.spec.components},
            tiled_decode=self.frame.tiled,
            encode_gib=encode,
            denoise_gib=denoise,
            decode_gib=decode,
            overhead_gib=overhead_gib(call.card),
            predicted_seconds=self.frame.seconds(self.denoiser),
        )


def choices(call: Call, encoders: Precision) -> Iterator[Choice]:
    """Give the choices that fit card and RAM, with encoders in that precision; of a frame the one that moves least."""
    for frame in _frames(call, encoders):
        ways = _denoisers(call, frame.precision)
        if ways and frame.host_gib(ways[0]) <= call.card.host.memory_gib:
            fitting = (way for way in ways if frame.peak_gib(way) <= call.card.memory_gib)
            yield from (Choice(frame=frame, denoiser=way) for way in islice(fitting, 1))


def smallest_choices(call: Call) -> Iterator[Choice]:
    """Give all choices of which one takes least of the card, and one least RAM."""
    frames = list(_frames(call, encoder_precisions(call.card)[-1]))
    least = min((sum(layout.resident_gib for layout in frame.others.values()) for frame in frames), default=0.0)
    for frame in frames:
        if frame.tiled and sum(layout.resident_gib for layout in frame.others.values()) == least:
            for layout in _denoisers(call, frame.precision):
                yield Choice(frame=frame, denoiser=layout)


def encoder_precisions(card: Card) -> list[Precision]:
    """Give the precisions that text encoders may have, as far as they are large, in the order of trying.

    4 bits come last, for want of RAM alone: on the card they count as 8, so that no larger card is ever slower.
    """
    computed = _computed(card)
    wanted = [computed, Precision.INT8, Precision.NF4] if computed is Precision.BFLOAT16 else [computed]
    return [precision for precision in wanted if precision is computed or precision in card.precisions]


def _computed(card: Card) -> Precision:
    """Give the precision in which whatever is not quantised is kept and computed."""
    if not card.is_gpu:
        return Precision.FLOAT32
    return Precision.BFLOAT16 if card.has_bfloat16 else Precision.FLOAT16


def _frames(call: Call, encoders: Precision) -> Iterator[Frame]:
    vae = call.spec.components.get(AUTOENCODER)
    # The autoencoder of SDXL overflows in float16.
    kept = Precision.FLOAT32 if _computed(call.card) is Precision.FLOAT16 else _computed(call.card)
    fixed = {} if vae is None else {AUTOENCODER: layouts(vae, kept)[0]}
    tilings = (True,) if call.experience.concessions.tiled_decode else (False, True)
    working = {tiled: _working_gib(call, kept, tiled=tiled) for tiled in tilings}
    correction, overhead = call.experience.correction, overhead_gib(call.card) + call.lora_gib
    for lying in product(*(_encoder_ways(call, part, encoders) for part in call.spec.encoders.values())):
        others = dict(zip(call.spec.encoders, lying, strict=True)) | fixed
        resident = overhead + sum(layout.resident_gib for layout in others.values())
        visiting = sum(layout.visiting_gib for layout in lying) * correction(Phase.ENCODE)
        for tiled, precision in product(tilings, _denoiser_precisions(call)):
            encoding, denoising, decoding = working[tiled]
            yield Frame(
                call=call,
                precision=precision,
                encoders=encoders,
                others=others,
                tiled=tiled,
                resident_gib=resident,
                working_gib=(encoding + visiting, denoising, decoding),
                visit_factor=correction(Phase.DENOISE),
            )


def _working_gib(call: Call, autoencoder: Precision, *, tiled: bool) -> tuple[float, float, float]:
    """Give what the phases take beside weights. A start picture is encoded when the denoiser is there already."""
    request, spec, correction = call.request, call.spec, call.experience.correction
    numbers = 4 if _computed(call.card) is Precision.FLOAT32 else 2
    decoded = 4 if autoencoder is Precision.FLOAT32 else 2
    denoising = max(
        denoise_gib(request, spec, rows=call.rows, bytes_per_number=numbers),
        start_gib(request, spec, tiled=tiled, bytes_per_number=decoded),
    )
    return (
        (TEXT_GIB if call.card.is_gpu else WORKSPACE_GIB) * correction(Phase.ENCODE),
        denoising * correction(Phase.DENOISE),
        decode_gib(request, spec, tiled=tiled, bytes_per_number=decoded) * correction(Phase.DECODE),
    )


def _encoder_ways(call: Call, part: Part, precision: Precision) -> list[Layout]:
    """Give how a text encoder may lie: it stays, or is there only while it works."""
    if precision in QUANTISED and part.parameters < LARGE_ENCODER:
        precision = _computed(call.card)
    ways = list(layouts(part, Precision.INT8 if precision is Precision.NF4 else precision))
    if precision is Precision.NF4:
        host_gib = layouts(part, precision)[0].host_gib
        ways = [replace(way, precision=precision, host_gib=host_gib) for way in ways]
    if not call.moves or not part.block_count:
        return ways[:1]
    return ways[-1:] if call.experience.concessions.is_alone else [ways[0], ways[-1]]


def _denoiser_precisions(call: Call) -> list[Precision]:
    """Give the precisions that the denoiser may have; without linear layers in blocks there is nothing to quantise."""
    computed, card = _computed(call.card), call.card
    if computed is not Precision.BFLOAT16 or not any(blocks.linear for blocks in call.spec.denoiser.blocks):
        return [computed]
    wanted = [card.precision] if card.precision else [computed, Precision.INT8, Precision.NF4]
    return [
        precision
        for precision in wanted
        if precision in card.precisions and call.experience.concessions.allows(precision)
    ]


def _denoisers(call: Call, precision: Precision) -> Sequence[Layout]:
    """Give how the denoiser may lie, the one first that is streamed least."""
    ways = _by_moving(call.spec.denoiser, precision)
    if not call.moves:
        return ways[:1]
    most = call.experience.concessions.most_resident(call.spec.denoiser.block_count)
    return ways if most == call.spec.denoiser.block_count else [way for way in ways if way.resident_blocks <= most]


@cache
def _by_moving(part: Part, precision: Precision) -> tuple[Layout, ...]:
    return tuple(sorted(layouts(part, precision), key=lambda layout: layout.moved_gib))
