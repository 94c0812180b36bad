"""How does a large card become as tight as a small one: by a limit in torch, and by a process that holds the rest?"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace

import torch

from generation import GIB, Card
from generation.memory.cards import named_card
from generation.memory.costs import CONTEXT_GIB

# A card of each size, in GB, that people have. There is none of 6 GB that computes in bfloat16 in the list.
CARDS: Mapping[int, Card] = {
    6: replace(named_card("RTX 4060"), name="a card of 6 GB", memory_gib=5.77),
    8: named_card("RTX 4060"),
    10: named_card("RTX 3080 10"),
    12: named_card("RTX 4070 Super"),
    16: named_card("RTX 4060 Ti 16"),
    24: named_card("RTX 4090"),
}
BALLAST = """
import sys, torch
leave = int(sys.argv[1])
held = []
free, _ = torch.cuda.mem_get_info()
if free > leave:
    held.append(torch.empty(free - leave, dtype=torch.uint8, device="cuda"))
print(torch.cuda.mem_get_info()[0], flush=True)
sys.stdin.read()
"""


@contextmanager
def as_tight_as(card: Card) -> Iterator[float | None]:
    """Leave this process no more of the GPU than a card has; gives the GiB that were free then, None on a processor.

    The limit in torch holds for its own allocations alone. The other process holds what the real card would not have,
    so that libraries which choose their workspaces by what is free choose as they would there.
    """
    if not torch.cuda.is_available():
        yield None
        return
    torch.cuda.empty_cache()
    torch.zeros(1, device="cuda")  # makes the context, if there is none
    total = torch.cuda.get_device_properties(0).total_memory
    own_gib = max(0.0, card.memory_gib - CONTEXT_GIB)
    torch.cuda.set_per_process_memory_fraction(min(1.0, own_gib * GIB / total))
    ballast = subprocess.Popen(
        [sys.executable, "-c", BALLAST, str(int(own_gib * GIB))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert ballast.stdout is not None
        yield int(ballast.stdout.readline()) / GIB
    finally:
        assert ballast.stdin is not None
        ballast.stdin.close()
        ballast.wait(timeout=60)
        torch.cuda.set_per_process_memory_fraction(1.0)
