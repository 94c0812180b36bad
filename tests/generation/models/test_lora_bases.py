"""For which base is an adapter made? By its layers' names and shapes, in the spellings of the common trainers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from generation import Catalogue
from generation.models.lora_bases import PART_WIDTHS
from generation.models.loras import LoraLibrary
from tests.generation.lora_files import CROSS, SDXL, Shapes, kohya, peft, write_lora

CATALOGUE = Catalogue.load()

MADE_FOR: dict[str, tuple[Shapes, Mapping[str, str], str, list[str]]] = {
    "sdxl, diffusers": (SDXL, {}, "SDXL", ["sdxl"]),
    "sdxl, kohya": (kohya({f"down_blocks.1.attentions.0.{CROSS}": (640, 2048)}), {}, "SDXL", ["sdxl"]),
    "sdxl, kohya by the makers' names": (kohya({f"input_blocks.4.1.{CROSS}": (640, 2048)}), {}, "SDXL", ["sdxl"]),
    "sd 1": (kohya({f"down_blocks.1.attentions.0.{CROSS}": (640, 768)}), {}, "Stable Diffusion 1", []),
    "sd3.5 large": (
        peft("transformer.", {"transformer_blocks.0.attn.to_q": (2432, 2432)}),
        {},
        "Stable Diffusion 3.5 Large",
        ["sd3.5-large"],
    ),
    "sd3.5 medium": (
        peft("transformer.", {"transformer_blocks.0.attn2.to_q": (1536, 1536)}),
        {},
        "Stable Diffusion 3.5 Medium",
        ["sd3.5-medium"],
    ),
    "flux, diffusers": (
        peft("transformer.", {"single_transformer_blocks.7.attn.to_q": (3072, 3072)}),
        {},
        "FLUX.1",
        ["flux-dev", "flux-schnell"],
    ),
    "flux, kohya": (kohya({"double_blocks.0.img_attn.qkv": (9216, 3072)}), {}, "FLUX.1", ["flux-dev", "flux-schnell"]),
    "flux, makers' names": (
        peft("diffusion_model.", {"single_blocks.37.linear1": (21504, 3072)}),
        {},
        "FLUX.1",
        ["flux-dev", "flux-schnell"],
    ),
    "klein, diffusers": (
        peft("transformer.", {"single_transformer_blocks.0.attn.to_qkv_mlp_proj": (27648, 3072)}),
        {},
        "FLUX.2 klein 4B",
        ["flux2-klein-4b"],
    ),
    "klein, makers' names": (
        peft("diffusion_model.", {"single_blocks.0.linear1": (27648, 3072)}),
        {},
        "FLUX.2 klein 4B",
        ["flux2-klein-4b"],
    ),
    "klein, kohya, told by its metadata": (
        kohya({"double_blocks.0.img_attn.qkv": (9216, 3072)}),
        {"modelspec.architecture": "flux-2-klein/lora"},
        "FLUX.2 klein 4B",
        ["flux2-klein-4b"],
    ),
    "flux 2 dev": (
        peft("diffusion_model.", {"double_blocks.0.img_attn.qkv": (18432, 6144)}),
        {},
        "FLUX.2 dev",
        [],
    ),
    "chroma, told by its metadata": (
        peft("transformer.", {"single_transformer_blocks.7.attn.to_q": (3072, 3072)}),
        {"modelspec.architecture": "chroma/lora"},
        "Chroma",
        ["chroma"],
    ),
    "qwen": (
        peft("transformer.", {"transformer_blocks.59.attn.to_q": (3072, 3072)}),
        {},
        "Qwen-Image",
        ["qwen-image"],
    ),
    "qwen by its feed-forward": (
        peft("", {"transformer_blocks.0.img_mlp.net.2": (3072, 12288)}),
        {},
        "a model of the family qwen_image",
        ["qwen-image"],
    ),
    "z-image": (
        peft("diffusion_model.", {"layers.0.attention.to_q": (3840, 3840)}),
        {},
        "Z-Image",
        ["z-image-turbo"],
    ),
    "hidream": (
        peft("transformer.", {"double_stream_blocks.0.block.attn1.to_q": (2560, 2560)}),
        {},
        "HiDream-I1",
        ["hidream", "hidream-dev", "hidream-fast"],
    ),
}


@pytest.mark.parametrize(("shapes", "metadata", "title", "models"), MADE_FOR.values(), ids=MADE_FOR)
def test_the_base_is_told_by_names_and_shapes(
    shapes: Shapes, metadata: Mapping[str, str], title: str, models: list[str], tmp_path: Path
) -> None:
    write_lora(tmp_path, "some", shapes, metadata)

    base = LoraLibrary(tmp_path).get("some").base

    assert base.title == title
    assert [spec.name for spec in CATALOGUE if base.fits(spec)] == models


def test_metadata_that_lie_about_the_base_convince_nobody(tmp_path: Path) -> None:
    write_lora(tmp_path, "some", SDXL, {"modelspec.architecture": "flux-1-dev/lora", "ss_base_model_version": "chroma"})

    assert LoraLibrary(tmp_path).get("some").base.title == "SDXL"


def test_the_width_of_every_denoiser_that_ships_is_known() -> None:
    denoisers = {(spec.components.get("unet") or spec.components["transformer"]).name for spec in CATALOGUE}

    assert denoisers == set(PART_WIDTHS)
