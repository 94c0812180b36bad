"""How much working memory and time does each phase of a call take, beside what its weights take?

Pure. Memory: slopes of the networks' activations, counted on meta, with a third more for what an allocator cannot use
again at once, and workspaces of the libraries. Time: operations counted on meta, over the share of a card's speed that
real code reaches. Nothing here was measured on a card yet: all of it is prediction, and what is measured corrects it.
"""

from __future__ import annotations

from generation.memory.card import GIB, Card
from generation.memory.placement import Precision
from generation.models.model import ModelSpec
from generation.models.parts import Part
from generation.request import ImagineRequest

CONTEXT_GIB = 0.45  # CUDA's context and the libraries' handles, outside of the allocator
MARGIN_GIB = 0.5
WORKSPACE_GIB = 0.25
ACTIVATION_SLACK = 1.3
# `--fast` keeps what came out of the first and the last block of a pass, to compare with and to use again.
FAST_SLACK = 1.3
# While words are encoded: workspaces, hidden states of all layers, and Qwen's and Llama's words for the next token.
TEXT_GIB = 0.5
PIXELS_PER_KILOTOKEN = 256_000
# Tiles of 512 pixels take 1.35 GiB in bf16 with an autoencoder of 2200 bytes a pixel and byte of element size, and,
# as they overlap by a quarter, (64 + 64 + 32)^2 / 128^2 times the work at 1024 x 1024.
TILED_DECODE_GIB, PLAIN_DECODE_BYTES = 1.35, 2200
TILED_WORK = 1.5625
# A start picture takes half as much to encode as a result to decode.
START_SHARE = 0.5

# Of a card's speed on paper, what real code is thought to reach: published times lie between 0.6 and 0.8.
EFFICIENCY = 0.62
DECODE_TFLOP_PER_MEGAPIXEL = 10.5
MEGAPIXEL = 2**20
# A step's time by how the denoiser's weights are kept, bf16 being 1. Published for FLUX.1 dev: weights alone in int8
# take 1.15 to 1.25 times as long, in nf4 1 to 1.2 times; fp8 with row-wise scales, compiled, 2.97 s to 4.21 s in bf16.
SLOWNESS = {
    Precision.FLOAT32: 1.0,
    Precision.FLOAT16: 1.0,
    Precision.BFLOAT16: 1.0,
    Precision.INT8: 1.15,
    Precision.NF4: 1.2,
    Precision.FP8: 0.7,
}
# A transfer hides behind the work, or the work behind the transfer, all but this share of the shorter one. Published
# for FLUX.1 dev on an L20: 24.6 s with two thirds of it streamed, to 23.4 s; hooks and waiting take their time too.
EXPOSED = 0.1


def overhead_gib(card: Card) -> float:
    """Give what no allocator counts: context and margin."""
    return CONTEXT_GIB + MARGIN_GIB if card.is_gpu else WORKSPACE_GIB


def is_guided(request: ImagineRequest, spec: ModelSpec) -> bool:
    """Tell whether a step takes two passes, one of them with the negative prompt."""
    return spec.has_negative_prompt and request.guidance_scale > 1


def denoise_gib(request: ImagineRequest, spec: ModelSpec, *, rows: int, bytes_per_number: int) -> float:
    """Give what denoising so many pictures in one call takes; two passes take it twice, unless they are made apart."""
    passes = 2 if is_guided(request, spec) and not spec.costs.passes_apart else 1
    slope = spec.costs.gib_per_kilotoken * bytes_per_number / 2 * ACTIVATION_SLACK
    slope *= FAST_SLACK if request.is_fast else 1
    return rows * passes * slope * _kilotokens(request, spec) + WORKSPACE_GIB


def decode_gib(request: ImagineRequest, spec: ModelSpec, *, tiled: bool, bytes_per_number: int) -> float:
    """Give what decoding a picture takes. Those of a call are decoded one by one."""
    pixels = request.width * request.height
    whole = spec.costs.decode_bytes_per_pixel * pixels * bytes_per_number / GIB
    tile = TILED_DECODE_GIB * spec.costs.decode_bytes_per_pixel / PLAIN_DECODE_BYTES * bytes_per_number / 2
    return min(whole, tile) if tiled else whole


def start_gib(request: ImagineRequest, spec: ModelSpec, *, tiled: bool, bytes_per_number: int) -> float:
    """Give what encoding a start picture takes, 0 where there is none."""
    if not request.image:
        return 0.0
    return START_SHARE * decode_gib(request, spec, tiled=tiled, bytes_per_number=bytes_per_number)


def encode_s(part: Part, request: ImagineRequest, spec: ModelSpec, card: Card, *, moved_gib: float) -> float:
    """Give the seconds in which a text encoder reads a new prompt, for which so much of it has to come from RAM."""
    prompts = 2 if is_guided(request, spec) else 1
    computing = 2 * part.parameters * spec.costs.text_tokens * prompts / _operations(card)
    return _beside(computing, prompts * moved_gib / card.transfer_gib_s)


def denoise_s(
    request: ImagineRequest, spec: ModelSpec, card: Card, precision: Precision, *, streamed_gib: float
) -> float:
    """Give the seconds of all steps of a picture, for each pass of which so much is streamed."""
    passes = 2 if is_guided(request, spec) else 1
    calls = passes if spec.costs.passes_apart else 1
    own = spec.width * spec.height / PIXELS_PER_KILOTOKEN + spec.costs.text_tokens / 1000
    operations = spec.costs.pass_tflop * 1e12 * passes * _kilotokens(request, spec) / own
    computing = operations / _operations(card) * SLOWNESS[precision]
    return request.steps_taken * _beside(computing, calls * streamed_gib / card.transfer_gib_s)


def decode_s(request: ImagineRequest, card: Card, *, tiled: bool) -> float:
    """Give the seconds in which a picture is decoded, and a start picture encoded."""
    megapixels = request.width * request.height / MEGAPIXEL
    work = (1 + START_SHARE if request.image else 1) * (TILED_WORK if tiled else 1)
    return work * megapixels * DECODE_TFLOP_PER_MEGAPIXEL * 1e12 / _operations(card)


def processor_s(request: ImagineRequest, spec: ModelSpec) -> float:
    """Give the seconds of a picture on a processor, by the entry's own guess."""
    return spec.seconds_per_step * request.steps_taken * request.width * request.height / (spec.width * spec.height)


def _beside(computing: float, moving: float) -> float:
    return max(computing, moving) + EXPOSED * min(computing, moving)


def _kilotokens(request: ImagineRequest, spec: ModelSpec) -> float:
    width, height = (spec.width, spec.height) if spec.costs.is_padded else (request.width, request.height)
    pictures = 2 if spec.costs.sees_start and request.image else 1
    return pictures * width * height / PIXELS_PER_KILOTOKEN + spec.costs.text_tokens / 1000


def _operations(card: Card) -> float:
    return card.tflops * 1e12 * EFFICIENCY
