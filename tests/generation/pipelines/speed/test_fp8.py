from __future__ import annotations

import pytest
import torch
from torch import nn
from torchao.quantization import Float8Tensor, PerRow

from generation.pipelines.speed.fp8 import keep_scales_above_zero, multiplies_rows
from tests.generation.pipelines.speed.tiny_denoisers import NAMES, build


def test_a_row_of_zeros_stays_zeros_instead_of_no_numbers() -> None:
    weight = torch.randn(32, 32, dtype=torch.bfloat16)
    weight[3] = 0

    without = Float8Tensor.from_hp(weight, granularity=PerRow()).dequantize()
    keep_scales_above_zero(weight)
    given = Float8Tensor.from_hp(weight, granularity=PerRow()).dequantize()

    assert without[3].isnan().all()
    torch.testing.assert_close(given, weight, rtol=0.1, atol=1e-9)


@pytest.mark.parametrize("name", NAMES)
def test_attention_and_feed_forward_are_multiplied_in_8_bits_and_no_modulation_is(name: str) -> None:
    linear = {
        path: multiplies_rows(module, path)
        for block in build(name).blocks
        for path, module in block.named_modules()
        if isinstance(module, nn.Linear)
    }

    assert any(linear.values())
    assert not any(is_in for path, is_in in linear.items() if "norm" in path or "mod" in path.lower())


def test_layers_whose_sides_the_kernel_does_not_take_are_left_alone() -> None:
    assert multiplies_rows(nn.Linear(32, 48), "attn.to_q")
    assert not multiplies_rows(nn.Linear(32, 50), "attn.to_q")
    assert not multiplies_rows(nn.Conv1d(16, 16, 1), "attn.to_q")
