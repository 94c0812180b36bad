"""Does a model of 8 or 4 bits a weight take as little memory as it should, and draw nearly the same?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import transformers

from generation import Precision
from generation.pipelines.families.sdxl import FAMILY
from generation.pipelines.memory.component import Component
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.quantisation import quantise
from generation.pipelines.opening import load
from generation.pipelines.pipeline import Pipeline, Row
from tests.generation.pipelines.boundary import Boundary
from tests.generation.pipelines.tiny_sdxl import BLOCKS, PROCESSOR, REQUEST, placed, spec

pytestmark = [
    pytest.mark.filterwarnings("ignore:__array__ implementation"),  # diffusers' schedulers hand tensors to numpy
]

BITS = pytest.mark.parametrize("precision", [Precision.INT8, Precision.NF4])
PROCESSOR_ITSELF = torch.device("cpu")


def opened(checkpoint: Path, precision: Precision, resident: int) -> Pipeline:
    """Load the tiny model in a precision, with at most so many blocks of a network on the far side of a boundary."""
    plan = placed({name: min(resident, blocks) for name, blocks in BLOCKS.items()}, precision=precision)
    return load(spec(checkpoint), plan, PROCESSOR, Pantry(), FAMILY, Boundary())


def levels(pipeline: Pipeline) -> np.ndarray[Any, Any]:
    """Draw, and give the levels of the pixels."""
    return np.asarray(pipeline.render([Row(REQUEST, 5)], lambda _: None)[0]).astype(int)


@BITS
def test_a_quantised_picture_is_the_same_to_the_byte_however_many_blocks_stay(
    checkpoint: Path, precision: Precision
) -> None:
    pictures = [levels(opened(checkpoint, precision, resident)) for resident in (0, 2, 4)]

    assert all((picture == pictures[0]).all() for picture in pictures)


@BITS
def test_it_is_nearly_that_of_whole_numbers(checkpoint: Path, precision: Precision) -> None:
    whole, quantised = (levels(opened(checkpoint, each, 4)) for each in (Precision.FLOAT32, precision))

    assert 0 < np.abs(quantised - whole).mean() < {Precision.INT8: 1, Precision.NF4: 8}[precision]


def t5() -> Any:
    """Give a small encoder of T5's kind."""
    torch.manual_seed(0)
    config = transformers.T5Config(
        vocab_size=64,
        d_model=128,
        d_kv=32,
        d_ff=256,
        num_layers=3,
        num_heads=4,
        feed_forward_proj="gated-gelu",
        is_encoder_decoder=False,
        use_cache=False,
    )
    return transformers.T5EncoderModel(config).to(torch.bfloat16).eval().requires_grad_(requires_grad=False)


def bytes_of(module: Any) -> int:
    """Tell how much of the card a network takes."""
    boundary = Boundary()
    component = Component(module, "a network", Precision.BFLOAT16, ["T5Block"], boundary)
    component.survey()
    component.claim("me", None)
    return boundary.used


WEIGHTS = 3 * (4 * 128 * 128 + 3 * 128 * 256)  # of the linear layers inside the blocks
OF_WO = 3 * 128 * 256


@pytest.mark.parametrize(
    ("precision", "bytes_saved"),
    [
        (Precision.BFLOAT16, 0.0),
        (Precision.INT8, WEIGHTS),
        (Precision.NF4, (WEIGHTS - OF_WO) * (2 - 0.5625) + OF_WO),
    ],
)
def test_weights_inside_blocks_take_a_byte_or_half_of_one_and_its_scale(
    precision: Precision, bytes_saved: float
) -> None:
    whole, quantised = t5(), t5()
    scales = 3 * 3 * 7 * 1024  # at most: those of rows, and what is lost between pieces

    quantise(quantised, precision, ["T5Block"], PROCESSOR_ITSELF)

    saved = bytes_of(whole) - bytes_of(quantised)
    assert bytes_saved - scales <= saved <= bytes_saved


@BITS
def test_an_encoder_says_nearly_the_same_and_what_is_outside_of_its_blocks_is_untouched(precision: Precision) -> None:
    whole, quantised, words = t5(), t5(), torch.arange(12).view(2, 6)

    quantise(quantised, precision, ["T5Block"], PROCESSOR_ITSELF)

    one, other = (encoder(words).last_hidden_state.float() for encoder in (whole, quantised))
    assert other.dtype is torch.float32
    assert 0 < (one - other).abs().mean() < 0.2 * one.abs().mean()
    assert (quantised.shared.weight == whole.shared.weight).all()
    assert quantised.encoder.embed_tokens.weight is quantised.shared.weight


@BITS
def test_an_encoder_says_the_same_to_the_bit_out_of_ram(precision: Precision) -> None:
    encoder, words = t5(), torch.arange(12).view(2, 6)
    quantise(encoder, precision, ["T5Block"], PROCESSOR_ITSELF)
    component = Component(encoder, "an encoder", precision, ["T5Block"], Boundary())
    component.survey()

    said = []
    for resident in (3, 0, 1, 3):
        with component.working("me", resident), torch.inference_mode():
            said.append(encoder(words).last_hidden_state.clone())

    assert all((each == said[0]).all() for each in said)
