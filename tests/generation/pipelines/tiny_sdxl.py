"""How is an SDXL checkpoint made that has all parts of the real one, but in tiny and untrained?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from tokenizers import pre_tokenizers

from generation import Card, Catalogue, ModelSpec, Placement, Precision, VramPlan
from tests.generation.studio import request

WIDTH = 32  # of each text encoder's hidden states
PROCESSOR = Card(device="cpu", name="a processor", memory_gib=8)
SDXL = Catalogue.load().get("sdxl")
# Of the network of the checkpoint below.
BLOCKS = {"unet": 4, "text_encoder": 3, "text_encoder_2": 3, "vae": 0}
REQUEST = replace(request(model="sdxl", steps=3), width=128, height=128, guidance_scale=5.0)
ENTRY = """
[tiny]
title = "A tiny SDXL"
family = "sdxl"
checkpoint = "{checkpoint}"
licence = "MIT"
needs_gpu = false
scheduler = "EulerDiscreteScheduler"
num_inference_steps = 3
guidance_scale = 5.0
has_negative_prompt = true
width = 128
height = 128
smallest_side = 64
largest_side = 256
side_multiple = 64
seconds_per_step = 0.05
components = {{ unet = {{ parameters = 5_000_000 }} }}
costs = {{ pass_tflop = 0.001, gib_per_kilotoken = 0.1, text_tokens = 0 }}
"""


def placed(resident_blocks: Mapping[str, int] = BLOCKS, *, precision: Precision = Precision.FLOAT32) -> VramPlan:
    """Give the plan on a processor by which so many blocks of each component stay, and the others are streamed."""
    placements = {
        name: Placement(
            part=f"tiny/{name}",
            precision=precision,
            blocks=blocks,
            resident_blocks=resident_blocks[name],
            resident_gib=0.0,
            host_gib=0.0,
        )
        for name, blocks in BLOCKS.items()
    }
    return VramPlan(
        placements=placements,
        tiled_decode=False,
        encode_gib=1.0,
        denoise_gib=1.0,
        decode_gib=1.0,
        overhead_gib=0.25,
        predicted_seconds=1.0,
    )


WHOLE = placed()
STREAMED = placed(dict.fromkeys(BLOCKS, 0))


def spec(checkpoint: Path, **changes: object) -> ModelSpec:
    """Give the catalogue's entry with another checkpoint."""
    return replace(SDXL, checkpoint=str(checkpoint), **changes)  # type: ignore[arg-type]


def write_checkpoint(directory: Path, *, is_vae_tiny: bool = False, seed: int = 0) -> None:
    """Write one with random weights, the same for a seed; its autoencoder is an AutoencoderKL or an AutoencoderTiny."""
    torch.manual_seed(seed)
    pipeline_class: Any = diffusers.StableDiffusionXLPipeline
    tokenizer = _tokenizer()
    pipeline_class(
        vae=_tiny_autoencoder() if is_vae_tiny else _autoencoder(),
        text_encoder=transformers.CLIPTextModel(_text_config(len(tokenizer))),
        text_encoder_2=transformers.CLIPTextModelWithProjection(_text_config(len(tokenizer))),
        tokenizer=tokenizer,
        tokenizer_2=_tokenizer(),
        unet=_unet(),
        scheduler=_scheduler(),
        force_zeros_for_empty_prompt=False,
    ).save_pretrained(directory)


def _tokenizer() -> transformers.CLIPTokenizer:
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*letters, *(letter + "</w>" for letter in letters), "<|startoftext|>", "<|endoftext|>"]
    vocabulary = {token: number for number, token in enumerate(tokens)}
    return transformers.CLIPTokenizer(vocab=vocabulary, merges=[], model_max_length=77)


def _text_config(tokens: int) -> transformers.CLIPTextConfig:
    return transformers.CLIPTextConfig(
        vocab_size=tokens,
        hidden_size=WIDTH,
        intermediate_size=37,
        num_attention_heads=4,
        num_hidden_layers=3,
        projection_dim=WIDTH,
        bos_token_id=tokens - 2,
        eos_token_id=tokens - 1,
        pad_token_id=tokens - 1,
    )


def _unet() -> Any:
    unet_class: Any = diffusers.UNet2DConditionModel
    time_ids, time_id_width = 6, 8
    return unet_class(
        sample_size=16,
        in_channels=4,
        out_channels=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        block_out_channels=(16, 32),
        layers_per_block=1,
        cross_attention_dim=2 * WIDTH,
        attention_head_dim=(2, 4),
        norm_num_groups=8,
        use_linear_projection=True,
        addition_embed_type="text_time",
        addition_time_embed_dim=time_id_width,
        projection_class_embeddings_input_dim=WIDTH + time_ids * time_id_width,
    )


def _autoencoder() -> Any:
    autoencoder_class: Any = diffusers.AutoencoderKL
    return autoencoder_class(
        block_out_channels=(8, 8, 16, 16),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=4,
        sample_size=1024,
        scaling_factor=0.13025,
    )


def _tiny_autoencoder() -> Any:
    autoencoder_class: Any = diffusers.AutoencoderTiny
    return autoencoder_class(
        encoder_block_out_channels=(8,) * 4,
        decoder_block_out_channels=(8,) * 4,
        num_encoder_blocks=(1,) * 4,
        num_decoder_blocks=(1,) * 4,
    )


def _scheduler() -> Any:
    scheduler_class: Any = diffusers.EulerDiscreteScheduler
    return scheduler_class(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        steps_offset=1,
        timestep_spacing="leading",
    )
