"""Which tiny, untrained models stand for the families, and how are they loaded: through this program and without it?"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import diffusers
import transformers
from PIL import Image

from generation import Card, Catalogue, ImagineRequest, ModelSpec, Placement, Precision, VramPlan
from tests.generation.pipelines import (
    tiny_chroma,
    tiny_flux,
    tiny_flux2,
    tiny_hidream,
    tiny_qwen_image,
    tiny_sd3,
    tiny_z_image,
)
from tests.generation.studio import request

PROCESSOR = Card(device="cpu", name="a processor", memory_gib=8)
CATALOGUE = Catalogue.load()


@dataclass(frozen=True, slots=True, kw_only=True)
class Tiny:
    """One model: the entry of the catalogue whose facts hold for it, and what writes its checkpoint to a directory.

    `blocks` are those of each component. `whole` gives diffusers' own pipeline with all components, `told` what a call
    of it is told beside prompt, size and steps; `twins` are those that start from a picture, without and with a mask.
    `forgotten_shift` is what the one with a mask forgets to add to latents before it decodes them.
    """

    entry: str
    write: Callable[[Path], None]
    blocks: Mapping[str, int]
    whole: Callable[[Path], Any]
    twins: tuple[str | None, str | None]
    told: Callable[[ImagineRequest], Mapping[str, Any]]
    parts: Mapping[str, str] = field(default_factory=dict)
    forgotten_shift: float = 0.0
    width: int = 64
    height: int = 96

    @property
    def denoiser(self) -> str:
        """The name of what denoises."""
        return next(iter(self.blocks))

    @property
    def encoders(self) -> list[str]:
        """The names of what encodes words."""
        return [name for name in self.blocks if name.startswith("text_encoder")]

    def spec(self, checkpoint: Path) -> ModelSpec:
        """Give the catalogue's entry with this checkpoint."""
        parts = {name: str(checkpoint / folder) for name, folder in self.parts.items()}
        return replace(CATALOGUE.get(self.entry), checkpoint=str(checkpoint), parts=parts)

    def request(self, **changes: Any) -> ImagineRequest:
        """Give a request for text alone, with two steps."""
        spec = CATALOGUE.get(self.entry)
        asked = replace(request(model=self.entry, steps=2), width=self.width, height=self.height)
        return replace(asked, guidance_scale=spec.guidance_scale, **changes)

    def plan(self, precision: Precision = Precision.FLOAT32, **resident_blocks: int) -> VramPlan:
        """Give the plan on a processor that keeps so many blocks of these components, and all blocks of the others."""
        placements = {
            name: Placement(
                part=f"tiny/{self.entry}/{name}",
                precision=precision,
                blocks=blocks,
                resident_blocks=resident_blocks.get(name, blocks),
                resident_gib=0.0,
                host_gib=0.0,
            )
            for name, blocks in self.blocks.items()
        }
        return VramPlan(
            placements=placements,
            tiled_decode=False,
            encode_gib=1.0,
            denoise_gib=1.0,
            decode_gib=1.0,
            overhead_gib=0.25,
            predicted_seconds=1.0,
        )


def _guided(asked: ImagineRequest) -> Mapping[str, Any]:
    return {"guidance_scale": asked.guidance_scale, "negative_prompt": asked.negative_prompt}


def _klein(asked: ImagineRequest) -> Mapping[str, Any]:
    """Tell its pipeline for masks that all of a start picture is to be drawn anew, if there is no mask."""
    told: dict[str, Any] = {"guidance_scale": asked.guidance_scale}
    if asked.image and not asked.mask:
        told["mask_image"] = [Image.new("L", (asked.width, asked.height), 255)]
    return told


def _whole(directory: Path) -> Any:
    index = json.loads((directory / "model_index.json").read_text())
    left_out = {name: None for name, loader in index.items() if loader == [None, None]}
    pipeline_class: Any = diffusers.DiffusionPipeline
    return pipeline_class.from_pretrained(directory, local_files_only=True, **left_out)


def _whole_chroma(directory: Path) -> Any:
    """Load it with what diffusers' pipeline for masks asks of a denoiser's configuration, and its class leaves out."""
    pipe = _whole(directory)
    pipe.transformer.register_to_config(guidance_embeds=False)
    return pipe


