"""How is an SDXL read whose weights all lie in one file, as those who train such models hand them on?

By diffusers' own conversion, part by part, so that no part is in memory twice; never over the network.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch
from diffusers.loaders.single_file_utils import create_diffusers_clip_model_from_ldm
from safetensors import SafetensorError, safe_open

from generation.errors import ModelLoadError
from generation.models.model import ENCODER, ModelSpec

# How the names of a part's weights begin.
PREFIXES: Mapping[str, str] = {
    "unet": "model.diffusion_model.",
    "text_encoder": "conditioner.embedders.0.transformer.",
    "text_encoder_2": "conditioner.embedders.1.model.",
    "vae": "first_stage_model.",
}
# What else goes round as one file, by what only its names have in them; the first that is found counts.
STRANGERS: Mapping[str, str] = {
    "lora_": "a LoRA, which goes into the folder of LoRAs",
    "double_blocks.": "a FLUX",
    "joint_blocks.": "a Stable Diffusion 3",
    "cond_stage_model.transformer.": "a Stable Diffusion 1",
    "cond_stage_model.model.": "a Stable Diffusion 2",
    "conditioner.embedders.0.model.": "the refiner of SDXL",
    "control_model.": "a ControlNet",
    "controlnet_": "a ControlNet",
}
# The same of a part alone, by how all its names begin, in the layout of such files or in that of diffusers.
ALONE: Mapping[str, tuple[str, ...]] = {
    "a denoiser alone": (
        *(PREFIXES["unet"], "input_blocks.", "middle_block.", "output_blocks.", "time_embed", "label_emb.", "out."),
        *("conv_in.", "conv_out.", "conv_norm_out.", "down_blocks.", "mid_block.", "up_blocks.", "add_embedding."),
    ),
    "an autoencoder alone": (PREFIXES["vae"], "encoder.", "decoder.", "quant_conv.", "post_quant_conv."),
    "text encoders alone": ("conditioner.", "text_model.", "text_projection.", "transformer."),
}


class SingleFile:
    """The file of such a model. `path` is where it lies.

    Raises ModelLoadError if it cannot be read or is something else; the text says what it seems to be.
    """

    def __init__(self, spec: ModelSpec) -> None:
        self._name = spec.name
        self.path = Path(spec.checkpoint)
        names = self._names()
        missing = [part for part in PREFIXES if part not in spec.parts and not _under(PREFIXES[part], names)]
        if missing:
            raise ModelLoadError(f"{spec.name}: its checkpoint file is {_complaint(missing, names)}")

    def filled(self, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
        """Build the network that a folder with its configuration describes, with its weights from the file."""
        part = folder.name
        with safe_open(self.path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in _under(PREFIXES[part], file.keys())}
        told = {"config": str(folder.parent), "subfolder": part, "torch_dtype": dtype, "local_files_only": True}
        try:
            if part.startswith(ENCODER):
                network: Any = create_diffusers_clip_model_from_ldm(kind, weights, **told)
            else:
                network = kind.from_single_file(weights, **told)
        except (ValueError, KeyError, NotImplementedError) as error:  # a weight of another shape, or none
            raise self._misfit(part) from error
        if any(tensor.is_meta for tensor in (*network.parameters(), *network.buffers())):
            raise self._misfit(part)
        return network

    def _names(self) -> list[str]:
        if not self.path.is_file():
            raise ModelLoadError(f"{self._name}: its checkpoint file is not there.")
        try:
            with safe_open(self.path, "pt") as file:
                return list(file.keys())
        except (OSError, SafetensorError) as error:
            raise ModelLoadError(
                f"{self._name}: its checkpoint file is no safetensors file, whatever its name says, or it is cut off."
            ) from error

    def _misfit(self, part: str) -> ModelLoadError:
        return ModelLoadError(
            f"{self._name}: the weights of {part} in its checkpoint file are not those that its configuration asks for."
        )


def _under(prefix: str, names: Collection[str]) -> list[str]:
    return [name for name in names if name.startswith(prefix)]


def _complaint(missing: Collection[str], names: Collection[str]) -> str:
    for mark, what in STRANGERS.items():
        if any(mark in name for name in names):
            return f"no SDXL; it seems to be {what}."
    for what, beginnings in ALONE.items():
        if names and all(name.startswith(beginnings) for name in names):
            return f"no whole SDXL; it seems to be {what}."
    if len(missing) == len(PREFIXES):
        return "no SDXL, nor anything else that is known here."
    return f"no whole SDXL: it lacks {', '.join(missing)}, which `parts` may take from elsewhere."
