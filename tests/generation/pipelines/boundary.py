"""What stands in for the way to a card: memory apart from RAM that is counted, and spoilt as soon as it is released."""

from __future__ import annotations

import torch
from torch.multiprocessing.reductions import StorageWeakRef

from generation.pipelines.memory.transfers import Lane, Transfers

POISON = 0xFF  # four of them are not a number


class Boundary(Transfers):
    """A card of its own on the processor.

    `sent` are the bytes that went through lanes, `brought` those that came to stay; `log` has each call that concerns
    lanes. `most` are the bytes that were on the card at most since `forget`.
    """

    is_same_memory = False

    def __init__(self) -> None:
        super().__init__(torch.device("cpu"))
        self.log: list[str] = []
        self.sent = self.brought = self.most = self.kept = 0
        self.room = 2**40
        self._allocated: list[tuple[StorageWeakRef, int, int]] = []

    @property
    def used(self) -> int:
        """How many bytes are on the card."""
        self._allocated = [each for each in self._allocated if not each[0].expired()]
        return sum(size for _, size, _ in self._allocated)

    def holds(self, tensor: torch.Tensor) -> bool:
        """Tell whether a tensor is on the card."""
        where = tensor.untyped_storage().data_ptr()
        return any(address == where for alive, _, address in self._allocated if not alive.expired())

    def forget(self) -> None:
        """Count from now on."""
        self.log, self.sent, self.brought, self.most = [], 0, 0, self.used

    def keep(self, size: int) -> torch.Tensor:
        self.kept += size
        return super().keep(size)

    def drop(self, memory: torch.Tensor) -> None:
        self.kept -= len(memory)

    def bring(self, source: torch.Tensor) -> torch.Tensor:
        memory = self._counted(source.clone())
        self.brought += len(memory)
        return memory

    def lane(self, size: int) -> Lane:
        lane = super().lane(size)
        self._counted(lane.memory)
        self.log.append("lane")
        return lane

    def send(self, source: torch.Tensor, lane: Lane) -> None:
        assert not lane.arrived, "somebody works with what is in the lane"
        super().send(source, lane)
        self.sent += len(source)
        self.log.append("send")

    def receive(self, lane: Lane) -> None:
        lane.arrived = True
        self.log.append("receive")

    def release(self, lane: Lane) -> None:
        lane.memory.fill_(POISON)
        lane.arrived = False
        self.log.append("release")

    def settle(self) -> None:
        self.log.append("settle")

    def _counted(self, memory: torch.Tensor) -> torch.Tensor:
        storage = memory.untyped_storage()
        self._allocated.append((StorageWeakRef(storage), len(memory), storage.data_ptr()))
        used = self.used
        self.most = max(self.most, used)
        if used > self.room:
            raise torch.OutOfMemoryError(f"{used} of {self.room} bytes")
        return memory
