"""What does somebody ask for: first as typed (`ImagineOptions`), then complete (`ImagineRequest`)?"""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any

LARGEST_SEED = 2**32 - 1
MOST_IMAGES = 4
LONGEST_PROMPT = 2000
MOST_STEPS = 150
LARGEST_GUIDANCE = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagineOptions:
    """What was typed. None means that the person left the choice to the model's defaults."""

    prompt: str
    model: str | None = None
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    aspect_ratio: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    negative_prompt: str = ""
    images: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagineRequest:
    """Complete: model bound, seed drawn, defaults filled. Equal requests give equal pictures on one machine.

    The names are diffusers' own; `width` and `height` are pixels. Picture n of `images` (from 0) has seed `seed + n`.
    """

    model: str
    prompt: str
    negative_prompt: str
    width: int
    height: int
    num_inference_steps: int
    guidance_scale: float
    seed: int
    images: int

    def seed_of(self, index: int) -> int:
        """Give the seed of picture `index`; seeds wrap round after the largest one."""
        return (self.seed + index) % (LARGEST_SEED + 1)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, as storage and PNG metadata keep them."""
        return asdict(self)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImagineRequest:
        """Read back what `to_json` gave.

        Raises:
            TypeError, ValueError: these are not the values of a request.
        """
        for field in fields(cls):
            kind, value = field.type, values.get(field.name)
            is_number = kind == "float" and type(value) is int
            if field.name in values and type(value).__name__ != kind and not is_number:
                raise TypeError(f"{field.name} is {value!r}, not {kind}")
        return cls(**values)
