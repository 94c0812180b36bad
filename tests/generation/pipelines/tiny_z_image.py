"""How is a Z-Image checkpoint made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from tests.generation.pipelines.tiny_parts import autoencoder
from tests.generation.pipelines.tiny_qwen import WIDTH, qwen3_config, tokenizer


def write_z_image(directory: Path) -> None:
    """Write one with random weights, the same each time."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.ZImagePipeline
    pipeline_class(
        scheduler=_scheduler(),
        vae=autoencoder(latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=transformers.Qwen3Model(qwen3_config(layers=3)),
        tokenizer=tokenizer(),
        transformer=_transformer(),
    ).save_pretrained(directory)


def _transformer() -> Any:
    transformer_class: Any = diffusers.ZImageTransformer2DModel
    transformer = transformer_class(
        in_channels=16,
        dim=64,
        n_layers=3,
        n_refiner_layers=1,
        n_heads=4,
        n_kv_heads=4,
        cap_feat_dim=WIDTH,
        axes_dims=[4, 6, 6],
        axes_lens=[1024, 64, 64],
    )
    torch.nn.init.normal_(transformer.x_pad_token)
    torch.nn.init.normal_(transformer.cap_pad_token)
    return transformer


def _scheduler() -> Any:
    scheduler_class: Any = diffusers.FlowMatchEulerDiscreteScheduler
    return scheduler_class(shift=3.0)
