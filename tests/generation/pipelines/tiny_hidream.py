"""How is a checkpoint of HiDream-I1 made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers

from tests.generation.pipelines.tiny_parts import (
    CLIP_WIDTH,
    LLAMA_LAYERS,
    LLAMA_WIDTH,
    T5_WIDTH,
    autoencoder,
    clip_config,
    clip_tokenizer,
    llama,
    llama_tokenizer,
    t5,
    t5_tokenizer,
)

LARGEST = 128  # pixels of the longest square side that the denoiser has room for
LLAMA = "llama"  # the folder beside the checkpoint's own ones that stands for Meta's repository


def write_checkpoint(directory: Path, *, is_full: bool = True) -> None:
    """Write one with random weights, the same each time, of Full or of Dev, and a Llama in a folder of its own."""
    torch.manual_seed(0)
    pipeline_class: Any = diffusers.HiDreamImagePipeline
    pipeline_class(
        transformer=transformer(),
        scheduler=_scheduler(is_full=is_full),
        vae=autoencoder(latent_channels=16, scaling_factor=0.3611, shift_factor=0.1159),
        text_encoder=transformers.CLIPTextModelWithProjection(clip_config(positions=248)),
        tokenizer=clip_tokenizer(),
        text_encoder_2=transformers.CLIPTextModelWithProjection(clip_config(positions=218)),
        tokenizer_2=clip_tokenizer(),
        text_encoder_3=t5(),
        tokenizer_3=t5_tokenizer(),
        text_encoder_4=None,
        tokenizer_4=None,
    ).save_pretrained(directory)
    index = directory / "model_index.json"
    held = json.loads(index.read_text())
    index.write_text(json.dumps({name: held[name] for name in held if not name.endswith("_4")}))
    llama().save_pretrained(directory / LLAMA)
    llama_tokenizer().save_pretrained(directory / LLAMA)


def transformer(*, num_routed_experts: int = 4) -> Any:
    """Give a denoiser whose rope splits a head's width as the real one's does: half, a quarter, a quarter."""
    transformer_class: Any = diffusers.HiDreamImageTransformer2DModel
    patches = LARGEST // 8
    return transformer_class(
        patch_size=2,
        in_channels=16,
        out_channels=16,
        num_layers=2,
        num_single_layers=2,
        attention_head_dim=16,
        num_attention_heads=4,
        caption_channels=[T5_WIDTH, LLAMA_WIDTH],
        text_emb_dim=2 * CLIP_WIDTH,
        num_routed_experts=num_routed_experts,
        num_activated_experts=2,
        axes_dims_rope=(8, 4, 4),
        max_resolution=(patches, patches),
        llama_layers=[*range(LLAMA_LAYERS), LLAMA_LAYERS - 1],
    ).eval()


def _scheduler(*, is_full: bool) -> Any:
    if is_full:
        full_class: Any = diffusers.UniPCMultistepScheduler
        return full_class(prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0)
    distilled_class: Any = diffusers.FlowMatchLCMScheduler
    return distilled_class(shift=6.0)
