"""What is an adapter as it is asked for?"""

from __future__ import annotations

from dataclasses import dataclass

MOST_LORAS = 4
LARGEST_SCALE = 2.0


@dataclass(frozen=True, slots=True)
class Lora:
    """An adapter by its name, and how strongly it acts: 1 as it was trained, negative for the opposite."""

    name: str
    scale: float = 1.0

    def __str__(self) -> str:
        return self.name if self.scale == 1 else f"{self.name}:{self.scale:g}"
