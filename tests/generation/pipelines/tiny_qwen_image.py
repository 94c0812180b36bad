"""How is a Qwen-Image checkpoint made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch

from tests.generation.pipelines.tiny_autoencoders import film_autoencoder
from tests.generation.pipelines.tiny_qwen import WIDTH, qwen_vl, tokenizer


def write_qwen_image(directory: Path) -> None:
    """Write one with random weights, the same each time."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.QwenImagePipeline
    pipeline_class(
        scheduler=_scheduler(),
        vae=film_autoencoder(),
        text_encoder=qwen_vl(),
        tokenizer=tokenizer(),
        transformer=_transformer(),
    ).save_pretrained(directory)


def _transformer() -> Any:
    transformer_class: Any = diffusers.QwenImageTransformer2DModel
    return transformer_class(
        in_channels=64,
        out_channels=16,
        num_layers=3,
        attention_head_dim=16,
        num_attention_heads=2,
        joint_attention_dim=WIDTH,
        axes_dims_rope=(4, 6, 6),
    )


def _scheduler() -> Any:
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    return scheduler_class(use_dynamic_shifting=True, max_shift=0.9, base_shift=0.5, shift_terminal=0.02)
