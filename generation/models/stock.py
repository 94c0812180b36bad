"""Which models are on this disk, and how much is there to download of the others?"""

from __future__ import annotations

from collections.abc import Iterable

from generation.models.model import HUB, ModelSpec
from generation.pipelines.hub.needs import is_here, needs

# Of configurations and tokenizers alone: two of CLIP, each with a vocabulary of 1,059,962 bytes and merges of 524,619.
CONFIGS_BYTES = 3_200_000


def is_from_hub(spec: ModelSpec) -> bool:
    """Tell whether anything of a model comes from the hub, whether it was downloaded or not."""
    return any(True for _ in needs(spec))


def here(specs: Iterable[ModelSpec]) -> frozenset[str]:
    """Give the names of the models that can be loaded without the hub; a few looks at the disk for each."""
    return frozenset(spec.name for spec in specs if is_here(spec))


def download_bytes(spec: ModelSpec) -> int:
    """Predict how much a model is to download, from the numbers of its weights: the hub is not asked."""
    fetched = [
        part
        for component, part in spec.components.items()
        if not spec.configs or spec.parts.get(component, "").startswith(HUB)
    ]
    weights = spec.weight_bytes * sum(part.parameters + part.buffers for part in fetched)
    return weights + (CONFIGS_BYTES if spec.configs.startswith(HUB) else 0)
