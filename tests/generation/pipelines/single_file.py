"""How is the checkpoint of a tiny SDXL written as one file, in the layout of those who train such models?

The reverse of what the real loader does, for as many layers as the tiny networks have.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

Weights = Mapping[str, torch.Tensor]
RESNET = {
    "norm1": "in_layers.0",
    "conv1": "in_layers.2",
    "time_emb_proj": "emb_layers.1",
    "norm2": "out_layers.0",
    "conv2": "out_layers.3",
    "conv_shortcut": "skip_connection",
}
# Beginnings of names, as patterns; of two resnets a block of the way down has one and a downsampler, of the way up two.
UNET = {
    r"time_embedding\.linear_1": "time_embed.0",
    r"time_embedding\.linear_2": "time_embed.2",
    r"add_embedding\.linear_1": "label_emb.0.0",
    r"add_embedding\.linear_2": "label_emb.0.2",
    r"conv_in": "input_blocks.0.0",
    r"conv_norm_out": "out.0",
    r"conv_out": "out.2",
    r"down_blocks\.0\.resnets\.0": "input_blocks.1.0",
    r"down_blocks\.0\.downsamplers\.0\.conv": "input_blocks.2.0.op",
    r"down_blocks\.1\.resnets\.0": "input_blocks.3.0",
    r"down_blocks\.1\.attentions\.0": "input_blocks.3.1",
    r"mid_block\.resnets\.0": "middle_block.0",
    r"mid_block\.attentions\.0": "middle_block.1",
    r"mid_block\.resnets\.1": "middle_block.2",
    r"up_blocks\.0\.resnets\.(\d)": r"output_blocks.\1.0",
    r"up_blocks\.0\.attentions\.(\d)": r"output_blocks.\1.1",
    r"up_blocks\.0\.upsamplers\.0\.conv": "output_blocks.1.2.conv",
    r"up_blocks\.1\.resnets\.0": "output_blocks.2.0",
    r"up_blocks\.1\.resnets\.1": "output_blocks.3.0",
}
VAE = {
    r"coder\.conv_norm_out": "coder.norm_out",
    r"down_blocks\.(\d)\.resnets": r"down.\1.block",
    r"down_blocks\.(\d)\.downsamplers\.0": r"down.\1.downsample",
    r"up_blocks\.0\.": "up.3.",
    r"up_blocks\.1\.": "up.2.",
    r"up_blocks\.2\.": "up.1.",
    r"up_blocks\.3\.": "up.0.",
    r"(up\.\d)\.resnets": r"\1.block",
    r"(up\.\d)\.upsamplers\.0": r"\1.upsample",
    r"mid_block\.resnets\.0": "mid.block_1",
    r"mid_block\.resnets\.1": "mid.block_2",
    r"mid_block\.attentions\.0": "mid.attn_1",
    r"attn_1\.group_norm": "attn_1.norm",
    r"attn_1\.to_([qkv])\.": r"attn_1.\1.",
    r"attn_1\.to_out\.0": "attn_1.proj_out",
    r"conv_shortcut": "nin_shortcut",
}
OPEN_CLIP = {
    r"text_model\.embeddings\.position_embedding\.weight": "positional_embedding",
    r"text_model\.embeddings\.": "",
    r"text_model\.final_layer_norm": "ln_final",
    r"text_model\.encoder\.layers": "transformer.resblocks",
    r"layer_norm(\d)": r"ln_\1",
    r"mlp\.fc1": "mlp.c_fc",
    r"mlp\.fc2": "mlp.c_proj",
    r"self_attn\.": "attn.",
}


def write_single_file(checkpoint: Path, file: Path) -> None:
    """Write the weights of a checkpoint in its folders into one file."""
    weights = dict(single_file_weights(checkpoint))
    save_file({name: tensor.contiguous().clone() for name, tensor in weights.items()}, file)


def single_file_weights(checkpoint: Path) -> Iterator[tuple[str, torch.Tensor]]:
    """Give these weights by the names that they have in one file."""
    for name, tensor in _of(checkpoint, "unet").items():
        yield f"model.diffusion_model.{_unet(name)}", tensor
    for name, tensor in _of(checkpoint, "text_encoder").items():
        whole = name if name.startswith("text_model.") else f"text_model.{name}"
        yield f"conditioner.embedders.0.transformer.{whole}", tensor
    for name, tensor in _open_clip(_of(checkpoint, "text_encoder_2")):
        yield f"conditioner.embedders.1.model.{name}", tensor
    for name, tensor in _of(checkpoint, "vae").items():
        is_convolution = "attentions" in name and tensor.ndim == 2
        yield f"first_stage_model.{_renamed(name, VAE)}", tensor[:, :, None, None] if is_convolution else tensor


def _of(checkpoint: Path, part: str) -> Weights:
    (file,) = (checkpoint / part).glob("*.safetensors")
    return load_file(file)


def _unet(name: str) -> str:
    renamed = _renamed(name, UNET)
    return _renamed(renamed, RESNET) if ".resnets." in name else renamed


def _open_clip(weights: Weights) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in weights.items():
        renamed = _renamed(name, OPEN_CLIP)
        if ".q_proj." in name:
            three = [weights[name.replace(".q_proj.", f".{each}_proj.")] for each in "qkv"]
            yield renamed.replace("q_proj.", "in_proj_"), torch.cat(three)
        elif name == "text_projection.weight":
            yield "text_projection", tensor.T
        elif not re.search(r"\.[kv]_proj\.", name):
            yield renamed, tensor


def _renamed(name: str, names: Mapping[str, str]) -> str:
    for old, new in names.items():
        name = re.sub(old, new, name)
    return name
