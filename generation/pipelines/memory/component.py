"""How is one network of a model kept in RAM and brought to the card, whole or in part, for whoever works with it?"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

import torch

from generation.memory.placement import Precision, streamed_blocks
from generation.pipelines.memory.segments import Segment, segments_of
from generation.pipelines.memory.streaming import BlockStreamer, Order
from generation.pipelines.memory.transfers import Transfers, UnifiedTransfers


class Component:
    """A network whose weights lie in RAM, read only: to leave the card is to forget what is there.

    Each model that has it claims so many of its blocks for the card (None: all that there is), for as long as it wants;
    the largest claim holds. The blocks beyond are streamed while it works. `content` names weights and precision.
    """

    def __init__(
        self, module: Any, content: str, precision: Precision, blocks: Collection[str], transfers: Transfers
    ) -> None:
        self.module = module
        self.content = content
        self.precision = precision
        self._transfers = transfers
        self._claims: dict[object, int | None] = {}
        self._streamer: BlockStreamer | None = None
        self._order = Order()
        self._ram: torch.Tensor | None = None
        self._on_card: set[int] = set()
        self._blocks = outermost(module, blocks)
        self._segments: list[Segment] = []
        if isinstance(transfers, UnifiedTransfers):
            module.to(transfers.device)

    def survey(self) -> None:
        """Note where its weights are, now that the network is as it will be. Before that it cannot be placed."""
        if not self._segments:
            self._segments = segments_of(self.module, self._blocks)

    @property
    def device(self) -> torch.device:
        """Where it works."""
        return self._transfers.device

    @property
    def block_count(self) -> int:
        """How many blocks it has."""
        return len(self._blocks)

    @property
    def is_streamed(self) -> bool:
        """Tell whether some blocks pass through the card while it works, as it is claimed now."""
        return self._streamer is not None

    @property
    def is_whole_on_card(self) -> bool:
        """Tell whether all of it is where it works."""
        return bool(self._segments) and len(self._on_card) == len(self._segments)

    def resident_of(self, wanted: int | None) -> int:
        """Tell how many blocks a claim keeps on the card."""
        return self.block_count if wanted is None else min(wanted, self.block_count)

    def claim(self, owner: object, blocks: int | None) -> None:
        """Keep so many blocks on the card for this owner, and what is outside of blocks, until it lets go."""
        self._claims[owner] = blocks
        self._place()

    def let_go(self, owner: object) -> None:
        """Leave the card as far as nobody else claims it."""
        if self._claims.pop(owner, self) is not self:
            self._place()

    @contextmanager
    def working(self, owner: object, blocks: int | None) -> Iterator[None]:
        """Have it on the card as claimed. One of which no block is to stay leaves altogether afterwards."""
        try:
            self.claim(owner, blocks)
            if self._streamer:
                self._streamer.begin()
            yield
        finally:
            if self._streamer:
                self._streamer.end()
            if self._blocks and blocks == 0:
                self.let_go(owner)

    def close(self) -> None:
        """Give everything back. It is not to be used any more."""
        self._claims.clear()
        self._leave()
        self._drop_ram()
        self._segments, self._blocks = [], []
        self.module = None

    @torch.inference_mode(mode=False)
    def _place(self) -> None:
        if not self._claims:
            self._leave()
            return
        resident = max(self.resident_of(wanted) for wanted in self._claims.values())
        streamed = streamed_blocks(self.block_count, resident)
        if not self._transfers.is_same_memory or streamed:
            self._pack()
        staying = {0} | {number + 1 for number in range(self.block_count) if number not in streamed}
        if staying != self._on_card or bool(streamed) != bool(self._streamer):
            self._stop_streaming()
            self._bring(staying)
            self._stream(streamed)

    def _bring(self, staying: set[int]) -> None:
        """Have these segments on the card and no others; on the way never more than the old and the new together."""
        for number in self._on_card - staying:
            self._segments[number].put_back()
        self._on_card &= staying
        for number in sorted(staying - self._on_card):
            segment = self._segments[number]
            if segment.memory is not None and not self._transfers.is_same_memory:
                segment.put(segment.over(self._transfers.bring(segment.memory)))
            self._on_card.add(number)

    def _stream(self, streamed: frozenset[int]) -> None:
        if streamed:
            passing: dict[int, Segment] = {number: self._segments[number + 1] for number in streamed}
            self._streamer = BlockStreamer(self._blocks, passing, self._order, self._transfers)

    def _stop_streaming(self) -> None:
        if self._streamer:
            self._streamer.close()
            self._streamer = None

    def _leave(self) -> None:
        self._stop_streaming()
        for number in self._on_card:
            self._segments[number].put_back()
        self._on_card = set()

    def _pack(self) -> None:
        """Put all weights into one piece of RAM, unless they are there already."""
        if self._ram is not None:
            return
        self._ram = self._transfers.keep(sum(segment.size for segment in self._segments))
        start = 0
        for segment in self._segments:
            segment.pack(self._ram[start : start + segment.size])
            start += segment.size

    def _drop_ram(self) -> None:
        if self._ram is not None:
            self._transfers.drop(self._ram)
            self._ram = None


def outermost(module: torch.nn.Module, classes: Collection[str]) -> list[torch.nn.Module]:
    """Find the modules of these classes that are in no other of them, in the order of registration."""
    found: list[torch.nn.Module] = []
    for child in module.children():
        found += [child] if type(child).__name__ in classes else outermost(child, classes)
    return found
