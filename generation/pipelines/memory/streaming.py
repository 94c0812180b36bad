"""How does a network work whose blocks are not all on the card: who brings the next block while this one computes?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from generation.pipelines.memory.segments import Segment
from generation.pipelines.memory.transfers import Lane, Transfers

LANES = 2


class Order:
    """In which order the blocks of a network work, noted the first time: it need not be that of their registration.

    After the last block comes the first one again.
    """

    def __init__(self) -> None:
        self._numbers: list[int] = []
        self._last: int | None = None
        self._is_round = False

    def note(self, number: int) -> None:
        """Know that this block works now."""
        if number not in self._numbers:
            place = len(self._numbers) if self._last is None else self._numbers.index(self._last) + 1
            self._numbers.insert(place, number)
        elif self._last is not None:
            self._is_round = True
        self._last = number

    def after(self, number: int | None = None) -> list[int]:
        """Give those that come after this one, itself last, or all from the start; none until that is known."""
        if not self._is_round:
            return []
        place = 0 if number is None else self._numbers.index(number) + 1
        return self._numbers[place:] + self._numbers[:place]


class BlockStreamer:
    """Lets blocks pass through two lanes on the card: while one works in the first, the next arrives in the second.

    What is expected next is a guess, no promise: a block that is called without having arrived is fetched, and one that
    arrived and was left out keeps its lane until another needs it.
    """

    def __init__(
        self, blocks: Sequence[torch.nn.Module], streamed: Mapping[int, Segment], order: Order, transfers: Transfers
    ) -> None:
        self._segments = streamed
        self._transfers = transfers
        self._order = order
        self._lanes: list[Lane] = []
        self._weights: dict[tuple[int, int], list[torch.Tensor]] = {}
        self._hooks = [hook for number in streamed for hook in self._watch(blocks[number], number)]

    def begin(self) -> None:
        """Take the memory of the lanes, and let the first blocks come."""
        size = max(segment.size for segment in self._segments.values())
        self._lanes = [self._transfers.lane(size) for _ in range(LANES)]
        for number, lane in zip(self._coming(), self._lanes, strict=False):
            self._send(number, lane)

    def end(self) -> None:
        """Give the memory back, wherever the work was broken off."""
        for segment in self._segments.values():
            segment.put_back()
        self._transfers.settle()
        self._lanes, self._weights = [], {}

    def close(self) -> None:
        """Leave the blocks alone."""
        for hook in self._hooks:
            hook.remove()

    def _watch(self, block: torch.nn.Module, number: int) -> tuple[Any, Any]:
        def before(*_: object) -> None:
            self._enter(number)

        def after(*_: object) -> None:
            self._leave(number)

        return block.register_forward_pre_hook(before), block.register_forward_hook(after)

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _enter(self, number: int) -> None:
        self._order.note(number)
        lane = self._lane_of(number)
        if lane is None:
            lane = next((lane for lane in self._lanes if lane.holds is None), self._lanes[0])
            self._send(number, lane)
        self._transfers.receive(lane)
        self._segments[number].put(self._over(number, lane))

    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _leave(self, number: int) -> None:
        self._segments[number].put_back()
        lane = self._lane_of(number)
        assert lane is not None
        self._transfers.release(lane)
        lane.holds = None
        for following in self._coming(number)[:1]:
            self._send(following, lane)

    def _coming(self, number: int | None = None) -> list[int]:
        """Give the blocks that are not on their way yet, the next one first."""
        expected = [other for other in self._order.after(number) if other in self._segments]
        return [other for other in expected if self._lane_of(other) is None]

    def _lane_of(self, number: int) -> Lane | None:
        return next((lane for lane in self._lanes if lane.holds == number), None)

    def _send(self, number: int, lane: Lane) -> None:
        memory = self._segments[number].memory
        assert memory is not None
        self._transfers.send(memory, lane)
        lane.holds = number

    def _over(self, number: int, lane: Lane) -> list[torch.Tensor]:
        """Give the block's weights over a lane; they are made once for all steps."""
        key = number, self._lanes.index(lane)
        if key not in self._weights:
            with torch.inference_mode(mode=False):
                self._weights[key] = self._segments[number].over(lane.memory)
        return self._weights[key]
