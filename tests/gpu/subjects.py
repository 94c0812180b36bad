"""Which models are measured, and how is one of full size made of its configuration alone?"""

from __future__ import annotations

import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import accelerate
import torch
from torch import nn

from generation import Card, ImagineRequest, ModelSpec, Placement, Precision, VramPlan
from generation.memory.vram import plan as planned
from generation.pipelines.diffusion import DiffusionPipeline
from generation.pipelines.families import chroma, flux, flux2, hidream, qwen_image, sd3, sdxl, z_image
from generation.pipelines.family import Family
from generation.pipelines.loading import INDEX, LIBRARIES, Checkpoint
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.opening import load
from tests.full_size import FULL_SIZE, build_on_meta
from tests.generation.pipelines import tiny_models, tiny_sdxl
from tests.generation.pipelines.tiny_models import CATALOGUE, Tiny

PLAIN = Precision.BFLOAT16  # of what is not quantised
SPREAD = 0.02  # of the weights
TILE = 2**24  # numbers that are drawn once and laid out again and again: to draw 17 billion takes minutes
SDXL = Tiny(
    entry="sdxl",
    write=tiny_sdxl.write_checkpoint,
    blocks=tiny_sdxl.BLOCKS,
    whole=lambda _: None,
    twins=("StableDiffusionXLImg2ImgPipeline", "StableDiffusionXLInpaintPipeline"),
    told=lambda asked: {"guidance_scale": asked.guidance_scale},
    width=128,
    height=128,
)
MODELS: Mapping[str, tuple[Tiny, Family]] = {
    "sdxl": (SDXL, sdxl.FAMILY),
    "sd3.5-large": (tiny_models.SD3, sd3.FAMILY),
    "flux-dev": (tiny_models.FLUX, flux.FAMILY),
    "flux-schnell": (tiny_models.FAMILIES["flux schnell"], flux.FAMILY),
    "hidream": (tiny_models.HIDREAM, hidream.FAMILY),
    "hidream-fast": (replace(tiny_models.FAMILIES["hidream dev"], entry="hidream-fast"), hidream.FAMILY),
    "z-image-turbo": (tiny_models.Z_IMAGE, z_image.FAMILY),
    "flux2-klein-4b": (tiny_models.FLUX2, flux2.FAMILY),
    "qwen-image": (tiny_models.QWEN_IMAGE, qwen_image.FAMILY),
    "chroma": (tiny_models.CHROMA, chroma.FAMILY),
}


