"""How is a Chroma checkpoint made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from tests.generation.pipelines.tiny_parts import T5_WIDTH, autoencoder, t5, t5_tokenizer


def write_chroma(directory: Path) -> None:
    """Write one with random weights, the same each time."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.ChromaPipeline
    pipeline_class(
        scheduler=_scheduler(),
        vae=autoencoder(latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=t5(),
        tokenizer=t5_tokenizer(),
        transformer=_transformer(),
    ).save_pretrained(directory)


def _transformer() -> Any:
    transformer_class: Any = diffusers.ChromaTransformer2DModel
    return transformer_class(
        in_channels=64,
        num_layers=2,
        num_single_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=T5_WIDTH,
        axes_dims_rope=(4, 6, 6),
        approximator_num_channels=16,
        approximator_hidden_dim=32,
        approximator_layers=2,
    )


def _scheduler() -> Any:
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    return scheduler_class(use_dynamic_shifting=False, shift=1.0)
