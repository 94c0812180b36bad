"""What does somebody ask for: first as typed (`ImagineOptions`), then complete (`ImagineRequest`)?"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from typing import Any

from generation.lora import Lora

LARGEST_SEED = 2**32 - 1
MOST_IMAGES = 4
LONGEST_PROMPT = 2000
MOST_STEPS = 150
LARGEST_GUIDANCE = 30.0
SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagineOptions:
    """What was typed. None means that the person left the choice to the model's defaults.

    `image` names the start picture, "" for none; `image_size` are its pixels, whose ratio holds if none was typed.
    `mask` names the picture whose white parts are to be drawn anew.
    """

    prompt: str
    model: str | None = None
    seed: int | None = None
    num_inference_steps: int | None = None
    guidance_scale: float | None = None
    aspect_ratio: tuple[int, int] | None = None
    size: tuple[int, int] | None = None
    negative_prompt: str = ""
    images: int | None = None
    image: str = ""
    image_size: tuple[int, int] | None = None
    strength: float | None = None
    style: str | None = None
    mask: str = ""
    loras: tuple[Lora, ...] = ()
    is_fast: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ImagineRequest:
    """Complete: model bound, seed drawn, defaults filled. Equal requests give equal pictures on one machine.

    The names are diffusers' own; `width` and `height` are pixels. Picture n of `images` (from 0) has seed `seed + n`.
    `image` is the SHA-256 of the start picture's file, or "" where the request is text alone; then `strength` is 0.
    `mask`, likewise, is a picture as large as the start picture: what is white there is drawn anew, the rest is kept.
    `is_fast` lets the denoiser skip what hardly changes from one step to the next, at some loss.
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
    image: str = ""
    strength: float = 0.0
    mask: str = ""
    loras: tuple[Lora, ...] = ()
    is_fast: bool = False

    def __post_init__(self) -> None:
        """Refuse what no pipeline could be told, such as a file's name that is no SHA-256."""
        is_text_alone = self.image == "" and self.strength == 0
        if not is_text_alone and not (SHA256.fullmatch(self.image) and 0 < self.strength <= 1):
            raise ValueError(f"image {self.image!r} and strength {self.strength!r} do not go together")
        if self.mask and not (self.image and SHA256.fullmatch(self.mask)):
            raise ValueError(f"mask {self.mask!r} goes with no start picture")

    @property
    def steps_taken(self) -> int:
        """How many steps a picture takes: image-to-image begins that far on the way, just as diffusers rounds it."""
        if not self.image:
            return self.num_inference_steps
        return min(int(self.num_inference_steps * self.strength), self.num_inference_steps)

    def seed_of(self, index: int) -> int:
        """Give the seed of picture `index`; seeds wrap round after the largest one."""
        return (self.seed + index) % (LARGEST_SEED + 1)

    def to_json(self) -> dict[str, Any]:
        """Give plain values, as storage and PNG metadata keep them; a field at its default is left out."""
        values = {field.name: (getattr(self, field.name), field.default) for field in fields(self)}
        plain = {name: value for name, (value, default) in values.items() if value != default}
        if self.loras:
            plain["loras"] = [[lora.name, lora.scale] for lora in self.loras]
        return plain

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> ImagineRequest:
        """Read back what `to_json` gave.

        Raises:
            TypeError, ValueError: these are not the values of a request.
        """
        if "loras" in values:
            values = values | {"loras": tuple(Lora(str(name), float(scale)) for name, scale in values["loras"])}
        for field in fields(cls):
            kind, value = field.type, values.get(field.name)
            is_number = kind == "float" and type(value) is int
            if field.name in values and type(value).__name__ != kind.partition("[")[0] and not is_number:
                raise TypeError(f"{field.name} is {value!r}, not {kind}")
        return cls(**values)
