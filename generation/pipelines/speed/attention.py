"""Which of torch's attention kernels is the fastest on this card, for what a model asks of it?

The choice is made once for a card, a torch and a shape, and kept in a file: another kernel rounds otherwise, and a
picture that is made again should meet the same one.
"""

from __future__ import annotations

import json
import logging
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.overrides import TorchFunctionMode

KERNELS: Mapping[str, SDPBackend] = {
    "cudnn": SDPBackend.CUDNN_ATTENTION,
    "flash": SDPBackend.FLASH_ATTENTION,
    "efficient": SDPBackend.EFFICIENT_ATTENTION,
}
OWN = "torch's own choice"
LEAST_GAIN = 0.03  # a kernel that is not faster by this share is no reason to leave torch's own choice
ROUNDS = 7
CALLS = 5

Clock: TypeAlias = Callable[[Callable[[], object], torch.device], float]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What attention is asked for: the queries' and the keys' shapes (batch, heads, tokens, width), and a mask's."""

    query: tuple[int, ...]
    key: tuple[int, ...]
    mask: tuple[int, ...] | None
    dtype: torch.dtype
    device: torch.device

    @property
    def work(self) -> int:
        """How much there is to do, to compare."""
        return self.query[0] * self.query[1] * self.query[2] * self.key[2]

    def __str__(self) -> str:
        sides = [self.query, self.key, *([] if self.mask is None else [self.mask])]
        return " ".join(["x".join(map(str, side)) for side in sides] + [str(self.dtype).removeprefix("torch.")])


class _Witness(TorchFunctionMode):
    """Sees the largest attention that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.shape: Shape | None = None

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        named = kwargs or {}
        if func is functional.scaled_dot_product_attention:
            self._note(**dict(zip(("query", "key", "value", "attn_mask"), args, strict=False)) | named)
        return func(*args, **named)

    def _note(self, *, query: torch.Tensor, key: torch.Tensor, attn_mask: torch.Tensor | None = None, **_: Any) -> None:
        mask = None if attn_mask is None else tuple(attn_mask.shape)
        seen = Shape(query=tuple(query.shape), key=tuple(key.shape), mask=mask, dtype=query.dtype, device=query.device)
        if self.shape is None or seen.work > self.shape.work:
            self.shape = seen


class Attention:
    """The kernel with which one denoiser attends: torch's own choice, until one was found to be faster."""

    def __init__(self, card: str) -> None:
        self._card = f"{card}, torch {torch.__version__}"
        self._shape: Shape | None = None
        self._is_chosen = False
        self.kernel = OWN

    @contextmanager
    def calling(self) -> Iterator[Callable[[], None]]:
        """Attend with the kernel as long as this lasts; gives what to call after a step, up to which it watches.

        Not by diffusers' own setting: it would count for all models of the process, and some transformers ignore it.
        """
        witness = _Witness() if self._shape is None else None
        with self.using():
            if witness is None:
                yield _nothing
                return
            with ExitStack() as watching:
                watching.enter_context(witness)
                watching.callback(self._learn, witness)
                yield watching.close

    def _learn(self, witness: _Witness) -> None:
        self._shape = witness.shape

    @contextmanager
    def using(self) -> Iterator[None]:
        """Prefer the kernel as long as this lasts; what it cannot do, another one does."""
        if self.kernel == OWN:
            yield
            return
        others = [backend for name, backend in KERNELS.items() if name != self.kernel]
        with sdpa_kernel([KERNELS[self.kernel], *others, SDPBackend.MATH], set_priority=True):
            yield

    def choose(self, file: Path, clock: Clock | None = None) -> bool:
        """Choose the kernel for the shape that was seen, once; False if nothing had to be measured."""
        if self._shape is None or self._is_chosen:
            return False
        self._is_chosen = True
        known = _read(file)
        key = str(self._shape)
        of_card = known.get(self._card, {})
        is_new = of_card.get(key) not in (OWN, *KERNELS)
        try:
            if is_new:
                of_card[key] = _fastest(self._shape, clock or _seconds)
                _write(file, known | {self._card: of_card})
            self.kernel = of_card[key]
        except (RuntimeError, OSError) as error:  # the card or the disk is full
            log.warning("no attention kernel was chosen: %s", error)
        return is_new


def _nothing() -> None:
    """Watch nothing."""


@torch.inference_mode()
def _fastest(shape: Shape, clock: Clock) -> str:
    query = torch.randn(shape.query, dtype=shape.dtype, device=shape.device)
    key, value = (torch.randn(shape.key, dtype=shape.dtype, device=shape.device) for _ in range(2))
    mask = None if shape.mask is None else torch.ones(shape.mask, dtype=torch.bool, device=shape.device)

    def attend() -> torch.Tensor:
        return functional.scaled_dot_product_attention(query, key, value, attn_mask=mask)

    seconds = {OWN: (1 - LEAST_GAIN) * clock(attend, shape.device)}
    for name, backend in KERNELS.items():
        try:
            with sdpa_kernel([backend]):
                seconds[name] = clock(attend, shape.device)
        except RuntimeError:  # this card, or this shape, has no such kernel
            continue
    log.info("attention of %s, in seconds: %s", shape, {name: f"{took:.6f}" for name, took in seconds.items()})
    return min(seconds, key=seconds.__getitem__)


def _seconds(attend: Callable[[], object], device: torch.device) -> float:
    """Time a call, by the middle of several rounds."""
    taken = []
    for _ in range(ROUNDS + 1):
        started = time.perf_counter()
        for _ in range(CALLS):
            attend()
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        taken.append((time.perf_counter() - started) / CALLS)
    return statistics.median(taken[1:])  # the first round builds and warms up


def _read(file: Path) -> dict[str, dict[str, str]]:
    try:
        known = json.loads(file.read_text())
        return {str(card): {str(shape): str(name) for shape, name in of.items()} for card, of in known.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def _write(file: Path, known: Mapping[str, Mapping[str, str]]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    unfinished = file.with_suffix(".new")
    unfinished.write_text(json.dumps(known, indent=1))
    unfinished.replace(file)
