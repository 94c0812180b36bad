"""How long do the phases and steps of a call take, and how long would they take at the speed of light?"""

from __future__ import annotations

import statistics
import time
from typing import Any

import torch

from generation import Card, ImagineRequest, ModelSpec, Phase
from generation.memory.costs import DECODE_TFLOP_PER_MEGAPIXEL, MEGAPIXEL, is_guided
from generation.pipelines.diffusion import DiffusionPipeline
from generation.pipelines.pipeline import Row, Step

SIDE = 8192  # of the square matrices by whose product a card's speed is measured
SEED = 5


def now() -> float:
    """Give the time at which all that was asked of the card is done."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter()


class Stopwatch:
    """Watches one call."""

    def __init__(self) -> None:
        self.began_s = now()
        self.phases: dict[Phase, float] = {}
        self.steps: list[float] = []

    def phase(self, phase: Phase) -> None:
        self.phases[phase] = now()

    def step(self, _: Step | None = None) -> None:
        self.steps.append(now())

    def told(self) -> dict[str, Any]:
        """Give seconds: of the call, and of its steps without the first one, which also warms up."""
        ended_s = now()
        gaps = [later - earlier for earlier, later in zip(self.steps, self.steps[1:], strict=False)]
        told: dict[str, Any] = {
            "image_s": ended_s - self.began_s,
            "steps": len(self.steps),
            "step_s": statistics.median(gaps) if gaps else None,
        }
        if self.phases:
            told["encode_s"] = self.phases[Phase.DENOISE] - self.phases[Phase.ENCODE]
            told["decode_s"] = ended_s - self.phases[Phase.DECODE]
        return told


def timed(pipeline: DiffusionPipeline, asked: ImagineRequest) -> dict[str, Any]:
    """Make one picture through the engine, and say what its steps and phases took."""
    watch = Stopwatch()
    pipeline.render([Row(asked, SEED)], watch.step, watch.phase)
    return watch.told()


def operations(asked: ImagineRequest, spec: ModelSpec) -> float:
    """Give the 10^12 operations of a picture: all passes of all steps, the words, and the decoding (vram.md 4.1)."""
    passes = 2 if is_guided(asked, spec) else 1
    encoders = sum(part.parameters for name, part in spec.components.items() if name.startswith("text_encoder"))
    words = 2 * encoders * spec.costs.text_tokens * passes / 1e12
    megapixels = asked.width * asked.height / MEGAPIXEL
    return spec.costs.pass_tflop * passes * asked.steps_taken + words + DECODE_TFLOP_PER_MEGAPIXEL * megapixels


def floor_s(asked: ImagineRequest, spec: ModelSpec, card: Card) -> float:
    """Give the seconds of a picture if the card did nothing but multiply, at its known speed in bf16."""
    return operations(asked, spec) / card.tflops


def multiplied_tflops(device: str, dtype: torch.dtype, side: int = SIDE, rounds: int = 20) -> float:
    """Measure how many 10^12 operations a second the product of two square matrices reaches."""
    one, other = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    for _ in range(3):
        one @ other
    started = now()
    for _ in range(rounds):
        one @ other
    return 2 * side**3 * rounds / (now() - started) / 1e12
