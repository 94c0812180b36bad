"""How are a denoiser's blocks compiled without anybody waiting for it?

While requests run, nothing is compiled: what was compiled before is used where it suits, all else runs as it is, and
how the blocks were called is noted. An idle worker then compiles for what was noted, one kind of block at a time.
Blocks of one kind share what is compiled, so that the rest of them cost nothing.
"""

from __future__ import annotations

import functools
import importlib
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import torch
from torch import nn
from torch._dynamo.exc import TorchDynamoException

from generation.pipelines.speed.stacks import regions_of
from generation.pipelines.speed.workshop import TENSORRT

# Sizes and lengths of prompts for each kind of block; after the second one torch compiles for any length.
MOST_SHAPES = 8
RECOMPILE_LIMIT = 64  # torch's own is 8 for all models together; beyond it falls back without a word
# How far a compiled block may be from the eager one, as a share of what that gives: rounding, not another result.
TOLERANCE = 0.03

LONGEST_REASON = 300  # characters of the compiler's own words that go into the log
# What is raised where a compiler fails or lacks a part of itself, or where the card's memory is full.
FAILURES = (TorchDynamoException, RuntimeError, OSError, ImportError)

_Runner: TypeAlias = Callable[..., Any]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Like:
    """What a tensor looked like."""

    shape: tuple[int, ...]
    strides: tuple[int, ...]  # a block may get a part of what the one before it returned
    dtype: torch.dtype
    device: torch.device
    is_inference: bool  # one that lies in the model from its loading on is not

    def made(self) -> torch.Tensor:
        with torch.inference_mode(self.is_inference):
            blank = torch.empty_strided(self.shape, self.strides, dtype=self.dtype, device=self.device)
            return blank.normal_() if self.dtype.is_floating_point else blank.fill_(1)


@dataclass(frozen=True, slots=True)
class _Specimen:
    """How a block was called."""

    block: nn.Module
    args: Any
    kwargs: Any


class Compilation:
    """The blocks of one denoiser, compiled or to be compiled."""

    def __init__(self, denoiser: nn.Module) -> None:
        self._regions = regions_of(denoiser)
        self._is_required = False
        self._is_bypassed = False
        self._is_broken = False
        self._runner: _Runner | None = None
        self._noted: list[_Specimen] = []
        self._known: dict[str, set[str]] = {}
        self._calls = self._eager = 0
        for region in self._regions:
            region.forward = functools.partial(self._enter, region)

    @contextmanager
    def calling(self, *, is_fixed: bool) -> Iterator[None]:
        """Compile nothing as long as this lasts, unless that is required; blocks that are not `is_fixed` run as is."""
        self._calls = self._eager = 0
        self._is_bypassed = not (is_fixed or self._is_required)
        stance = "default" if self._is_required else "eager_on_recompile"
        try:
            with torch.compiler.set_stance(stance):
                yield
        finally:
            self._is_bypassed = False

    @property
    def state(self) -> str:
        """Say how the blocks of the last call ran."""
        if self._eager == 0:
            return "yes"
        return "no" if self._eager == self._calls else "partly"

    @property
    def is_broken(self) -> bool:
        """Tell whether compiling has failed, after which all runs as it is."""
        return self._is_broken

    def compile_next(self, backend: str | Callable[..., Any]) -> bool:
        """Compile for one way in which blocks were called; False if there is none left."""
        if self._is_broken or not self._noted:
            return False
        specimen = self._noted.pop(0)
        reason = self._tried(specimen, backend)
        if reason:
            self._is_broken = True
            self._runner = None
            self._noted.clear()
            log.warning("blocks of %s run uncompiled: %s", type(specimen.block).__name__, reason)
        return True

    def require(self, backend: str | Callable[..., Any]) -> None:
        """Compile whatever is called from now on when it is called, for which that call waits."""
        self._is_required = True
        self._prepare(backend)

    def close(self) -> None:
        """Let the blocks run as they were made."""
        for region in self._regions:
            del region.forward
        self._noted.clear()
        self._runner = None

    def _prepare(self, backend: str | Callable[..., Any]) -> _Runner:
        if self._runner is None:
            if backend == TENSORRT:
                importlib.import_module("torch_tensorrt")  # only then torch knows of it
            torch._dynamo.config.recompile_limit = RECOMPILE_LIMIT  # noqa: SLF001 - has no other name
            self._runner = torch.compile(self._run, backend=backend)
        return self._runner

    def _enter(self, block: nn.Module, *args: Any, **kwargs: Any) -> Any:
        self._calls += 1
        # Looked up here: the compiler does not see through the class itself, which diffusers marks as known to it.
        forward = type(block).forward
        if self._runner is None or self._is_bypassed:
            return self._run(forward, block, *args, **kwargs)
        return self._runner(forward, block, *args, **kwargs)

    def _run(self, forward: Callable[..., Any], block: nn.Module, *args: Any, **kwargs: Any) -> Any:
        if not torch.compiler.is_compiling():  # not even looked at where this runs compiled
            self._note(block, args, kwargs)
        return forward(block, *args, **kwargs)

    def _note(self, block: nn.Module, args: Any, kwargs: Any) -> None:
        self._eager += 1
        if self._is_bypassed or self._is_broken:
            return
        specimen = _Specimen(block, _mapped(_looks, args), _mapped(_looks, kwargs))
        known = self._known.setdefault(_kind(block), set())
        name = f"{specimen.args} {specimen.kwargs}"
        if name not in known and len(known) < MOST_SHAPES:
            known.add(name)
            self._noted.append(specimen)

    @torch.inference_mode()
    def _tried(self, specimen: _Specimen, backend: str | Callable[..., Any]) -> str:
        """Compile for a specimen; gives what is wrong with it, "" for nothing."""
        args, kwargs = _mapped(_made, specimen.args), _mapped(_made, specimen.kwargs)
        block = specimen.block
        try:
            run = self._prepare(backend)
            expected = type(block).forward(block, *args, **kwargs)
            given = run(type(block).forward, block, *args, **kwargs)
        except FAILURES as error:
            return " ".join(f"{type(error).__name__}: {error}".split())[:LONGEST_REASON]
        return "" if _agree(given, expected) else "compiled, they give something else"


def _kind(block: nn.Module) -> str:
    """Name what blocks have in common that can share what is compiled: not all of a class have the same layers."""
    return " ".join([type(block).__name__, *(f"{name} {weight.shape}" for name, weight in block.named_parameters())])


def _mapped(change: Callable[[Any], Any], value: Any) -> Any:
    """Change what lies in tuples, lists and dictionaries."""
    if isinstance(value, tuple | list):
        return type(value)(_mapped(change, item) for item in value)
    if isinstance(value, dict):
        return {name: _mapped(change, item) for name, item in value.items()}
    return change(value)


def _looks(value: Any) -> Any:
    if not isinstance(value, torch.Tensor):
        return value
    return _Like(tuple(value.shape), value.stride(), value.dtype, value.device, value.is_inference())


def _made(value: Any) -> Any:
    return value.made() if isinstance(value, _Like) else value


def _agree(given: Any, expected: Any) -> bool:
    if isinstance(expected, tuple):
        return all(_agree(one, other) for one, other in zip(given, expected, strict=True))
    if expected is None:
        return given is None
    return bool((given - expected).abs().mean() <= TOLERANCE * expected.abs().mean())
