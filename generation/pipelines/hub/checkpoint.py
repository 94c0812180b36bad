"""Where do the weights of a model lie, and which revision of them is it?

Only on this disk: what the hub has, a process of its own fetches before a model is loaded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from generation.errors import ModelLoadError
from generation.models.model import HUB, ModelSpec
from generation.pipelines.hub.contents import INDEX
from generation.pipelines.hub.needs import Need, needs, part_folder

READ_FILES = ("*.safetensors", "*.json", "*.txt", "*.model", "*.jinja")


def find_checkpoint(spec: ModelSpec) -> tuple[Path, str]:
    """Give the local directory of a model's checkpoint, and its revision.

    The revision is the hub's commit, or for a directory the first 12 hex digits of the SHA-256 over its files.

    Raises:
        ModelLoadError: it is not there; the text says what to do.
    """
    folder = _folder(spec, spec.checkpoint)
    return folder, folder.name if spec.checkpoint.startswith(HUB) else _hash(folder)


def find_configs(spec: ModelSpec) -> Path:
    """Give the local directory with the configurations and tokenizers of a checkpoint that is one file.

    Raises:
        ModelLoadError: it is not there; the text says what to do.
    """
    return _folder(spec, spec.configs)


def _folder(spec: ModelSpec, place: str) -> Path:
    kind, _, where = place.partition(":")
    if kind == "hub":
        return _downloaded(spec, next(need for need in needs(spec) if need.components is None))
    directory = Path(str(resources.files("generation").joinpath(where))) if kind == "package" else Path(place)
    if not (directory / INDEX).is_file():
        what = "the directory of its configurations" if spec.configs else "its checkpoint directory"
        raise ModelLoadError(f"{spec.name}: {what} holds no {INDEX}.")
    return directory


def find_part(spec: ModelSpec, component: str) -> Path:
    """Give the local directory of a component that the catalogue says lies elsewhere.

    Raises:
        ModelLoadError: it is not there; the text says what to do.
    """
    source = spec.parts[component]
    if source.startswith(HUB):
        its_need = next(need for need in needs(spec) if component in (need.components or ()))
        return part_folder(_downloaded(spec, its_need), component)
    if not Path(source).is_dir():
        raise ModelLoadError(f"{spec.name}: the directory of its part {component} is not there.")
    return part_folder(Path(source), component)


def _downloaded(spec: ModelSpec, need: Need) -> Path:
    folder = need.folder
    if folder is None or not need.is_met:
        raise ModelLoadError(
            f"{spec.name} is not whole in the local cache: fairbrush download {spec.name} fetches what is missing."
        )
    return folder


def check_parts(spec: ModelSpec, directory: Path, index: Mapping[str, Any], pipeline_class: str) -> None:
    """Compare a checkpoint with its index, `model_index.json`: a tokenizer that is missing would load as an empty one.

    Raises:
        ModelLoadError: it is made for another pipeline, or a part of it is missing.
    """
    kind = index.get("_class_name")
    if kind != pipeline_class:
        raise ModelLoadError(f"{spec.name}: its checkpoint is made for {kind}, not for {pipeline_class}.")
    for part, loader in index.items():
        is_there = part in spec.parts or _is_there(directory / part)
        if isinstance(loader, list) and loader[0] is not None and not is_there:
            raise ModelLoadError(f"{spec.name}: its checkpoint lacks the part {part}; fetch it anew or ask an admin.")


def _is_there(part: Path) -> bool:
    wanted = ("tokenizer.json", "vocab.json") if part.name.startswith("tokenizer") else ("*.json",)
    return any(any(part.glob(pattern)) for pattern in wanted)


def _hash(directory: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(file for pattern in READ_FILES for file in directory.rglob(pattern)):
        digest.update(file.relative_to(directory).as_posix().encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]
