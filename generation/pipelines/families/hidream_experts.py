"""How do HiDream's experts share out the tokens without asking the host, which would wait 48 times a step?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from diffusers.models.transformers.transformer_hidream_image import MOEFeedForwardSwiGLU
from torch import nn
from torch.nn import functional
from torch.utils._python_dispatch import is_traceable_wrapper_subclass

# Cards (by the first number of their capability) on which torch multiplies groups of rows in one kernel; on others it
# asks the host for their sizes, three times a layer.
GROUPED_CARDS = (9, 10)
PROJECTIONS = ("w1", "w3", "w2")  # of an expert: the gate, what it lets through, and the way back


def install(transformer: Any) -> None:
    """Change a loaded HiDream denoiser, in place, so that it needs no host within a pass where the card allows it."""
    for module in transformer.modules():
        if type(module) is MOEFeedForwardSwiGLU:
            module.__class__ = GroupedExperts
    if "patchify" not in vars(transformer):  # models share it: it may come again
        transformer.patchify = _patchify_knowing_the_grid(transformer.patchify, transformer.config.patch_size)


def _patchify_knowing_the_grid(patchify: Any, patch_size: int) -> Any:
    """Tell the size of the grid as numbers: as a tensor on the card it would be asked for after the last layer."""

    def patchify_and_tell(hidden_states: torch.Tensor) -> tuple[Any, ...]:
        tokens, masks, _, positions = patchify(hidden_states)
        rows, _, height, width = hidden_states.shape
        return tokens, masks, [(height // patch_size, width // patch_size)] * rows, positions

    return patchify_and_tell


class GroupedExperts(MOEFeedForwardSwiGLU):  # type: ignore[misc]
    """Experts whose tokens, sorted by expert, are multiplied in one go per projection.

    That takes plain weights. Quantised ones, and those that a LoRA was laid over, go the original way, one expert after
    the other: to let each expert see all tokens instead would take twice the multiplications, which costs more than
    waiting for the host.
    """

    @torch.no_grad()
    def moe_infer(
        self, x: torch.Tensor, flat_expert_indices: torch.Tensor, flat_expert_weights: torch.Tensor
    ) -> torch.Tensor:
        """Give each token (T, D) the sum of its experts' answers; indices (T * k,) and weights (T * k, 1) are its own.

        Equal to the original's but for rounding.
        """
        if not self._is_grouped(x):
            given: torch.Tensor = super().moe_infer(x, flat_expert_indices, flat_expert_weights)
            return given
        count = self.num_activated_experts
        experts, order = flat_expert_indices.sort(stable=True)
        numbers = torch.arange(len(self.experts), device=x.device)
        ends = torch.searchsorted(experts, numbers, right=True).to(torch.int32)
        weights = [getattr(expert, name).weight for name in PROJECTIONS for expert in self.experts]
        answers = grouped_swiglu(x[order // count], ends, weights) * flat_expert_weights[order]
        places = torch.empty_like(order).scatter_(0, order, torch.arange(len(order), device=x.device))
        summed: torch.Tensor = answers[places].view(len(x), count, -1).sum(dim=1)
        return summed.to(x.dtype)

    def _is_grouped(self, x: torch.Tensor) -> bool:
        return has_grouped_kernel(x.device, x.dtype) and all(
            type(layer) is nn.Linear and not is_traceable_wrapper_subclass(layer.weight)
            for expert in self.experts
            for layer in (getattr(expert, name) for name in PROJECTIONS)
        )


@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def has_grouped_kernel(device: torch.device, precision: torch.dtype) -> bool:
    """Tell whether groups of rows are multiplied there without asking the host; on a processor nobody is asked."""
    if device.type != "cuda":
        return True
    return precision == torch.bfloat16 and torch.cuda.get_device_capability(device)[0] in GROUPED_CARDS


@torch.library.custom_op("fairbrush::grouped_swiglu", mutates_args=())
def grouped_swiglu(rows: torch.Tensor, ends: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Send sorted rows (R, D) through their experts; expert n has those from the end of n - 1 to `ends[n]`.

    `weights` are those of all experts for the gate, for what it lets through and for the way back. One operation for
    torch's compiler, which neither sees into it nor breaks its graph there.
    """
    return multiplied(rows, ends, weights)


@grouped_swiglu.register_fake
def _(rows: torch.Tensor, *_: Any) -> torch.Tensor:
    return torch.empty_like(rows)


def multiplied(rows: torch.Tensor, ends: torch.Tensor, weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Do what `grouped_swiglu` says, in three grouped multiplications."""
    count = len(weights) // len(PROJECTIONS)
    gate, passed, back = (stacked(weights[first : first + count]) for first in range(0, len(weights), count))
    hidden = functional.silu(_grouped(rows, gate, ends)) * _grouped(rows, passed, ends)
    return _grouped(hidden, back, ends)


def _grouped(rows: torch.Tensor, weights: torch.Tensor, ends: torch.Tensor) -> torch.Tensor:
    return functional.grouped_mm(rows, weights.transpose(-2, -1), offs=ends)


def stacked(weights: Sequence[torch.Tensor]) -> torch.Tensor:
    """Give weights of one shape as one tensor: a view where they lie at even distances, as streamed blocks do."""
    first, *others = weights
    places = [weight.storage_offset() for weight in weights]
    step = places[1] - places[0] if others else 0
    memory = first.untyped_storage()._cdata  # noqa: SLF001 - the one thing that tells one memory from another
    is_even = all(
        weight.untyped_storage()._cdata == memory  # noqa: SLF001
        and place == places[0] + number * step
        and weight.stride() == first.stride()
        for number, (weight, place) in enumerate(zip(weights, places, strict=True))
    )
    if not is_even or step <= 0:
        return torch.stack(list(weights))
    return first.as_strided((len(weights), *first.shape), (step, *first.stride()))