def _whole_hidream(directory: Path) -> Any:
    """Load it as its page says, and let it not scale what is asked for here to a million pixels."""
    folder = directory / tiny_hidream.LLAMA
    pipe: Any = diffusers.HiDreamImagePipeline.from_pretrained(
        directory,
        text_encoder_4=transformers.LlamaForCausalLM.from_pretrained(folder),
        tokenizer_4=transformers.AutoTokenizer.from_pretrained(folder),
        local_files_only=True,
    )
    pipe.transformer.eval()
    pipe.default_sample_size = math.sqrt(64 * 96) / 8 * 1.0000001
    return pipe


SD3 = Tiny(
    entry="sd3.5-large",
    write=tiny_sd3.write_checkpoint,
    blocks={"transformer": 4, "text_encoder": 3, "text_encoder_2": 3, "text_encoder_3": 3, "vae": 0},
    whole=_whole,
    twins=("StableDiffusion3Img2ImgPipeline", "StableDiffusion3InpaintPipeline"),
    told=_guided,
    forgotten_shift=0.0609,
)
FLUX = Tiny(
    entry="flux-dev",
    write=tiny_flux.write_checkpoint,
    blocks={"transformer": 5, "text_encoder": 3, "text_encoder_2": 3, "vae": 0},
    whole=_whole,
    twins=("FluxImg2ImgPipeline", "FluxInpaintPipeline"),
    told=lambda asked: {"guidance_scale": asked.guidance_scale},
)
HIDREAM = Tiny(
    entry="hidream",
    write=tiny_hidream.write_checkpoint,
    blocks={
        "transformer": 4,
        "text_encoder": 3,
        "text_encoder_2": 3,
        "text_encoder_3": 3,
        "text_encoder_4": 3,
        "vae": 0,
    },
    whole=_whole_hidream,
    twins=(None, None),
    told=_guided,
    parts={"text_encoder_4": tiny_hidream.LLAMA, "tokenizer_4": tiny_hidream.LLAMA},
)
Z_IMAGE = Tiny(
    entry="z-image-turbo",
    write=tiny_z_image.write_z_image,
    blocks={"transformer": 5, "text_encoder": 3, "vae": 0},
    whole=_whole,
    twins=("ZImageImg2ImgPipeline", "ZImageInpaintPipeline"),
    told=lambda asked: {"guidance_scale": asked.guidance_scale},
)
FLUX2 = Tiny(
    entry="flux2-klein-4b",
    write=tiny_flux2.write_flux2,
    blocks={"transformer": 5, "text_encoder": tiny_flux2.LAYERS, "vae": 0},
    whole=_whole,
    twins=("Flux2KleinInpaintPipeline", "Flux2KleinInpaintPipeline"),
    told=_klein,
)
QWEN_IMAGE = Tiny(
    entry="qwen-image",
    write=tiny_qwen_image.write_qwen_image,
    blocks={"transformer": 3, "text_encoder": 3, "vae": 0},
    whole=_whole,
    twins=("QwenImageImg2ImgPipeline", "QwenImageInpaintPipeline"),
    told=lambda asked: {"true_cfg_scale": asked.guidance_scale, "negative_prompt": asked.negative_prompt},
)
CHROMA = Tiny(
    entry="chroma",
    write=tiny_chroma.write_chroma,
    blocks={"transformer": 5, "text_encoder": 3, "vae": 0},
    whole=_whole_chroma,
    twins=("ChromaImg2ImgPipeline", "ChromaInpaintPipeline"),
    told=lambda asked: {**_guided(asked), "max_sequence_length": 512},
)
FAMILIES: Mapping[str, Tiny] = {
    "sd3": SD3,
    "sd3 without T5": replace(
        SD3,
        write=lambda directory: tiny_sd3.write_checkpoint(directory, has_t5=False),
        blocks={name: count for name, count in SD3.blocks.items() if name != "text_encoder_3"},
    ),
    "flux dev": FLUX,
    "flux schnell": replace(
        FLUX,
        entry="flux-schnell",
        write=lambda directory: tiny_flux.write_checkpoint(directory, is_dev=False),
        told=lambda _: {"max_sequence_length": 256},
    ),
    "hidream full": HIDREAM,
    "hidream dev": replace(
        HIDREAM, entry="hidream-dev", write=lambda directory: tiny_hidream.write_checkpoint(directory, is_full=False)
    ),
    "z_image": Z_IMAGE,
    "flux2 klein": FLUX2,
    "qwen_image": QWEN_IMAGE,
    "chroma": CHROMA,
}
