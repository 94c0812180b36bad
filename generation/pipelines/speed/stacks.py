"""Which of a denoiser's modules are the blocks in which it spends its time, in the order in which they run?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from torch import nn

HIDDEN, ENCODED = "hidden_states", "encoder_hidden_states"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """Blocks that run one after the other, each on what the one before returned.

    `name` is the attribute that holds them; `streams` are the parameters of which a block returns new values, in the
    order in which it returns them. `picture` is the one that carries the picture.
    """

    name: str
    streams: tuple[str, ...]

    @property
    def picture(self) -> str:
        """The stream that carries the picture."""
        return HIDDEN if HIDDEN in self.streams else self.streams[0]


# Read from the models' own forward methods in diffusers 0.42.1, by the name of the class.
STACKS: Mapping[str, tuple[Stack, ...]] = {
    "ChromaTransformer2DModel": (
        Stack(name="transformer_blocks", streams=(ENCODED, HIDDEN)),
        Stack(name="single_transformer_blocks", streams=(HIDDEN,)),
    ),
    "Flux2Transformer2DModel": (
        Stack(name="transformer_blocks", streams=(ENCODED, HIDDEN)),
        Stack(name="single_transformer_blocks", streams=(HIDDEN,)),
    ),
    "FluxTransformer2DModel": (
        Stack(name="transformer_blocks", streams=(ENCODED, HIDDEN)),
        Stack(name="single_transformer_blocks", streams=(ENCODED, HIDDEN)),
    ),
    "HiDreamImageTransformer2DModel": (
        Stack(name="double_stream_blocks", streams=(HIDDEN, ENCODED)),
        Stack(name="single_stream_blocks", streams=(HIDDEN,)),
    ),
    "QwenImageTransformer2DModel": (Stack(name="transformer_blocks", streams=(ENCODED, HIDDEN)),),
    "SD3Transformer2DModel": (Stack(name="transformer_blocks", streams=(ENCODED, HIDDEN)),),
    "ZImageTransformer2DModel": (Stack(name="layers", streams=("x",)),),
}


def stacks_of(denoiser: nn.Module) -> tuple[Stack, ...]:
    """Give the stacks of a transformer; none for what is no plain row of blocks, such as a UNet."""
    return STACKS.get(type(denoiser).__name__, ())


def regions_of(denoiser: nn.Module) -> list[nn.Module]:
    """Give the modules worth compiling each by itself: a transformer's blocks, or a UNet's stages."""
    if stacks := stacks_of(denoiser):
        return [block for stack in stacks for block in denoiser.get_submodule(stack.name).children()]
    stages = [denoiser.get_submodule(name) for name in ("down_blocks", "up_blocks") if hasattr(denoiser, name)]
    middle = getattr(denoiser, "mid_block", None)
    return [*(stage for group in stages for stage in group.children()), *([] if middle is None else [middle])]
