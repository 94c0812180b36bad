"""What is an adapter as it is asked for, and as it is handed to the engine?"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

MOST_LORAS = 4
LARGEST_SCALE = 2.0


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter by its name, and how strongly it acts: 1 as it was trained, negative for the opposite."""

    name: str
    scale: float = 1.0

    def __str__(self) -> str:
        return self.name if self.scale == 1 else f"{self.name}:{self.scale:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class LoraWeights:
    """An adapter's file, and how strongly it acts in a call. `sha256` are the first 12 hex digits of the file's hash.

    `has_text_part` tells that it changes text encoders, too: then a prompt means something else under it.
    """

    lora: Lora
    path: Path
    sha256: str
    has_text_part: bool

    def __str__(self) -> str:
        return f"{self.lora} {self.sha256}"
