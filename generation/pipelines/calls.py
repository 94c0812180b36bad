"""What does a call of one of diffusers' pipelines take, besides what sets its family apart?"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch

from generation.pipelines.family import Family
from generation.pipelines.pipeline import Row
from generation.request import ImagineRequest


def moved(value: Any, device: torch.device | str) -> Any:
    """Move tensors to a device, and those in lists and tables."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, dict):
        return {name: moved(each, device) for name, each in value.items()}
    return [moved(each, device) for each in value] if isinstance(value, list | tuple) else value


def size_of(pipe: Any, asked: ImagineRequest) -> dict[str, int]:
    """Give the size by the names that the call has for it; some take that of the picture they start from."""
    known = inspect.signature(pipe.__call__).parameters
    return {name: side for name, side in (("width", asked.width), ("height", asked.height)) if name in known}


def start_of(family: Family, pipe: Any, rows: Sequence[Row]) -> dict[str, Any]:
    """Give the arguments for what the rows start from; none if it is noise alone."""
    images = [row.start_image for row in rows if row.start_image is not None]
    masks = [row.mask for row in rows if row.mask is not None]
    return family.starting(pipe, rows[0].request, images, masks) if images else {}


@contextmanager
def seeded(scheduler: Any, generators: list[torch.Generator]) -> Iterator[None]:
    """Let a scheduler that draws noise at its steps draw it from these, also where a pipeline does not pass them on."""
    if "generator" not in inspect.signature(scheduler.step).parameters:
        yield
        return
    scheduler.step = functools.partial(scheduler.step, generator=generators)
    try:
        yield
    finally:
        del scheduler.step
