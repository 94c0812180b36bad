"""How is a FLUX.2 klein checkpoint made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from tests.generation.pipelines.tiny_autoencoders import whitened_autoencoder
from tests.generation.pipelines.tiny_qwen import WIDTH, qwen3_config, tokenizer

LAYERS = 27  # the pipeline looks at the ninth, the eighteenth and the last of these
LOOKED_AT = 3


def write_flux2(directory: Path, *, is_distilled: bool = True) -> None:
    """Write one with random weights, the same each time; distilled, as klein is, or not."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.Flux2KleinPipeline
    pipeline_class(
        scheduler=_scheduler(),
        vae=whitened_autoencoder(),
        text_encoder=transformers.Qwen3ForCausalLM(qwen3_config(layers=LAYERS)),
        tokenizer=tokenizer(),
        transformer=_transformer(),
        is_distilled=is_distilled,
    ).save_pretrained(directory)


def _transformer() -> Any:
    transformer_class: Any = diffusers.Flux2Transformer2DModel
    return transformer_class(
        in_channels=128,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=LOOKED_AT * WIDTH,
        timestep_guidance_channels=16,
        axes_dims_rope=(4, 4, 4, 4),
        guidance_embeds=False,
    )


def _scheduler() -> Any:
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    return scheduler_class(shift=3.0, use_dynamic_shifting=True, max_shift=1.15, base_shift=0.5)
