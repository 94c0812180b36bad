"""How do bytes get from RAM to the card, and when may the memory there be used again?

This is the boundary of the device: all that moves weights goes through a `Transfers`, on a processor too.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch

from generation.memory.card import Card


@dataclass(slots=True, eq=False)
class Lane:
    """One of the two pieces of memory on the card through which blocks pass. `holds` is a block's number."""

    memory: torch.Tensor
    holds: int | None = None
    arrived: Any = None
    released: Any = None


class Transfers:
    """On a processor: what is in RAM is where it is worked with, and a copy is done when the call returns."""

    is_same_memory = True

    def __init__(self, device: torch.device) -> None:
        self.device = device

    def keep(self, size: int) -> torch.Tensor:
        """Give so many bytes of RAM to read weights from."""
        return torch.empty(size, dtype=torch.uint8)

    def drop(self, memory: torch.Tensor) -> None:
        """Know that RAM which `keep` gave is about to be freed."""

    def bring(self, source: torch.Tensor) -> torch.Tensor:
        """Give memory on the card that holds these bytes, for as long as somebody has it."""
        memory = torch.empty_like(source, device=self.device)
        return memory.copy_(source, non_blocking=True)

    def lane(self, size: int) -> Lane:
        """Give a lane for blocks of at most so many bytes."""
        return Lane(torch.empty(size, dtype=torch.uint8, device=self.device))

    def send(self, source: torch.Tensor, lane: Lane) -> None:
        """Begin to copy a block into a lane, once nobody works with what is in it."""
        lane.memory[: source.numel()].copy_(source)

    def receive(self, lane: Lane) -> None:
        """Let the work that follows wait until what was sent is there."""

    def release(self, lane: Lane) -> None:
        """Know that the work so far was the last that needs what is in the lane."""

    def settle(self) -> None:
        """Let the work that follows wait for all copies, so that lanes may be freed."""


class CudaTransfers(Transfers):
    """On a CUDA card: copies run beside the work, on a stream of their own. Written with care, not tried on a card yet.

    RAM is pinned by registering it: torch's own allocator of pinned memory rounds up to powers of two. Where the system
    refuses to pin so much, copies are slower and the same.
    """

    is_same_memory = False

    def __init__(self, device: torch.device) -> None:
        super().__init__(device)
        self._stream = torch.cuda.Stream(device)
        self._pinned: set[int] = set()

    def keep(self, size: int) -> torch.Tensor:
        """Give so many bytes of RAM, pinned if the system allows."""
        memory = super().keep(size)
        if size and int(torch.cuda.cudart().cudaHostRegister(memory.data_ptr(), size, 0)) == 0:
            self._pinned.add(memory.data_ptr())
        return memory

    def drop(self, memory: torch.Tensor) -> None:
        """Unpin it: CUDA must not believe that it still is when somebody else gets it."""
        if memory.data_ptr() in self._pinned:
            torch.cuda.synchronize(self.device)
            torch.cuda.cudart().cudaHostUnregister(memory.data_ptr())
            self._pinned.remove(memory.data_ptr())

    def lane(self, size: int) -> Lane:
        """Give a lane. Its memory may have been somebody else's, whose work is perhaps not done yet."""
        lane = super().lane(size)
        lane.arrived, lane.released = torch.cuda.Event(), torch.cuda.Event()
        self.release(lane)
        return lane

    def send(self, source: torch.Tensor, lane: Lane) -> None:
        """Copy on the stream of copies, after the lane was released."""
        self._stream.wait_event(lane.released)
        with torch.cuda.stream(self._stream):
            lane.memory[: source.numel()].copy_(source, non_blocking=True)
        lane.arrived.record(self._stream)

    def receive(self, lane: Lane) -> None:
        """Let the work's stream wait for the copy."""
        torch.cuda.current_stream(self.device).wait_event(lane.arrived)

    def release(self, lane: Lane) -> None:
        """Mark the place in the work's stream."""
        lane.released.record(torch.cuda.current_stream(self.device))

    def settle(self) -> None:
        """Let the work's stream wait for the stream of copies."""
        torch.cuda.current_stream(self.device).wait_stream(self._stream)


class UnifiedTransfers(Transfers):
    """Where card and processor share one memory: weights are put where the card looks for them, once and for all."""


def transfers_for(card: Card) -> Transfers:
    """Give the way to a card."""
    device = torch.device(card.device)
    if device.type == "cpu":
        return Transfers(device)
    return UnifiedTransfers(device) if card.is_unified else CudaTransfers(device)
