"""Which files of a checkpoint does a model need, and are they all there?

Pure: names in, names out. Only safetensors, configurations and tokenizers: a pickle can run code. Of weights that lie
there several times, in other precisions or for other frameworks, only those that diffusers reads when nobody asks for
a variant.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

INDEX = "model_index.json"
WHOLE = ("diffusion_pytorch_model.safetensors", "model.safetensors")
SHARD = re.compile(r"(?:diffusion_pytorch_model|model)-\d{5}-of-\d{5}\.safetensors")
SHARD_LISTS = tuple(f"{name}.index.json" for name in WHOLE)
SETTINGS = re.compile(r"(?!.*\.index\b)[\w.-]+\.(?:json|txt|model|jinja)")
WEIGHTLESS = ("tokenizer", "scheduler", "feature_extractor", "processor", "image_processor")
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("spiece.model",))


def has_weights(component: str) -> bool:
    """Tell whether a component of a pipeline is a network."""
    return not component.startswith(WEIGHTLESS)


def components_of(index: Mapping[str, Any]) -> Iterator[str]:
    """Give the components that a `model_index.json` says are there."""
    for name, loader in index.items():
        if re.fullmatch(r"\w+", name) and isinstance(loader, list) and loader and loader[0] is not None:
            yield name


def wanted(component: str, names: Collection[str], *, is_weighty: bool = True) -> list[str]:
    """Choose from the file names of a component's folder; weights only if they are asked for.

    Raises:
        LookupError: it should hold weights, but none of them are safetensors.
    """
    settings = [name for name in names if SETTINGS.fullmatch(name)]
    if not is_weighty or not has_weights(component):
        return settings
    whole = [name for name in names if name in WHOLE]
    shards = [name for name in names if SHARD.fullmatch(name)]
    if not whole and not shards:
        raise LookupError(component)
    return settings + (whole or [*shards, *(name for name in names if name in SHARD_LISTS)])


def is_whole(component: str, folder: Path, *, is_weighty: bool = True) -> bool:
    """Tell whether a folder holds all that a component is loaded from; a link to nowhere counts as nothing."""
    if component.startswith("tokenizer"):
        return any(all((folder / name).is_file() for name in files) for files in TOKENIZERS)
    if not has_weights(component):
        return any(folder.glob("*.json"))
    if not (folder / "config.json").is_file():
        return False
    return (
        not is_weighty
        or any((folder / name).is_file() for name in WHOLE)
        or any(_has_all_shards(folder, name) for name in SHARD_LISTS)
    )


def _has_all_shards(folder: Path, shard_list: str) -> bool:
    try:
        shards = set(json.loads((folder / shard_list).read_bytes())["weight_map"].values())
    except (OSError, ValueError, LookupError, TypeError, AttributeError):
        return False
    return bool(shards) and all((folder / shard).is_file() for shard in shards)
