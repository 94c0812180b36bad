"""Which layers of a loaded model does an adapter's file change, and does it fit that model at all?

diffusers knows how the trainers spell a layer's name and brings all of it into PEFT's form; here it is held against the
network itself, whatever the file's metadata say.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers.utils import (
    convert_state_dict_to_diffusers,
    convert_state_dict_to_peft,
    convert_unet_state_dict_to_peft,
)
from diffusers.utils.peft_utils import _create_lora_config
from peft import LoraConfig
from safetensors import SafetensorError

from generation.errors import LoraError
from generation.lora import LoraWeights

INPUT, OUTPUT = ".lora_A.weight", ".lora_B.weight"


@dataclass(frozen=True, slots=True)
class Change:
    """What an adapter does to one network: PEFT's configuration, and two matrices for each layer, by its name."""

    config: LoraConfig
    matrices: Mapping[str, torch.Tensor]


def read_changes(
    weights: LoraWeights, pipeline_class: Any, networks: Mapping[str, torch.nn.Module], model: str
) -> dict[str, Change]:
    """Read an adapter for the networks of a model, by diffusers' names; gives those that it changes.

    Raises:
        LoraError: the file cannot be read, or does not fit the networks.
    """
    name = weights.lora.name
    try:
        matrices, alphas, metadata = _converted(weights, pipeline_class, networks)
        parts = {part: _part(part, matrices, alphas, metadata, networks[part]) for part in networks}
    except (OSError, SafetensorError) as error:
        raise LoraError(f"The LoRA {name} cannot be read; an admin can put its file there anew.") from error
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RuntimeError) as error:
        raise LoraError(f"The LoRA {name} is written in a form that this version does not understand.") from error
    changes = {part: change for part, change in parts.items() if change is not None}
    taken = sum(len(change.matrices) for change in changes.values())
    is_whole = bool(changes) and taken == len(matrices)
    if not is_whole or not all(_fits(change, networks[part]) for part, change in changes.items()):
        raise LoraError(f"The LoRA {name} does not fit {model}: its layers are those of another model.")
    return changes


def _converted(
    weights: LoraWeights, pipeline_class: Any, networks: Mapping[str, torch.nn.Module]
) -> tuple[dict[str, torch.Tensor], dict[str, float] | None, dict[str, Any] | None]:
    """Give the matrices with names such as "unet.LAYER...", each layer's alpha if it is kept apart, and metadata."""
    if not weights.path.is_file():  # else diffusers takes the path for the name of a repository
        raise FileNotFoundError(weights.path)
    options: dict[str, Any] = {}
    if "unet" in networks:
        options["unet_config"] = networks["unet"].config
    found = pipeline_class.lora_state_dict(
        str(weights.path), use_safetensors=True, local_files_only=True, return_lora_metadata=True, **options
    )
    matrices, *alphas, metadata = found
    return matrices, alphas[0] if alphas else None, metadata


def _part(
    part: str,
    matrices: Mapping[str, torch.Tensor],
    alphas: Mapping[str, float] | None,
    metadata: Mapping[str, Any] | None,
    network: torch.nn.Module,
) -> Change | None:
    """Give what is meant for one network; None if nothing is."""
    is_text = part.startswith("text_encoder")
    own = _of_part(part, matrices)
    if not own:
        return None
    if is_text:
        own = convert_state_dict_to_peft(convert_state_dict_to_diffusers(own))
        if not hasattr(network, "text_model"):  # transformers 5 has flattened CLIP
            own = {name.removeprefix("text_model."): matrix for name, matrix in own.items()}
    elif not any(".lora_A" in name for name in own):
        own = convert_unet_state_dict_to_peft(own)
    ranks = {f"^{name}": matrix.shape[1] for name, matrix in own.items() if name.endswith(OUTPUT)}
    strengths, facts = _of_part(part, alphas or {}), _of_part(part, metadata or {})
    config = _create_lora_config(own, strengths or None, facts or None, ranks, is_unet=not is_text)
    return Change(config, own)


def _of_part(part: str, values: Mapping[str, Any]) -> dict[str, Any]:
    return {name.removeprefix(f"{part}."): value for name, value in values.items() if name.startswith(f"{part}.")}


def _fits(change: Change, network: torch.nn.Module) -> bool:
    layers = dict(network.named_modules())
    names = {name.removesuffix(INPUT).removesuffix(OUTPUT) for name in change.matrices}
    if {name + end for name in names for end in (INPUT, OUTPUT)} != change.matrices.keys():
        return False
    for name in names:
        down, up = change.matrices[name + INPUT], change.matrices[name + OUTPUT]
        sides = _sides(layers.get(name))
        if sides != (down.shape[1], up.shape[0]) or down.shape[0] != up.shape[1]:
            return False
    return True


def _sides(layer: torch.nn.Module | None) -> tuple[int, int] | None:
    """Give a layer's inputs and outputs; None if there is none, or it is of a kind that adapters do not change."""
    match layer:
        case torch.nn.Linear():
            return layer.in_features, layer.out_features
        case torch.nn.Conv2d():
            return layer.in_channels, layer.out_channels
        case _:
            return None
