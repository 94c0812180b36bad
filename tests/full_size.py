"""How large is each known part of a model: which class is it, with which configuration?

The configurations of the published checkpoints, by which networks of full size are made from random weights.
What a class has as its default is the published one. Tests count their weights on meta, where they take no memory;
`tests/gpu` fills them.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import torch

SDXL = {
    "sample_size": 128,
    "in_channels": 4,
    "out_channels": 4,
    "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
    "mid_block_type": "UNetMidBlock2DCrossAttn",
    "up_block_types": ("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
    "block_out_channels": (320, 640, 1280),
    "layers_per_block": 2,
    "cross_attention_dim": 2048,
    "transformer_layers_per_block": (1, 2, 10),
    "attention_head_dim": (5, 10, 20),
    "use_linear_projection": True,
    "addition_embed_type": "text_time",
    "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}
SD35_LARGE = {
    "sample_size": 128,
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 38,
    "attention_head_dim": 64,
    "num_attention_heads": 38,
    "joint_attention_dim": 4096,
    "caption_projection_dim": 2432,
    "pooled_projection_dim": 2048,
    "pos_embed_max_size": 192,
    "qk_norm": "rms_norm",
}
SD35_MEDIUM = SD35_LARGE | {
    "num_layers": 24,
    "num_attention_heads": 24,
    "caption_projection_dim": 1536,
    "pos_embed_max_size": 384,
    "dual_attention_layers": tuple(range(13)),
}
HIDREAM = {
    "patch_size": 2,
    "in_channels": 16,
    "out_channels": 16,
    "num_layers": 16,
    "num_single_layers": 32,
    "attention_head_dim": 128,
    "num_attention_heads": 20,
    "caption_channels": [4096, 4096],
    "text_emb_dim": 2048,
    "num_routed_experts": 4,
    "num_activated_experts": 2,
    "axes_dims_rope": (64, 32, 32),
    "max_resolution": (128, 128),
    "llama_layers": [*range(32), *([31] * 16)],
}
KLEIN_4B = {
    "patch_size": 1,
    "in_channels": 128,
    "num_layers": 5,
    "num_single_layers": 20,
    "num_attention_heads": 24,
    "attention_head_dim": 128,
    "joint_attention_dim": 7680,
    "timestep_guidance_channels": 256,
    "mlp_ratio": 3.0,
    "guidance_embeds": False,
}
VAE = {
    "down_block_types": ("DownEncoderBlock2D",) * 4,
    "up_block_types": ("UpDecoderBlock2D",) * 4,
    "block_out_channels": (128, 256, 512, 512),
    "layers_per_block": 2,
    "norm_num_groups": 32,
    "sample_size": 1024,
}
VAE_SDXL = VAE | {"latent_channels": 4, "scaling_factor": 0.13025, "force_upcast": True}
VAE_FLUX = VAE | {
    "latent_channels": 16,
    "scaling_factor": 0.3611,
    "shift_factor": 0.1159,
    "use_quant_conv": False,
    "use_post_quant_conv": False,
}
T5_XXL = {
    "vocab_size": 32128,
    "d_model": 4096,
    "d_kv": 64,
    "d_ff": 10240,
    "num_layers": 24,
    "num_heads": 64,
    "feed_forward_proj": "gated-gelu",
    "is_encoder_decoder": False,
    "use_cache": False,
}
CLIP_L = {
    "vocab_size": 49408,
    "hidden_size": 768,
    "intermediate_size": 3072,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "max_position_embeddings": 77,
    "projection_dim": 768,
}
CLIP_G = CLIP_L | {
    "hidden_size": 1280,
    "intermediate_size": 5120,
    "num_hidden_layers": 32,
    "num_attention_heads": 20,
    "projection_dim": 1280,
    "hidden_act": "gelu",
}
LLAMA_8B = {
    "vocab_size": 128256,
    "hidden_size": 4096,
    "intermediate_size": 14336,
    "num_hidden_layers": 32,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "rope_theta": 500000.0,
}
QWEN3_4B = {
    "vocab_size": 151936,
    "hidden_size": 2560,
    "intermediate_size": 9728,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "tie_word_embeddings": True,
}
QWEN25_VL_7B = {
    "text_config": {
        "vocab_size": 152064,
        "hidden_size": 3584,
        "intermediate_size": 18944,
        "num_hidden_layers": 28,
        "num_attention_heads": 28,
        "num_key_value_heads": 4,
        "tie_word_embeddings": False,
    },
    "vision_config": {
        "depth": 32,
        "hidden_size": 1280,
        "intermediate_size": 3420,
        "num_heads": 16,
        "out_hidden_size": 3584,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "window_size": 112,
        "fullatt_block_indexes": [7, 15, 23, 31],
    },
    "tie_word_embeddings": False,
}

# The class of each part of generation/models/components.toml and its configuration.
FULL_SIZE: Mapping[str, tuple[str, Mapping[str, Any]]] = MappingProxyType(
    {
        "sdxl": ("diffusers.UNet2DConditionModel", SDXL),
        "sd3.5-large": ("diffusers.SD3Transformer2DModel", SD35_LARGE),
        "sd3.5-medium": ("diffusers.SD3Transformer2DModel", SD35_MEDIUM),
        "flux-dev": ("diffusers.FluxTransformer2DModel", {"guidance_embeds": True}),
        "flux-schnell": ("diffusers.FluxTransformer2DModel", {"guidance_embeds": False}),
        "hidream": ("diffusers.HiDreamImageTransformer2DModel", HIDREAM),
        "z-image": ("diffusers.ZImageTransformer2DModel", {}),
        "flux2-klein-4b": ("diffusers.Flux2Transformer2DModel", KLEIN_4B),
        "qwen-image": ("diffusers.QwenImageTransformer2DModel", {}),
        "chroma": ("diffusers.ChromaTransformer2DModel", {}),
        "clip-l": ("transformers.CLIPTextModel", CLIP_L),
        "clip-l-projected": ("transformers.CLIPTextModelWithProjection", CLIP_L),
        "clip-g": ("transformers.CLIPTextModelWithProjection", CLIP_G),
        "long-clip-l": ("transformers.CLIPTextModelWithProjection", CLIP_L | {"max_position_embeddings": 248}),
        "long-clip-g": ("transformers.CLIPTextModelWithProjection", CLIP_G | {"max_position_embeddings": 218}),
        "t5-xxl": ("transformers.T5EncoderModel", T5_XXL),
        "llama-3.1-8b": ("transformers.LlamaForCausalLM", LLAMA_8B),
        "qwen3-4b": ("transformers.Qwen3ForCausalLM", QWEN3_4B),
        "qwen2.5-vl-7b": ("transformers.Qwen2_5_VLForConditionalGeneration", QWEN25_VL_7B),
        "vae-sdxl": ("diffusers.AutoencoderKL", VAE_SDXL),
        "vae-flux": ("diffusers.AutoencoderKL", VAE_FLUX),
        "vae-qwen": ("diffusers.AutoencoderKLQwenImage", {}),
        "vae-flux2": ("diffusers.AutoencoderKLFlux2", {}),
    }
)


def build_on_meta(name: str) -> torch.nn.Module:
    """Build a part without any memory for its weights."""
    path, config = FULL_SIZE[name]
    library, _, class_name = path.partition(".")
    network_class: Any = getattr(importlib.import_module(library), class_name)
    with torch.device("meta"):
        network: torch.nn.Module = (
            network_class(**config) if library == "diffusers" else network_class(network_class.config_class(**config))
        )
    return network
