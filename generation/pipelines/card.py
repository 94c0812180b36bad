"""What card does this machine have, and how much of its memory may be used?"""

from __future__ import annotations

import platform

import psutil

from generation.errors import DoesNotFitError
from generation.vram import GIB, Card


def find_card(device: str) -> Card:
    """Describe a torch device ("cpu", "cuda:0"), or for "auto" the first GPU, else the processor.

    torch is imported only if a GPU may be meant: with "cpu" a worker that draws nothing yet starts at once.

    Raises:
        DoesNotFitError: there is no such device.
    """
    if device != "cpu":
        import torch  # noqa: PLC0415 - seconds of import, only where needed

        count = torch.cuda.device_count()
        gpu = torch.device("cuda:0" if device in ("auto", "cuda") else device)
        if count > (gpu.index or 0):
            free, _ = torch.cuda.mem_get_info(gpu)
            return Card(device=str(gpu), name=torch.cuda.get_device_name(gpu), memory_gib=free / GIB)
        if device != "auto":
            raise DoesNotFitError(f"There is no device {device} here, torch finds {count} GPUs: use auto or cpu.")
    available = psutil.virtual_memory().available
    return Card(device="cpu", name=f"{platform.machine()} processor", memory_gib=available / GIB)
