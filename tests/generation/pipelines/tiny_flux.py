"""How is a checkpoint of FLUX.1 made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from tests.generation.pipelines.tiny_parts import (
    CLIP_WIDTH,
    T5_WIDTH,
    autoencoder,
    clip_config,
    clip_tokenizer,
    t5,
    t5_tokenizer,
)


def write_checkpoint(directory: Path, *, is_dev: bool = True) -> None:
    """Write one with random weights, the same each time: of dev, which takes a guidance, or of schnell."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.FluxPipeline
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    pipeline_class(
        transformer=_transformer(is_dev=is_dev),
        scheduler=scheduler_class(shift=3.0 if is_dev else 1.0, use_dynamic_shifting=is_dev),
        vae=autoencoder(latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=transformers.CLIPTextModel(clip_config()),
        tokenizer=clip_tokenizer(),
        text_encoder_2=t5(),
        tokenizer_2=t5_tokenizer(),
    ).save_pretrained(directory)


def _transformer(*, is_dev: bool) -> Any:
    transformer_class: Any = diffusers.FluxTransformer2DModel
    return transformer_class(
        in_channels=64,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=4,
        joint_attention_dim=T5_WIDTH,
        pooled_projection_dim=CLIP_WIDTH,
        axes_dims_rope=(4, 6, 6),
        guidance_embeds=is_dev,
    )
