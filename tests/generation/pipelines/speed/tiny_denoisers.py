"""The seven kinds of transformers, so small that a step takes milliseconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import diffusers
import torch
from torch import nn

from generation.pipelines.speed.stacks import stacks_of

SPREAD = 0.1  # of the weights
SMALL = {"attention_head_dim": 16, "num_attention_heads": 2, "joint_attention_dim": 32}
PAIR = {"num_layers": 2, "num_single_layers": 2}
CONFIGS: Mapping[str, Mapping[str, Any]] = {
    "FluxTransformer2DModel": SMALL
    | PAIR
    | {"in_channels": 4, "pooled_projection_dim": 32, "axes_dims_rope": (4, 4, 8), "guidance_embeds": True},
    "Flux2Transformer2DModel": SMALL
    | PAIR
    | {"in_channels": 4, "timestep_guidance_channels": 16, "axes_dims_rope": (4, 4, 4, 4), "guidance_embeds": False},
    "ChromaTransformer2DModel": SMALL
    | PAIR
    | {"in_channels": 4, "axes_dims_rope": (4, 4, 8), "approximator_num_channels": 8}
    | {"approximator_hidden_dim": 16, "approximator_layers": 1},
    "SD3Transformer2DModel": {"sample_size": 8, "patch_size": 1, "in_channels": 4, "out_channels": 4}
    | {"num_layers": 3, "attention_head_dim": 8, "num_attention_heads": 4, "caption_projection_dim": 32}
    | {"joint_attention_dim": 32, "pooled_projection_dim": 64},
    "QwenImageTransformer2DModel": SMALL
    | {"patch_size": 2, "in_channels": 4, "out_channels": 1, "num_layers": 3, "axes_dims_rope": (8, 4, 4)},
    "ZImageTransformer2DModel": {"all_patch_size": (2,), "all_f_patch_size": (1,), "in_channels": 4, "dim": 32}
    | {"n_layers": 3, "n_refiner_layers": 1, "n_heads": 2, "n_kv_heads": 2, "cap_feat_dim": 32}
    | {"axes_dims": [8, 4, 4], "axes_lens": [256, 32, 32]},
    "HiDreamImageTransformer2DModel": PAIR
    | {"patch_size": 2, "in_channels": 4, "out_channels": 4, "attention_head_dim": 8, "num_attention_heads": 4}
    | {"caption_channels": [32, 16], "text_emb_dim": 64, "num_routed_experts": 4, "num_activated_experts": 2}
    | {"axes_dims_rope": (4, 2, 2), "max_resolution": (32, 32), "llama_layers": (0, 1, 1, 1)},
}
NAMES = tuple(CONFIGS)


@dataclass(frozen=True, slots=True, kw_only=True)
class Denoiser:
    """A model with random weights; `step` takes latents (1, 16, 4), or (1, 4, 8, 8) where it wants them whole."""

    model: nn.Module
    step: Callable[[torch.Tensor], torch.Tensor]
    latents: torch.Tensor

    @property
    def blocks(self) -> list[nn.Module]:
        return [block for stack in stacks_of(self.model) for block in self.model.get_submodule(stack.name).children()]

    def count_calls(self) -> list[nn.Module]:
        """Give a list that grows with each call of a block."""
        called: list[nn.Module] = []
        for block in self.blocks:
            block.register_forward_hook(lambda module, *_: called.append(module))
        return called


def build(name: str, seed: int = 0) -> Denoiser:
    torch.manual_seed(seed)
    model: Any = getattr(diffusers, name)(**CONFIGS[name]).eval()
    for weight in model.parameters():
        if weight.ndim > 1:
            nn.init.normal_(weight, std=SPREAD)
    words, pooled = torch.randn(1, 5, 32), torch.randn(1, 64)
    arguments = _arguments(name, words, pooled)
    is_whole = name.startswith(("SD3", "HiDream", "ZImage"))

    def step(latents: torch.Tensor) -> torch.Tensor:
        if name.startswith("ZImage"):  # takes lists
            return torch.stack(model(list(latents.unsqueeze(2)), torch.tensor([0.5]), [words[0]], return_dict=False)[0])
        return model(hidden_states=latents, **arguments, return_dict=False)[0]

    latents = torch.randn(1, 4, 8, 8) if is_whole else torch.randn(1, 16, 4)
    return Denoiser(model=model, step=step, latents=latents)


def _arguments(name: str, words: torch.Tensor, pooled: torch.Tensor) -> dict[str, Any]:
    places = {"img_ids": torch.zeros(16, 3), "txt_ids": torch.zeros(5, 3)}
    match name.removesuffix("Transformer2DModel"):
        case "Flux":
            more = places | {"pooled_projections": pooled[:, :32], "guidance": torch.ones(1)}
        case "Flux2":
            more = {"img_ids": torch.zeros(16, 4), "txt_ids": torch.zeros(5, 4), "guidance": None}
        case "Chroma":
            more = places
        case "QwenImage":
            more = {"encoder_hidden_states_mask": torch.ones(1, 5, dtype=torch.long), "img_shapes": [(1, 4, 4)]}
        case "SD3":
            return {"encoder_hidden_states": words, "pooled_projections": pooled, "timestep": torch.tensor([500.0])}
        case _:
            llama = torch.ones(2, 1, 5, 16)
            return {
                "encoder_hidden_states_t5": words,
                "encoder_hidden_states_llama3": llama,
                "pooled_embeds": pooled,
                "timesteps": torch.tensor([500.0]),
            }
    return {"encoder_hidden_states": words, "timestep": torch.tensor([0.5]), **more}
