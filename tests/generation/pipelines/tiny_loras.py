"""How are adapters for a tiny network made, with random numbers, in the spellings of the common trainers?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from generation.lora import MOST_LORAS, Lora, LoraWeights
from generation.models.loras import LoraLibrary

Matrices = Mapping[str, torch.Tensor]

EVERYWHERE = ("to_q", "to_k", "to_v", "to_out.0", "ff.net.0.proj", "ff.net.2", "proj_in", "conv1", "conv_shortcut")
TEXT = ("q_proj", "k_proj", "v_proj", "out_proj", "fc1", "fc2")
STRENGTH = 0.3  # of the random numbers: much more than any training leads to, so that each layer tells


def adapted(network: Any, *ends: str, rank: int = 4, seed: int = 0) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    """Give for each layer whose name ends so the matrices at its input and at its output, by its name."""
    draws = torch.Generator().manual_seed(seed)
    found = {}
    for name, layer in network.named_modules():
        if name.endswith(ends):
            inputs, outputs = layer.weight.shape[1], layer.weight.shape[0]
            kernel = layer.weight.shape[2:]
            down = torch.randn(rank, inputs, *kernel, generator=draws) * STRENGTH
            up = torch.randn(outputs, rank, *(1 for _ in kernel), generator=draws) * STRENGTH
            found[name] = down, up
    return found


def as_peft(prefix: str, layers: Mapping[str, tuple[torch.Tensor, torch.Tensor]]) -> dict[str, torch.Tensor]:
    """Spell them as PEFT and diffusers do."""
    matrices = {}
    for name, (down, up) in layers.items():
        matrices |= {f"{prefix}.{name}.lora_A.weight": down, f"{prefix}.{name}.lora_B.weight": up}
    return matrices


def as_kohya(
    prefix: str, layers: Mapping[str, tuple[torch.Tensor, torch.Tensor]], *, alpha: float
) -> dict[str, torch.Tensor]:
    """Spell them as kohya's trainer does, with an alpha that weakens them by alpha / rank."""
    matrices = {}
    for name, (down, up) in layers.items():
        plain = f"{prefix}_{name.removeprefix('text_model.').replace('.', '_')}"
        matrices |= {
            f"{plain}.lora_down.weight": down,
            f"{plain}.lora_up.weight": up,
            f"{plain}.alpha": torch.tensor(alpha),
        }
    return matrices


def write(folder: Path, name: str, matrices: Matrices, metadata: Mapping[str, str] | None = None) -> Path:
    """Write an adapter's file."""
    path = folder / f"{name}.safetensors"
    save_file(
        {key: matrix.contiguous() for key, matrix in matrices.items()}, path, metadata=dict(metadata or {}) or None
    )
    return path


def weights(folder: Path, *loras: Lora) -> tuple[LoraWeights, ...]:
    """Give the files behind these, as the worker hands them to a model."""
    return LoraLibrary(folder).weights(loras)


def write_many(directory: Path, whole: Any) -> None:
    """Write adapters of all kinds for a tiny SDXL: in each spelling, weakened, for text encoders too, and five more."""
    layers = adapted(whole.unet, *EVERYWHERE)
    write(directory, "peft", as_peft("unet", layers))
    write(directory, "kohya", as_kohya("lora_unet", layers, alpha=4.0))
    write(directory, "weak", as_kohya("lora_unet", layers, alpha=1.0))
    write(directory, "quarter", as_peft("unet", layers), _alpha(1))
    text = adapted(whole.text_encoder, *TEXT, rank=2), adapted(whole.text_encoder_2, *TEXT, rank=2)
    told = as_kohya("lora_te1_text_model", text[0], alpha=2.0) | as_kohya("lora_te2_text_model", text[1], alpha=2.0)
    write(directory, "text", as_kohya("lora_unet", adapted(whole.unet, "to_v"), alpha=4.0) | told)
    for number in range(MOST_LORAS + 1):
        write(directory, f"ink{number}", as_peft("unet", adapted(whole.unet, "to_q", "to_v", seed=number)))


def _alpha(alpha: int) -> dict[str, str]:
    """Give the metadata in which diffusers keeps how much an adapter of rank 4 is weakened."""
    facts = {"unet.r": 4, "unet.lora_alpha": alpha, "unet.target_modules": list(EVERYWHERE)}
    return {"lora_adapter_metadata": json.dumps(facts)}
