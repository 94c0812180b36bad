"""How do the weights of a block lie in one piece of memory, so that a single copy brings them all to the card?"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import torch

from generation.pipelines.memory.tensors import plain_tensors, rebuilt

ALIGNMENT = 256  # bytes; what kernels load at once begins at a multiple of 16


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a module looks for a weight: its `_parameters` or its `_buffers`."""

    module: torch.nn.Module
    table: str
    name: str

    def put(self, weight: torch.Tensor) -> None:
        """Let the module find this one from now on."""
        getattr(self.module, self.table)[self.name] = weight


@dataclass(frozen=True, slots=True)
class _Piece:
    """Where a plain tensor lies in the memory of its segment."""

    start: int
    dtype: torch.dtype
    shape: torch.Size
    stride: tuple[int, ...]

    def over(self, memory: torch.Tensor) -> torch.Tensor:
        flat = memory[self.start : self.start + self.shape.numel() * self.dtype.itemsize].view(self.dtype)
        return flat.as_strided(self.shape, self.stride)


class Segment:
    """The weights of one block, or of what is outside of blocks. In RAM they are read only, and never copied back.

    A weight that several modules share (a tied one) is there once, and stays shared.
    """

    def __init__(self, weights: Sequence[torch.Tensor], spots: Sequence[Sequence[Spot]]) -> None:
        self._in_ram = list(weights)
        self._spots = spots
        self._pieces, self.size = _laid_out(plain for weight in weights for plain in plain_tensors(weight))
        self.memory: torch.Tensor | None = None

    def pack(self, memory: torch.Tensor) -> None:
        """Move the weights into this piece of RAM, `size` bytes of it."""
        plain = (tensor for weight in self._in_ram for tensor in plain_tensors(weight))
        for piece, tensor in zip(self._pieces, plain, strict=True):
            piece.over(memory).copy_(tensor)
        self._in_ram = self.over(memory)
        self.memory = memory
        self.put_back()

    def over(self, memory: torch.Tensor) -> list[torch.Tensor]:
        """Give the same weights on other memory that holds, or will hold, the same bytes."""
        plain = iter([piece.over(memory) for piece in self._pieces])
        return [rebuilt(weight, plain) for weight in self._in_ram]

    def put(self, weights: Iterable[torch.Tensor]) -> None:
        """Let the modules work with these."""
        for weight, spots in zip(weights, self._spots, strict=True):
            for spot in spots:
                spot.put(weight)

    def put_back(self) -> None:
        """Let the modules have those in RAM again: whatever was on the card is free once nobody works with it."""
        self.put(self._in_ram)


def segments_of(module: torch.nn.Module, blocks: Sequence[torch.nn.Module]) -> list[Segment]:
    """Give what is outside of the blocks, then one segment a block. What blocks share with others is outside."""
    home: dict[int, int] = {id(inner): number for number, block in enumerate(blocks, 1) for inner in block.modules()}
    weights: dict[int, torch.Tensor] = {}
    spots: dict[int, list[Spot]] = defaultdict(list)
    for inner in module.modules():
        for table in ("_parameters", "_buffers"):
            for name, weight in getattr(inner, table).items():
                if weight is not None:
                    weights[id(weight)] = weight
                    spots[id(weight)].append(Spot(inner, table, name))
    segments: list[list[int]] = [[] for _ in range(len(blocks) + 1)]
    for key, found in spots.items():
        homes = {home.get(id(spot.module), 0) for spot in found}
        segments[homes.pop() if len(homes) == 1 else 0].append(key)
    return [_segment(keys, weights, spots) for keys in segments]


def _segment(keys: Collection[int], weights: dict[int, torch.Tensor], spots: dict[int, list[Spot]]) -> Segment:
    return Segment([weights[key] for key in keys], [spots[key] for key in keys])


def _laid_out(tensors: Iterable[torch.Tensor]) -> tuple[list[_Piece], int]:
    pieces, end = [], 0
    for tensor in tensors:
        pieces.append(_Piece(end, tensor.dtype, tensor.shape, _dense_stride(tensor)))
        end += -(-tensor.numel() * tensor.element_size() // ALIGNMENT) * ALIGNMENT
    return pieces, end


def _dense_stride(tensor: torch.Tensor) -> tuple[int, ...]:
    """Keep the order of dimensions, such as channels last, but no gaps."""
    return torch.empty_strided(tensor.shape, tensor.stride(), device="meta").clone().stride()
