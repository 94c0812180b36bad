"""What is known about cards by their names, whether they are here or not?

Pure. Memory is what torch reports of it, a little less than the seller says. Speeds are dense bfloat16 with float32
sums, as NVIDIA publishes them; of data-centre cards, whose power does not let them keep that up, what long runs reach.
The bus is PCI Express as wide as the card, three quarters of its speed on paper. None of it was measured here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from generation.errors import UnknownCardError
from generation.memory.card import Card, Host
from generation.memory.placement import Precision

SYSTEM_GIB = 4.0  # of RAM that models leave to everything else
UNIFIED_SHARE = 0.85  # of what is available, where card and RAM are one memory: the rest is the system's
NOISE = frozenset({"nvidia", "geforce", "rtx", "gpu", "gb", "gib", "g", "sxm", "pcie", "hbm", "card"})
# PCI Express in GiB a second: generation and lanes.
GEN3_X16, GEN4_X8, GEN4_X16, GEN5_X8, GEN5_X16 = 11.0, 12.0, 23.0, 23.0, 46.0


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownCard:
    """A card that can be asked for by its name, with or without its `gigabytes`; `ram_gib` is usual beside it."""

    name: str
    gigabytes: int
    memory_gib: float
    tflops: float
    transfer_gib_s: float
    ram_gib: float = 32.0
    is_unified: bool = False
    has_fp8: bool = False
    has_bfloat16: bool = True

    @property
    def title(self) -> str:
        """Its name, with its memory."""
        return f"{self.name} {self.gigabytes} GB"


def _turing(name: str, gigabytes: int, memory_gib: float, tflops: float) -> KnownCard:
    return KnownCard(
        name=name,
        gigabytes=gigabytes,
        memory_gib=memory_gib,
        tflops=tflops,
        transfer_gib_s=GEN3_X16,
        has_bfloat16=False,
    )


def _ampere(name: str, gigabytes: int, memory_gib: float, tflops: float, bus: float = GEN4_X16) -> KnownCard:
    return KnownCard(name=name, gigabytes=gigabytes, memory_gib=memory_gib, tflops=tflops, transfer_gib_s=bus)


def _newer(name: str, gigabytes: int, memory_gib: float, tflops: float, bus: float) -> KnownCard:
    return replace(_ampere(name, gigabytes, memory_gib, tflops, bus), has_fp8=True)


# Of two with one name the first is meant where nothing is said of memory.
KNOWN_CARDS = (
    _turing("RTX 2060", 6, 5.77, 26),
    _turing("RTX 2070", 8, 7.77, 30),
    _turing("RTX 2080 Ti", 11, 10.75, 54),
    _turing("T4", 16, 14.6, 30),
    _ampere("RTX 3050", 8, 7.77, 18, GEN4_X8),
    _ampere("RTX 3060", 12, 11.76, 25),
    _ampere("RTX 3060", 8, 7.77, 25),
    _ampere("RTX 3060 Ti", 8, 7.77, 32),
    _ampere("RTX 3070", 8, 7.77, 40),
    _ampere("RTX 3070 Ti", 8, 7.77, 43),
    _ampere("RTX 3080", 10, 9.76, 59),
    _ampere("RTX 3080", 12, 11.76, 61),
    _ampere("RTX 3080 Ti", 12, 11.76, 68),
    _ampere("RTX 3090", 24, 23.68, 71),
    _ampere("RTX 3090 Ti", 24, 23.68, 80),
    _newer("RTX 4060", 8, 7.75, 30, GEN4_X8),
    _newer("RTX 4060 Ti", 8, 7.75, 44, GEN4_X8),
    _newer("RTX 4060 Ti", 16, 15.6, 44, GEN4_X8),
    _newer("RTX 4070", 12, 11.72, 58, GEN4_X16),
    _newer("RTX 4070 Super", 12, 11.72, 71, GEN4_X16),
    _newer("RTX 4070 Ti", 12, 11.72, 80, GEN4_X16),
    _newer("RTX 4070 Ti Super", 16, 15.7, 88, GEN4_X16),
    _newer("RTX 4080", 16, 15.7, 97, GEN4_X16),
    _newer("RTX 4080 Super", 16, 15.7, 104, GEN4_X16),
    _newer("RTX 4090", 24, 23.5, 165, GEN4_X16),
    _newer("RTX 5060", 8, 7.6, 38, GEN5_X8),
    _newer("RTX 5060 Ti", 8, 7.6, 47, GEN5_X8),
    _newer("RTX 5060 Ti", 16, 15.5, 47, GEN5_X8),
    _newer("RTX 5070", 12, 11.5, 62, GEN5_X16),
    _newer("RTX 5070 Ti", 16, 15.5, 88, GEN5_X16),
    _newer("RTX 5080", 16, 15.5, 113, GEN5_X16),
    _newer("RTX 5090", 32, 31.4, 209, GEN5_X16),
    replace(_newer("L4", 24, 22.0, 65, GEN4_X16), ram_gib=64),
    replace(_newer("L40S", 48, 44.4, 235, GEN4_X16), ram_gib=128),
    replace(_ampere("A100", 80, 79.1, 250), ram_gib=128),
    replace(_ampere("A100", 40, 39.4, 250), ram_gib=128),
    replace(_newer("H100", 80, 79.1, 790, GEN5_X16), ram_gib=192),
    replace(_newer("H200", 141, 139.7, 790, GEN5_X16), ram_gib=256),
    replace(_newer("DGX Spark", 128, 121.7, 125, 46.0), ram_gib=0, is_unified=True),
    replace(_newer("GB10", 128, 121.7, 125, 46.0), ram_gib=0, is_unified=True),
)


def named_card(text: str, ram_gib: float | None = None) -> Card:
    """Describe a card that need not be here, in a machine with `ram_gib` of RAM, or with as much as is usual.

    Raises:
        UnknownCardError: the name is not known; the text has those that are.
    """
    wanted = _words(text)
    found = next((card for card in KNOWN_CARDS if wanted in _keys(card)), None)
    if found is None:
        raise UnknownCardError(
            f"There is no card {text!r} in the list: {', '.join(card.title for card in KNOWN_CARDS)}."
        )
    ram_gib = found.ram_gib if ram_gib is None else ram_gib
    return _card(
        found,
        device="cuda:0",
        name=found.title,
        memory_gib=found.memory_gib * (UNIFIED_SHARE if found.is_unified else 1),
        host=Host(memory_gib=max(0.0, ram_gib - SYSTEM_GIB)),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Sighting:
    """What torch and the system say of a card that is here; `capability` is CUDA's, `processors` are the card's own."""

    device: str
    name: str
    free_gib: float
    available_ram_gib: float
    capability: tuple[int, int]
    processors: int
    is_integrated: bool
    precisions: frozenset[Precision]


def seen_card(seen: Sighting) -> Card:
    """Describe a card that is here: its speed by its name, or else by its generation and number of processors."""
    facts = _known_by(seen.name) or _guessed(seen)
    is_unified = facts.is_unified or seen.is_integrated
    memory_gib = seen.available_ram_gib * UNIFIED_SHARE if is_unified else seen.free_gib
    host = Host(memory_gib=max(0.0, seen.available_ram_gib - SYSTEM_GIB))
    card = _card(facts, device=seen.device, name=seen.name, memory_gib=memory_gib, host=host)
    possible = seen.precisions | {Precision.BFLOAT16, Precision.FLOAT16}
    return replace(card, is_unified=is_unified, precisions=card.precisions & possible)


def _card(facts: KnownCard, *, device: str, name: str, memory_gib: float, host: Host) -> Card:
    precisions = {Precision.BFLOAT16, Precision.INT8, Precision.NF4} if facts.has_bfloat16 else {Precision.FLOAT16}
    return Card(
        device=device,
        name=name,
        memory_gib=memory_gib,
        host=host,
        tflops=facts.tflops,
        transfer_gib_s=facts.transfer_gib_s,
        is_unified=facts.is_unified,
        has_fp8=facts.has_fp8,
        has_bfloat16=facts.has_bfloat16,
        precisions=frozenset(precisions | ({Precision.FP8} if facts.has_fp8 else set())),
    )


def _known_by(name: str) -> KnownCard | None:
    """Find the card with the longest name that stands in this one, which says more, such as "A100-SXM4-80GB"."""
    words = _words(name)
    within = [card for card in KNOWN_CARDS if _stands_in(_words(card.name), words)]
    return max(within, key=lambda card: len(_words(card.name)), default=None)


def _guessed(seen: Sighting) -> KnownCard:
    # Dense bfloat16 TFLOP/s of one processor, at the clocks of their time.
    per_processor = {(8, 0): 2.3, (9, 0): 6.0, (10, 0): 10.0}.get(seen.capability, 1.0)
    return KnownCard(
        name=seen.name,
        gigabytes=0,
        memory_gib=seen.free_gib,
        tflops=seen.processors * per_processor,
        transfer_gib_s=GEN3_X16,
        has_fp8=seen.capability >= (8, 9),
        has_bfloat16=seen.capability >= (8, 0),
    )


def _words(text: str) -> tuple[str, ...]:
    """Split a name into letters and figures, without what says nothing: "4060ti" is ("4060", "ti")."""
    return tuple(word for word in re.findall(r"[a-z]+|\d+", text.casefold()) if word not in NOISE)


def _keys(card: KnownCard) -> Iterator[tuple[str, ...]]:
    yield _words(card.name)
    yield (*_words(card.name), str(card.gigabytes))


def _stands_in(words: tuple[str, ...], others: tuple[str, ...]) -> bool:
    return any(others[start : start + len(words)] == words for start in range(len(others)))
