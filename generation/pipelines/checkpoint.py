"""Where do the weights of a model lie, and which revision of them is it?"""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

from huggingface_hub import snapshot_download
from huggingface_hub.errors import GatedRepoError, HfHubHTTPError, RepositoryNotFoundError, RevisionNotFoundError

from generation.errors import ModelLoadError
from generation.model import ModelSpec

# Only safetensors, configurations and tokenizers: a pickle can run code. Not the weights again in another precision.
WANTED_FILES = ["*.json", "*.txt", "*.model", "*/*.safetensors"]
UNWANTED_FILES = ["*.fp16.*", "*.non_ema.*"]
READ_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")


def find_checkpoint(spec: ModelSpec) -> tuple[Path, str]:
    """Give the local directory of a model's checkpoint, downloading it if need be, and its revision.

    The revision is the hub's commit, or for a directory the first 12 hex digits of the SHA-256 over its files.

    Raises:
        ModelLoadError: it is not there and cannot be fetched; the text says what to do.
    """
    kind, _, where = spec.checkpoint.partition(":")
    if kind == "hub":
        return _from_hub(spec, where)
    directory = Path(str(resources.files("generation").joinpath(where))) if kind == "package" else Path(spec.checkpoint)
    if not (directory / "model_index.json").is_file():
        raise ModelLoadError(f"{spec.name}: its checkpoint directory holds no model_index.json.")
    return directory, _hash(directory)


def check_parts(spec: ModelSpec, directory: Path, index: Mapping[str, Any], pipeline_class: str) -> None:
    """Compare a checkpoint with its index, `model_index.json`: a tokenizer that is missing would load as an empty one.

    Raises:
        ModelLoadError: it is made for another pipeline, or a part of it is missing.
    """
    kind = index.get("_class_name")
    if kind != pipeline_class:
        raise ModelLoadError(f"{spec.name}: its checkpoint is made for {kind}, not for {pipeline_class}.")
    for part, loader in index.items():
        if isinstance(loader, list) and loader[0] is not None and not _is_there(directory / part):
            raise ModelLoadError(f"{spec.name}: its checkpoint lacks the part {part}; fetch it anew or ask an admin.")


def _is_there(part: Path) -> bool:
    wanted = ("tokenizer.json", "vocab.json") if part.name.startswith("tokenizer") else ("*.json",)
    return any(any(part.glob(pattern)) for pattern in wanted)


def _from_hub(spec: ModelSpec, repository: str) -> tuple[Path, str]:
    try:
        found = snapshot_download(
            repository, revision=spec.revision, allow_patterns=WANTED_FILES, ignore_patterns=UNWANTED_FILES
        )
    except GatedRepoError as error:
        page = spec.licence_url or f"the page of {repository} on the hub"
        raise ModelLoadError(
            f"{spec.name} is gated: accept its licence at {page}, then set HF_TOKEN to a token of that account."
        ) from error
    except RepositoryNotFoundError as error:
        raise ModelLoadError(f"{spec.name}: there is no repository {repository} on the hub.") from error
    except RevisionNotFoundError as error:
        raise ModelLoadError(f"{spec.name}: {repository} has no revision {spec.revision} on the hub.") from error
    except (HfHubHTTPError, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno == errno.ENOSPC:
            raise ModelLoadError(f"{spec.name} could not be downloaded: the disk is full.") from error
        raise ModelLoadError(
            f"{spec.name} could not be downloaded: the hub cannot be reached and the model is not in the local cache."
        ) from error
    return Path(found), Path(found).name


def _hash(directory: Path) -> str:
    digest = hashlib.sha256()
    for file in sorted(file for pattern in READ_FILES for file in directory.rglob(pattern)):
        digest.update(file.relative_to(directory).as_posix().encode())
        with file.open("rb") as stream:
            digest.update(hashlib.file_digest(stream, "sha256").digest())
    return digest.hexdigest()[:12]
