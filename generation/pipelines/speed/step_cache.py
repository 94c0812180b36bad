"""How does a denoiser leave out most of a step that would hardly differ from the one before?

The first block always runs. If what it adds is nearly what it added the last time that all blocks ran, the others are
not called: what they added then is added once more. The idea is that of ParaAttention's "first block cache". diffusers
0.42.1 has it too, but only for two of the seven transformers here (its hooks fail on blocks that return one stream, or
none for the text), and a block that is left out would still be fetched into the card.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import torch
from torch import nn

from generation.pipelines.speed.stacks import Stack, stacks_of

Streams: TypeAlias = Mapping[str, torch.Tensor | None]


@dataclass(slots=True)
class _Memory:
    """What is kept of one pass of a step for the same pass of the steps that follow."""

    first_change: torch.Tensor | None = None
    added: dict[str, Streams] = field(default_factory=dict)  # by stack, what it added behind its first block


class StepCache:
    """The cache of one call. It knows nothing before, and keeps nothing after it.

    A step may take several passes through the denoiser, one of them without the prompt, say: each is compared with its
    like in the steps before, so whoever runs the steps tells where one ends. `likeness` is the change, as a share of
    what the first block adds, up to which two passes are alike. `skipped` of `passes` were left out.
    """

    def __init__(self, denoiser: nn.Module, likeness: float) -> None:
        self._denoiser = denoiser
        self._likeness = likeness
        self._memories: list[_Memory] = []
        self._pass = 0
        self.is_whole = True
        self.start: Streams = {}
        self.passes = 0
        self.skipped = 0

    @contextmanager
    def applied(self) -> Iterator[None]:
        """Stand between the denoiser and its blocks as long as this lasts."""
        stacks = [(stack, self._denoiser.get_submodule(stack.name)) for stack in stacks_of(self._denoiser)]
        held = [(rows, list(rows.children())) for _, rows in stacks]
        try:
            for number, (stack, rows) in enumerate(stacks):
                _stand_in(rows, stack, self, is_front=number == 0)
            yield
        finally:
            for rows, blocks in held:
                _put(rows, blocks)
            self._memories.clear()
            self.start = {}

    def step_ended(self) -> None:
        """Expect the first pass of the next step."""
        self._pass = 0

    def begin(self, change: torch.Tensor) -> None:
        """Decide, by what the first block has added, whether the others run in this pass."""
        if self._pass == len(self._memories):
            self._memories.append(_Memory())
        memory = self._memories[self._pass]
        self._pass += 1
        self.is_whole = not self._is_near(change, memory.first_change)
        self.passes += 1
        if self.is_whole:
            memory.first_change = change
        else:
            self.skipped += 1

    def _is_near(self, change: torch.Tensor, before: torch.Tensor | None) -> bool:
        if before is None or before.shape != change.shape:
            return False
        ratio = (change - before).abs().mean() / before.abs().mean()
        return bool(ratio <= self._likeness)  # waits for the card, once a pass; what is no number is never near

    @property
    def added(self) -> dict[str, Streams]:
        """What the stacks added in the last whole pass of this kind."""
        return self._memories[self._pass - 1].added


class _Place(nn.Module):
    """Stands where a block stood, and calls it where it has to run.

    The block itself is not called otherwise, so that nothing is fetched for it.
    """

    def __init__(
        self, block: nn.Module, stack: Stack, cache: StepCache, *, is_head: bool, is_first: bool, is_last: bool
    ) -> None:
        super().__init__()
        self.block = block
        self._stack = stack
        self._cache = cache
        self._is_head = is_head
        self._is_first = is_first
        self._is_last = is_last
        self._order = list(inspect.signature(type(block).forward).parameters)[1:]

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        """Do what the block does, or nothing; the last one of a stack adds what is kept."""
        cache = self._cache
        taken = given = self._taken(args, kwargs)
        if self._is_head or cache.is_whole:
            given = self._named(self.block(*args, **kwargs))
        if self._is_head:
            cache.begin(_minus(given, taken)[self._stack.picture])  # type: ignore[arg-type]
        if self._is_first and cache.is_whole:
            cache.start = given if self._is_head else taken
        if self._is_last and cache.is_whole:
            cache.added[self._stack.name] = _minus(given, cache.start)
        elif self._is_last:
            given = _plus(given, cache.added[self._stack.name])
        values = tuple(given[name] for name in self._stack.streams)
        return values if len(values) > 1 else values[0]

    def _taken(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Streams:
        by_name = dict(zip(self._order, args, strict=False)) | kwargs
        return {name: by_name[name] for name in self._stack.streams}

    def _named(self, returned: Any) -> Streams:
        values = returned if len(self._stack.streams) > 1 else (returned,)
        return dict(zip(self._stack.streams, values, strict=True))


def _minus(given: Streams, start: Streams) -> Streams:
    """Subtract stream by stream; a last block that returns no text has None there."""
    pairs = ((name, value, start[name]) for name, value in given.items())
    return {name: None if value is None or before is None else value - before for name, value, before in pairs}


def _plus(start: Streams, added: Streams) -> Streams:
    pairs = ((name, value, added[name]) for name, value in start.items())
    return {name: None if value is None or more is None else value + more for name, value, more in pairs}


def _stand_in(rows: nn.Module, stack: Stack, cache: StepCache, *, is_front: bool) -> None:
    blocks = list(rows.children())
    last = len(blocks) - 1
    places = [
        _Place(block, stack, cache, is_head=is_front and index == 0, is_first=index == 0, is_last=index == last)
        for index, block in enumerate(blocks)
    ]
    _put(rows, places)


def _put(rows: nn.Module, blocks: list[Any]) -> None:
    for index, block in enumerate(blocks):
        rows[index] = block  # type: ignore[operator]
