"""How do the linear layers of a network come to take 8 or 4 bits a weight?

Only those inside of blocks do: nearly all weights are there, and what is outside (embeddings, the first and the last
layer) is small and shows the most. In int8 and nf4 weights alone are quantised, not what flows through: without
compilation that would take twenty times as long.
"""

from __future__ import annotations

import importlib
from collections.abc import Collection
from typing import Any, cast

import torch
from torch import nn

from generation.errors import ModelLoadError
from generation.memory.placement import Precision
from generation.pipelines.memory.component import outermost

# T5 asks this layer for the type of its numbers and turns its input into that: in 4 bits it would be bytes.
ASKED_FOR_ITS_TYPE = "wo"


def quantise(module: nn.Module, precision: Precision, blocks: Collection[str], device: torch.device) -> None:
    """Bring the linear layers inside the blocks of these classes to a precision; each block visits the device for it.

    Raises:
        ModelLoadError: the library for that is not installed; the text says how to get it.
    """
    convert = CONVERSIONS.get(precision)
    if convert is None:
        return
    for block in outermost(module, blocks):
        try:
            convert(block, device)
        except ModuleNotFoundError as error:
            raise ModelLoadError(
                f"The precision {precision} needs a package that is not installed: pip install 'fairbrush[quant]'."
            ) from error


def _to_int8(block: nn.Module, device: torch.device) -> None:
    """Give a scale to each row: 1 byte a weight."""
    torchao: Any = importlib.import_module("torchao.quantization")
    torchao.quantize_(block.to(device), torchao.Int8WeightOnlyConfig(set_inductor_config=False), filter_fn=_is_linear)
    block.to("cpu")


def _to_nf4(block: nn.Module, device: torch.device) -> None:
    """Give a scale to each 64 weights, in float32: 0.5625 bytes a weight."""
    bitsandbytes: Any = importlib.import_module("bitsandbytes")
    layers = [
        (parent, name, layer)
        for parent in block.modules()
        for name, layer in parent.named_children()
        if isinstance(layer, nn.Linear)
    ]
    for parent, name, layer in layers:
        if name == ASKED_FOR_ITS_TYPE:
            _to_int8(layer, device)
        else:
            setattr(parent, name, _nf4_layer(bitsandbytes.nn, layer, device))


def _nf4_layer(library: Any, layer: nn.Linear, device: torch.device) -> nn.Module:
    made: Any = library.Linear4bit(
        layer.in_features,
        layer.out_features,
        bias=layer.bias is not None,
        compute_dtype=layer.weight.dtype,
        compress_statistics=False,
        quant_type="nf4",
        device="meta",
    )
    # Else it would lay its weights out anew at the first call, for processors of one kind.
    made.support_avx512bf16_for_cpu = False
    weight = library.Params4bit(layer.weight.data, compress_statistics=False, quant_type="nf4")
    # Not by moving the layer: torch would make a new weight of it, without its scales.
    made.weight = weight.to(device).to("cpu")
    made.bias = layer.bias
    return cast(nn.Module, made.eval())


def _to_fp8(block: nn.Module, device: torch.device) -> None:
    fp8: Any = importlib.import_module("generation.pipelines.speed.fp8")
    fp8.to_fp8(block.to(device))
    block.to("cpu")


def _is_linear(layer: nn.Module, _: str) -> bool:
    return type(layer) is nn.Linear


CONVERSIONS = {Precision.INT8: _to_int8, Precision.NF4: _to_nf4, Precision.FP8: _to_fp8}
