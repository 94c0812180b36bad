"""How do pixels become a PNG that remembers how it was made, and how is that read back?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image
from PIL.PngImagePlugin import PngImageFile, PngInfo

from generation.errors import GenerationError
from generation.request import ImagineRequest

OUR_KEY = "fairbrush"
A1111_KEY = "parameters"
COMPRESS_LEVEL = 4  # level 6 takes twice the time for a few percent
# What the tools of the A1111 family call the schedulers.
SAMPLERS = {
    "DDIMScheduler": "DDIM",
    "DPMSolverMultistepScheduler": "DPM++ 2M",
    "EulerAncestralDiscreteScheduler": "Euler a",
    "EulerDiscreteScheduler": "Euler",
    "FlowMatchEulerDiscreteScheduler": "Euler",
    "HeunDiscreteScheduler": "Heun",
    "LMSDiscreteScheduler": "LMS",
    "UniPCMultistepScheduler": "UniPC",
}


class UnreadablePictureError(GenerationError):
    """This file is not a PNG that can be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PictureMetadata:
    """What a PNG says about itself: the A1111 text, and our own record where Fairbrush made it."""

    parameters: str
    request: ImagineRequest | None
    seed: int | None
    provenance: Mapping[str, str]


def encode_png(image: Image.Image, request: ImagineRequest, index: int, provenance: Mapping[str, str]) -> bytes:
    """Encode picture `index` of the request. Equal pixels, request and provenance give equal bytes: it has no date."""
    seed = request.seed_of(index)
    record = {"request": request.to_json(), "seed": seed, "provenance": dict(provenance)}
    info = PngInfo()
    info.add_text(A1111_KEY, parameters_text(request, seed, provenance))
    info.add_text(OUR_KEY, json.dumps(record))
    buffer = BytesIO()
    image.save(buffer, format="PNG", pnginfo=info, compress_level=COMPRESS_LEVEL)
    return buffer.getvalue()


def parameters_text(request: ImagineRequest, seed: int, provenance: Mapping[str, str]) -> str:
    """Write the settings as the tools of the A1111 family read them: prompts, then one line of `name: value` pairs."""
    lines = [" ".join([request.prompt, *(f"<lora:{lora.name}:{lora.scale:g}>" for lora in request.loras)])]
    if request.negative_prompt:
        lines.append(f"Negative prompt: {request.negative_prompt}")
    scheduler = provenance.get("scheduler", "unknown")
    settings = {
        "Steps": request.num_inference_steps,
        "Sampler": SAMPLERS.get(scheduler, scheduler),
        "CFG scale": f"{request.guidance_scale:g}",
        "Seed": seed,
        "Size": f"{request.width}x{request.height}",
        "Model": request.model,
        "Model hash": provenance.get("model_revision", "unknown"),
        **({"Denoising strength": f"{request.strength:g}"} if request.image else {}),
        **({"Step cache": "first block"} if request.is_fast else {}),
        "Version": f"Fairbrush {provenance.get('fairbrush', '')}".strip(),
    }
    lines.append(", ".join(f"{name}: {_quoted(str(value))}" for name, value in settings.items()))
    return "\n".join(lines)


def _quoted(value: str) -> str:
    """Put a value in JSON's quotes if it would be read as the end of itself."""
    return json.dumps(value, ensure_ascii=False) if any(sign in value for sign in ',:\n"') else value


def read_metadata(path: Path) -> PictureMetadata:
    """Read what a PNG file says about itself, without decoding its pixels.

    Raises:
        UnreadablePictureError: there is no such file, it is no PNG, or it holds no settings.
    """
    try:
        if not path.is_file():  # a device or a pipe would be read for ever
            raise UnreadablePictureError(f"There is no file {path.name}.")
        with PngImageFile(path) as image:  # unlike Image.open it does not mind how many pixels there would be
            texts = {key: value for key, value in image.info.items() if isinstance(value, str)}
    except (OSError, SyntaxError, ValueError) as error:
        raise UnreadablePictureError(f"{path.name} is not a PNG file that can be read.") from error
    if A1111_KEY not in texts and OUR_KEY not in texts:
        raise UnreadablePictureError(f"{path.name} is a PNG, but says nothing about how it was made.")
    record = _record(texts.get(OUR_KEY, ""))
    return PictureMetadata(parameters=texts.get(A1111_KEY, ""), **record)


def _record(text: str) -> dict[str, Any]:
    """Read our own record; one that somebody has edited counts as none."""
    try:
        record = json.loads(text)
        provenance = {str(name): str(value) for name, value in record["provenance"].items()}
        request = ImagineRequest.from_json(record["request"])
        return {"request": request, "seed": int(record["seed"]), "provenance": provenance}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {"request": None, "seed": None, "provenance": {}}
