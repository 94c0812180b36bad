"""What does an adapter's file say about itself, read from its header alone?

A safetensors file begins with the length of its header in eight bytes, then the header: JSON with each tensor's type,
shape and place, and the metadata that its trainer wrote. Nothing of it is ever run.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from generation.errors import GenerationError
from generation.models.lora_bases import DOWN, TEXT_PART, Base, recognise

LENGTH_BYTES = 8
LARGEST_HEADER = 16 * 2**20
MOST_TAGS = 5
LONGEST_TEXT = 120  # characters shown of what a stranger wrote
# Other ways to change a model, by names that only they have, which are not understood here.
STRANGERS = {"dora_scale": "DoRA", "hada_w1": "LoHa", "lokr_w": "LoKr", "oft_": "OFT", ".diff": "full difference"}


class UnreadableLoraError(GenerationError):
    """A file cannot be used as an adapter; the text says why, as the end of a sentence about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraFile:
    """An adapter as its file describes it. `ranks` are the smallest and the largest of its layers.

    `trigger_words` are what the trainer calls so, else the commonest tags of the training pictures; `advice` and the
    other texts may be "". With `has_text_part` it changes text encoders, too.
    """

    name: str
    path: Path
    size: int
    base: Base
    ranks: tuple[int, int]
    has_text_part: bool
    title: str
    trigger_words: tuple[str, ...]
    advice: str
    licence: str


def read_lora(path: Path, name: str) -> LoraFile:
    """Read a file's header.

    Raises:
        UnreadableLoraError: it is none, or not one that can be used here.
    """
    try:
        with path.open("rb") as stream:
            size = os.fstat(stream.fileno()).st_size
            metadata, shapes, end = _parsed(_header(stream, size))
    except OSError as error:
        raise UnreadableLoraError(f"cannot be read: {error.strerror}") from error
    if end != size:
        raise UnreadableLoraError(f"is cut off or too long: it has {size:,} bytes and should have {end:,}")
    ranks = _ranks(shapes)
    base = recognise(shapes, f"{metadata.get('modelspec.architecture')} {metadata.get('ss_base_model_version')}")
    if base is None:
        raise UnreadableLoraError("changes no model that is known here")
    return LoraFile(
        name=name,
        path=path,
        size=size,
        base=base,
        ranks=ranks,
        has_text_part=any(TEXT_PART.search(tensor) for tensor in shapes),
        title=_text(metadata.get("modelspec.title") or metadata.get("ss_output_name", "")),
        trigger_words=tuple(_trigger_words(metadata)),
        advice=_text(metadata.get("modelspec.usage_hint", "")),
        licence=_text(metadata.get("modelspec.license", "")),
    )


def _header(stream: BinaryIO, size: int) -> bytes:
    length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
    if size < LENGTH_BYTES or length > min(size - LENGTH_BYTES, LARGEST_HEADER):
        raise UnreadableLoraError("is no safetensors file, or cut off")
    return stream.read(length)


def _parsed(header: bytes) -> tuple[dict[str, str], dict[str, list[int]], int]:
    """Give the metadata, the tensors' shapes, and the length that the whole file has to have."""
    try:
        tensors: dict[str, Any] = json.loads(header)
        metadata = {str(name): str(value) for name, value in tensors.pop("__metadata__", {}).items()}
        shapes = {name: [int(side) for side in tensor["shape"]] for name, tensor in tensors.items()}
        end = max((int(tensor["data_offsets"][1]) for tensor in tensors.values()), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError, RecursionError) as error:
        raise UnreadableLoraError("is no safetensors file: its header makes no sense") from error
    return metadata, shapes, LENGTH_BYTES + len(header) + end


def _ranks(shapes: Mapping[str, Sequence[int]]) -> tuple[int, int]:
    for mark, kind in STRANGERS.items():
        if any(mark in name for name in shapes):
            raise UnreadableLoraError(f"is a {kind}; only LoRAs are understood")
    ranks = [shape[0] for name, shape in shapes.items() if DOWN.search(name) and shape]
    if not ranks:
        raise UnreadableLoraError("is a safetensors file, but no LoRA")
    return min(ranks), max(ranks)


def _trigger_words(metadata: Mapping[str, str]) -> Iterator[str]:
    if told := _text(metadata.get("modelspec.trigger_phrase", "")):
        yield told
        return
    tags: Counter[str] = Counter()
    try:
        for counts in json.loads(metadata.get("ss_tag_frequency", "{}")).values():
            tags.update({str(tag): int(count) for tag, count in counts.items()})
    except (ValueError, TypeError, AttributeError, RecursionError):
        return  # a stranger's file: what makes no sense is left out
    for tag, _ in tags.most_common(MOST_TAGS):
        if told := _text(tag):
            yield told


def _text(text: str) -> str:
    """Give a stranger's text as one short line."""
    line = " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())
    return line if len(line) <= LONGEST_TEXT else f"{line[: LONGEST_TEXT - 1]}…"