class UntrainedCheckpoint(Checkpoint):
    """One that has configurations and no weights: they are random numbers, which take as long as trained ones."""

    def filled(self, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
        """Build a network without drawing its weights, then fill them; what is computed beside weights is real."""
        with accelerate.init_empty_weights(include_buffers=False):
            network = made(kind, folder)
        tile = (SPREAD * torch.randn(TILE, generator=torch.Generator().manual_seed(0))).to(dtype)
        for module in network.modules():
            for name, weight in module.named_parameters(recurse=False):
                setattr(module, name, nn.Parameter(_filled(name, weight, tile), requires_grad=False))
        if hasattr(network, "tie_weights"):
            network.tie_weights()
        return network


def made(kind: Any, folder: Path) -> Any:
    """Build a network by the configuration in a folder."""
    if hasattr(kind, "load_config"):  # diffusers' own
        return kind.from_config(kind.load_config(folder))
    return kind(kind.config_class.from_pretrained(folder))


def _filled(name: str, weight: torch.Tensor, tile: torch.Tensor) -> torch.Tensor:
    """Give ones for the scales of norms, as trained ones nearly are, and random numbers for all else."""
    if name == "weight" and weight.ndim == 1:
        return torch.ones(weight.shape, dtype=tile.dtype)
    repeats = math.ceil(weight.numel() / len(tile))
    numbers = tile if repeats == 1 else tile.repeat(repeats)
    return numbers[: weight.numel()].reshape(weight.shape).clone()


@dataclass(frozen=True, slots=True)
class Subject:
    """A model to be measured: of full size, or a tiny one of the same classes. Its `folder` has what describes it."""

    name: str
    folder: Path
    is_full: bool

    @property
    def tiny(self) -> Tiny:
        return MODELS[self.name][0]

    @property
    def family(self) -> Family:
        return MODELS[self.name][1]

    @property
    def spec(self) -> ModelSpec:
        return self.tiny.spec(self.folder)

    @property
    def request(self) -> ImagineRequest:
        """What is drawn: the model's defaults, or the like in tiny."""
        defaults = CATALOGUE.default_request(CATALOGUE.get(self.name))
        if self.is_full:
            return defaults
        return replace(defaults, width=self.tiny.width, height=self.tiny.height, num_inference_steps=3)

    def write(self) -> None:
        """Write the folder, unless it is there."""
        if (self.folder / INDEX).exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        self.tiny.write(self.folder)
        if self.is_full:
            self._enlarge()

    def _enlarge(self) -> None:
        """Put the published configurations in the place of the tiny networks. Tokenizers and scheduler stay tiny."""
        index = json.loads((self.folder / INDEX).read_text())
        for name, part in CATALOGUE.get(self.name).components.items():
            network, library = build_on_meta(_alike(part.name)), FULL_SIZE[_alike(part.name)][0].partition(".")[0]
            folder = self.folder / self.tiny.parts.get(name, name)
            for weights in folder.glob("*.safetensors*"):
                weights.unlink()
            if library == "transformers":
                network.config.architectures = [type(network).__name__]
                network.config.save_pretrained(folder)
            else:
                network.save_config(folder)
            if name in index:
                index[name] = [library, type(network).__name__]
        (self.folder / INDEX).write_text(json.dumps(index))

    def plan(self, card: Card) -> VramPlan:
        """Give the planner's own plan for a card, at full size; a tiny model is placed in the same proportions."""
        found = planned(CATALOGUE.default_request(CATALOGUE.get(self.name)), replace(self.spec, needs_gpu=False), card)
        return found if self.is_full else _shrunk(found, self.tiny)

    def whole(self, precision: Precision) -> VramPlan:
        """Give the plan that keeps all on the card, the blocks in a precision; no encoder multiplies 8-bit floats."""
        components = self.spec.components
        encoders = PLAIN if precision is Precision.FP8 else precision
        placements = {
            name: Placement(
                part=part.name,
                precision=(precision if name == self.family.denoiser else encoders) if part.blocks else PLAIN,
                blocks=part.block_count,
                resident_blocks=part.block_count,
                resident_gib=0.0,
                host_gib=0.0,
            )
            for name, part in components.items()
        }
        found = VramPlan(
            placements=placements,
            tiled_decode=False,
            encode_gib=0.0,
            denoise_gib=0.0,
            decode_gib=0.0,
            overhead_gib=0.0,
            predicted_seconds=0.0,
        )
        return found if self.is_full else _shrunk(found, self.tiny)

    def open(self, plan: VramPlan, card: Card, pantry: Pantry, family: Family | None = None) -> DiffusionPipeline:
        """Load it through the engine."""
        opened = UntrainedCheckpoint if self.is_full else Checkpoint
        return load(self.spec, plan, card, pantry, family or self.family, opened=opened)

    def checkpoint(self) -> Checkpoint:
        """Give it for a pipeline of diffusers' own."""
        return (UntrainedCheckpoint if self.is_full else Checkpoint)(self.spec, self.family, Pantry())


def _alike(part: str) -> str:
    """Give the part whose network this one is, with other weights."""
    tables = tomllib.loads(resources.files("generation").joinpath("models/components.toml").read_text(encoding="utf-8"))
    return str(tables[part].get("like", part))


def _shrunk(plan: VramPlan, tiny: Tiny) -> VramPlan:
    """Place a tiny model as a plan places the large one: the same precisions, the same share of blocks resident."""
    placements = {}
    for name, blocks in tiny.blocks.items():
        placed = plan.placements[name]
        share = placed.resident_blocks / placed.blocks if placed.blocks else 1.0
        placements[name] = replace(placed, blocks=blocks, resident_blocks=math.floor(share * blocks))
    return replace(plan, placements=placements)


def libraries() -> list[str]:
    """Name the packages whose versions decide what is measured."""
    return ["torch", *LIBRARIES, "torchao", "bitsandbytes", "peft", "accelerate"]
