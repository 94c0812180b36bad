"""Did the memory run out, and how is what is left of the attempt given back?"""

from __future__ import annotations

import gc

import torch


def is_shortage(error: Exception) -> bool:
    """Tell it from other failures; torch's allocator for the processor says it in words alone."""
    is_meant = isinstance(error, torch.OutOfMemoryError | MemoryError)
    return is_meant or "DefaultCPUAllocator: can't allocate memory" in str(error)


def give_memory_back() -> None:
    """Free what nobody holds any more, then the allocator's own stock. Not inside an `except`: its traceback holds."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
