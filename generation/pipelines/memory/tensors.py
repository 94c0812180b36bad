"""Which plain tensors hold the numbers of a weight, be it quantised or not, and how is it put together on others?

A quantised weight of torchao is a tensor that has others inside; one of bitsandbytes has its scales in a `quant_state`
beside it. Both are looked at by what they have, so that neither library is needed where nothing is quantised.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import torch
from torch.utils._python_dispatch import is_traceable_wrapper_subclass


def plain_tensors(weight: Any) -> list[torch.Tensor]:
    """Give the plain tensors that a weight consists of."""
    if _is_4bit(weight):
        state = weight.quant_state
        return [weight.data.as_subclass(torch.Tensor), state.absmax, state.code]
    if is_traceable_wrapper_subclass(weight):
        names, _ = weight.__tensor_flatten__()
        return [plain for name in names for plain in plain_tensors(getattr(weight, name))]
    return [weight.data]


def rebuilt(weight: Any, plain: Iterator[torch.Tensor]) -> torch.Tensor:
    """Give the same kind of weight on the next of these plain tensors, in the order of `plain_tensors`."""
    if _is_4bit(weight):
        return _rebuilt_4bit(weight, next(plain), next(plain), next(plain))
    inner = _rebuilt_inner(weight, plain)
    return torch.nn.Parameter(inner, requires_grad=False) if isinstance(weight, torch.nn.Parameter) else inner


def _rebuilt_inner(weight: Any, plain: Iterator[torch.Tensor]) -> torch.Tensor:
    if not is_traceable_wrapper_subclass(weight):
        return next(plain)
    names, context = weight.__tensor_flatten__()
    inner = {name: _rebuilt_inner(getattr(weight, name), plain) for name in names}
    kind: Any = type(weight)
    made: torch.Tensor = kind.__tensor_unflatten__(inner, context, weight.size(), weight.stride())
    return made


def _is_4bit(weight: Any) -> bool:
    return getattr(weight, "quant_state", None) is not None


def _rebuilt_4bit(weight: Any, data: torch.Tensor, absmax: torch.Tensor, code: torch.Tensor) -> torch.Tensor:
    state = copy.copy(weight.quant_state)
    state.absmax, state.code = absmax, code
    made: torch.Tensor = type(weight)(
        data,
        quant_state=state,
        blocksize=weight.blocksize,
        compress_statistics=weight.compress_statistics,
        quant_type=weight.quant_type,
        quant_storage=weight.quant_storage,
        bnb_quantized=True,
    )
    return made
