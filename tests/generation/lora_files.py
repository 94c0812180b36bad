"""How are files of adapters written by hand, byte by byte, so that tests need no torch and can spoil what they like?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path
from typing import TypeAlias

Shapes: TypeAlias = Mapping[str, Sequence[int]]

BYTES = 2  # of a number in half precision
CROSS = "transformer_blocks.0.attn2.to_k"
SDXL = {
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (4, 2048),
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight": (640, 4),
}
DEMO = {
    "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (2, 128),
    "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight": (160, 2),
}


def lora_bytes(shapes: Shapes, metadata: Mapping[str, str] | None = None) -> bytes:
    """Give a whole safetensors file in half precision, whose numbers are all 0."""
    header: dict[str, object] = {} if metadata is None else {"__metadata__": dict(metadata)}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + BYTES * prod(shape)
        header[name] = {"dtype": "F16", "shape": list(shape), "data_offsets": [start, end]}
    return with_header(json.dumps(header).encode(), bytes(end))


def with_header(header: bytes, tensors: bytes = b"") -> bytes:
    """Put what is to be a header before the tensors' bytes."""
    return len(header).to_bytes(8, "little") + header + tensors


def write_lora(folder: Path, name: str, shapes: Shapes = DEMO, metadata: Mapping[str, str] | None = None) -> Path:
    """Write such a file under a name."""
    path = folder / f"{name}.safetensors"
    path.write_bytes(lora_bytes(shapes, metadata))
    return path


def peft(prefix: str, layers: Shapes) -> Shapes:
    """Spell layers (outputs, inputs) as PEFT and diffusers do."""
    found = {}
    for name, (outputs, inputs) in layers.items():
        found |= {f"{prefix}{name}.lora_A.weight": (4, inputs), f"{prefix}{name}.lora_B.weight": (outputs, 4)}
    return found


def kohya(layers: Shapes) -> Shapes:
    """Spell layers (outputs, inputs) as kohya's trainer does."""
    found = {}
    for name, (outputs, inputs) in layers.items():
        plain = f"lora_unet_{name.replace('.', '_')}"
        found |= {
            f"{plain}.lora_down.weight": (4, inputs),
            f"{plain}.lora_up.weight": (outputs, 4),
            f"{plain}.alpha": (),
        }
    return found
