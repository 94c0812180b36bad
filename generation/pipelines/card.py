"""What card does this machine have, and how much of its memory may be used?"""

from __future__ import annotations

import platform
from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import psutil

from generation.errors import DoesNotFitError
from generation.memory.card import GIB, Card
from generation.memory.cards import Sighting, seen_card
from generation.memory.costs import CONTEXT_GIB
from generation.memory.placement import Precision

# What keeps weights in them; torchao's fp8 needs a card that multiplies it, which is asked elsewhere.
LIBRARIES = {Precision.INT8: "torchao", Precision.FP8: "torchao", Precision.NF4: "bitsandbytes"}


def find_card(device: str, *, precision: Precision | None = None, limit_gib: float | None = None) -> Card:
    """Describe a torch device ("cpu", "cuda:0"), or for "auto" the first GPU, else the processor.

    Of a GPU at most `limit_gib` are used, and its denoisers are kept in `precision`, if these are given. torch is
    imported only if a GPU may be meant: with "cpu" a worker that draws nothing yet starts at once.

    Raises:
        DoesNotFitError: there is no such device.
    """
    if device != "cpu":
        import torch  # noqa: PLC0415 - seconds of import, only where needed

        count = torch.cuda.device_count()
        gpu = torch.device("cuda:0" if device in ("auto", "cuda") else device)
        if count > (gpu.index or 0):
            return replace(_gpu(torch, gpu, limit_gib), precision=precision)
        if device != "auto":
            raise DoesNotFitError(f"There is no device {device} here, torch finds {count} GPUs: use auto or cpu.")
    return Card(device="cpu", name=f"{platform.machine()} processor", memory_gib=free_gib())


def free_gib() -> float:
    """Tell how much RAM programs could have now; what the system's cache holds counts as free."""
    available: int = psutil.virtual_memory().available
    return available / GIB


def _gpu(torch: Any, gpu: Any, limit_gib: float | None) -> Card:
    """Look at a GPU. Not tried on one yet."""
    # Asking makes the context, which is not free any more then, though plans count it.
    free, total = torch.cuda.mem_get_info(gpu)
    facts = torch.cuda.get_device_properties(gpu)
    free_gib_here = min(free / GIB + CONTEXT_GIB, total / GIB)
    card = seen_card(
        Sighting(
            device=str(gpu),
            name=torch.cuda.get_device_name(gpu),
            free_gib=free_gib_here,
            available_ram_gib=free_gib(),
            capability=(facts.major, facts.minor),
            processors=facts.multi_processor_count,
            is_integrated=bool(facts.is_integrated),
            precisions=frozenset(precision for precision, library in LIBRARIES.items() if find_spec(library)),
        )
    )
    if limit_gib is None:
        return card
    torch.cuda.set_per_process_memory_fraction(min(1.0, max(0.0, limit_gib - CONTEXT_GIB) * GIB / total), gpu)
    return replace(card, memory_gib=min(card.memory_gib, limit_gib))
