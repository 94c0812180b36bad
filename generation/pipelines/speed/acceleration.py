"""What makes a loaded denoiser faster, and how does a call use it?"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from torch import nn
from torch._dynamo.exc import TorchDynamoException

from generation.errors import ModelLoadError
from generation.memory.card import Card
from generation.memory.placement import Precision
from generation.pipelines.memory.shortage import give_memory_back
from generation.pipelines.speed.attention import Attention
from generation.pipelines.speed.compilation import Compilation
from generation.pipelines.speed.step_cache import StepCache
from generation.pipelines.speed.workshop import INDUCTOR, Workshop
from generation.request import ImagineRequest


class Acceleration:
    """Belongs to a denoiser as long as it is loaded. On a processor there is nothing but the step cache.

    `content` is its name in the pantry, by which models that share a denoiser share this.
    """

    def __init__(self, denoiser: nn.Module, precision: Precision, card: Card, *, content: str = "") -> None:
        self.content = content
        self._denoiser = denoiser
        self._attention: Attention | None = None
        self._compilation: Compilation | None = None
        self.facts: dict[str, str] = {}
        if card.is_gpu:
            self._attention = Attention(card.name)
            self._compilation = Compilation(denoiser)
            if precision is Precision.FP8:
                self._compilation.require(INDUCTOR)

    @contextmanager
    def during(self, request: ImagineRequest, *, is_streamed: bool, likeness: float) -> Iterator[Callable[[], None]]:
        """Speed a call up as long as this lasts; gives what is to be called after each of its steps.

        Blocks that are streamed, or that adapters change, run as they are: what is compiled would hardly fit the next
        call. `likeness` is the one of the denoiser's family.

        Raises:
            ModelLoadError: 8-bit floats are wanted, and cannot be compiled here.
        """
        cache = StepCache(self._denoiser, likeness) if request.is_fast else None
        ended: list[Callable[[], None]] = []

        def step_ended() -> None:
            for tell in ended:
                tell()

        try:
            with ExitStack() as stack:
                if self._attention is not None:
                    ended.append(stack.enter_context(self._attention.calling()))
                if self._compilation is not None:
                    is_fixed = not (is_streamed or request.loras)
                    stack.enter_context(self._compilation.calling(is_fixed=is_fixed))
                if cache is not None:
                    stack.enter_context(cache.applied())
                    ended.append(cache.step_ended)
                yield step_ended
        except TorchDynamoException as error:
            raise ModelLoadError(
                f"{request.model} cannot be compiled here, which precision fp8 needs: ask an admin for another one."
            ) from error
        self.facts = self._told(cache)

    def prepare(self, workshop: Workshop) -> bool:
        """Do one piece of what makes later calls faster; False if there is nothing to do. All of it is on the card."""
        if self._attention is None or self._compilation is None:
            return False
        if self._attention.choose(workshop.kernels_file):
            return True
        if workshop.backend is None:
            return False
        with self._attention.using():
            is_done = self._compilation.compile_next(workshop.backend)
        give_memory_back()
        return is_done

    def close(self) -> None:
        """Give the denoiser back as it was."""
        if self._compilation is not None:
            self._compilation.close()

    def _told(self, cache: StepCache | None) -> dict[str, str]:
        told = {}
        if self._attention is not None:
            told["attention"] = self._attention.kernel
        if self._compilation is not None:
            told["compiled"] = self._compilation.state
        if cache is not None:
            told["step_cache"] = f"{cache.skipped} of {cache.passes} passes"
        return told
