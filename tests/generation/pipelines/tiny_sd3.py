"""How is a checkpoint of Stable Diffusion 3.5 made that has all parts of the real one, but in tiny and untrained?"""

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


def write_checkpoint(directory: Path, *, has_t5: bool = True) -> None:
    """Write one with random weights, the same each time; the third encoder may be left out, as operators do."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.StableDiffusion3Pipeline
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    pipeline_class(
        transformer=_transformer(),
        scheduler=scheduler_class(shift=3.0),
        vae=autoencoder(latent_channels=16, scaling_factor=1.5305, shift_factor=0.0609),
        text_encoder=transformers.CLIPTextModelWithProjection(clip_config()),
        tokenizer=clip_tokenizer(),
        text_encoder_2=transformers.CLIPTextModelWithProjection(clip_config()),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5() if has_t5 else None,
        tokenizer_3=t5_tokenizer() if has_t5 else None,
    ).save_pretrained(directory)


def _transformer() -> Any:
    """Give a denoiser like Medium's: its first block attends twice, which none of Large's does."""
    transformer_class: Any = diffusers.SD3Transformer2DModel
    heads, head_width = 4, 16
    return transformer_class(
        sample_size=16,
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=4,
        attention_head_dim=head_width,
        num_attention_heads=heads,
        caption_projection_dim=heads * head_width,
        joint_attention_dim=T5_WIDTH,
        pooled_projection_dim=2 * CLIP_WIDTH,
        pos_embed_max_size=32,
        qk_norm="rms_norm",
        dual_attention_layers=(0,),
    )
