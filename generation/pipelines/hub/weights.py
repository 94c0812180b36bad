"""Which files on this disk hold the weights of a model?"""

from __future__ import annotations

from collections.abc import Iterator
from importlib import resources
from pathlib import Path

from generation.models.model import HUB, ModelSpec
from generation.pipelines.hub.needs import needs, part_folder

WEIGHTS = "*.safetensors"


def weight_files(spec: ModelSpec) -> tuple[Path, ...]:
    """Give them, each once, as far as they are here; nothing is opened."""
    return tuple(dict.fromkeys(file for place in _places(spec) for file in _weights(place, spec)))


def _places(spec: ModelSpec) -> Iterator[Path]:
    kind, _, where = spec.checkpoint.partition(":")
    if kind == "package":
        yield Path(str(resources.files("generation").joinpath(where)))
    elif kind != "hub":
        yield Path(spec.checkpoint)
    for need in needs(spec):
        if need.has_weights and (folder := need.folder) is not None:
            components = need.components
            yield from [folder] if components is None else [part_folder(folder, component) for component in components]
    for component, source in spec.parts.items():
        if not source.startswith(HUB):
            yield part_folder(Path(source), component)


def _weights(place: Path, spec: ModelSpec) -> list[Path]:
    """A checkpoint has weights beside each other, or in a folder for each component, or is one file itself."""
    if place.is_file():
        return [place]
    nested = (file for file in place.glob(f"*/{WEIGHTS}") if file.parent.name not in spec.parts)
    return sorted([*place.glob(WEIGHTS), *nested])
