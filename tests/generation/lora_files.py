"""How are files of adapters written by hand, byte by byte, so that tests need no torch and can spoil what they like?"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from math import prod
from pathlib import Path

BYTES = 2  # of a number in half precision
SDXL = {
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (4, 2048),
    "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight": (640, 4),
}
DEMO = {
    "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_A.weight": (2, 128),
    "unet.mid_block.attentions.0.transformer_blocks.0.attn2.to_k.lora_B.weight": (160, 2),
}


def lora_bytes(shapes: Mapping[str, Sequence[int]], metadata: Mapping[str, str] | None = None) -> bytes:
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


def write_lora(
    folder: Path, name: str, shapes: Mapping[str, Sequence[int]] = DEMO, metadata: Mapping[str, str] | None = None
) -> Path:
    """Write such a file under a name."""
    path = folder / f"{name}.safetensors"
    path.write_bytes(lora_bytes(shapes, metadata))
    return path
