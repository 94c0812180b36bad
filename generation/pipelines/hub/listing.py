"""What does the hub say that a model needs, before any of it is downloaded: which files of which size, and may we?"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import HfApi, ModelInfo, constants

from generation.errors import ModelLoadError
from generation.models.model import ModelSpec
from generation.pipelines.hub.cache import COMMIT, Shelfmark
from generation.pipelines.hub.contents import INDEX, components_of, wanted
from generation.pipelines.hub.needs import Need, part_prefix
from generation.pipelines.hub.refusals import HUB_ERRORS, is_transient, refusal

MOST_TRIES = 3
CONTENT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")  # the SHA-1 of a git blob, or the SHA-256 of a large file


@dataclass(frozen=True, slots=True, kw_only=True)
class HubFile:
    """A file of a repository. `content` is the hash that the hub calls its ETag, and its name in the cache."""

    need: Need
    commit: str
    path: str
    size: int
    content: str

    @property
    def shelf(self) -> Shelfmark:
        """Where its repository lies in the cache."""
        return self.need.shelf

    @property
    def blob(self) -> Path:
        """Where it lies in the cache once it is whole."""
        return self.shelf.blobs / self.content

    @property
    def partial(self) -> Path:
        """Where its beginning lies until then."""
        return self.blob.with_name(f"{self.content}.incomplete")

    @property
    def pointer(self) -> Path:
        """Where it can be read under its name, once all of the model is there."""
        return self.shelf.snapshot(self.commit) / self.path

    @property
    def there(self) -> int:
        """Tell how many bytes of it are on this disk."""
        for place in (self.blob, self.pointer, self.partial):
            try:
                return min(place.stat().st_size, self.size)
            except OSError:
                continue
        return 0


def list_repository(spec: ModelSpec, need: Need, *, first_pause_s: float) -> dict[str, HubFile]:
    """Ask the hub for all files of a repository, by path, and whether they may be downloaded.

    Raises:
        ModelLoadError: it is not there, not open to us, or the hub cannot be reached; the text says what to do.
    """
    info = _ask(spec, need, first_pause_s)
    commit = info.sha or ""
    if not COMMIT.fullmatch(commit):
        raise ModelLoadError(f"{spec.name}: the hub does not say which commit of {need.repository} is meant.")
    files = {}
    for each in info.siblings or ():
        content = (each.blob_id if each.lfs is None else each.lfs.sha256) or ""
        if each.size is not None and CONTENT.fullmatch(content):
            path = each.rfilename
            files[path] = HubFile(need=need, commit=commit, path=path, size=each.size, content=content)
    return files


def _ask(spec: ModelSpec, need: Need, first_pause_s: float) -> ModelInfo:
    """Get what the hub says of a repository; one that cannot be reached is asked again after a while."""
    api, tries = HfApi(), 1
    while True:
        try:
            info = api.model_info(
                need.repository, revision=need.revision, files_metadata=True, timeout=constants.HF_HUB_ETAG_TIMEOUT
            )
            if info.gated:
                api.auth_check(need.repository)
        except (*HUB_ERRORS, ValueError) as error:  # the last one is an answer or a name that cannot be understood
            if tries == MOST_TRIES or not is_transient(error):
                raise refusal(spec, need, error) from error
            time.sleep(first_pause_s * 2 ** (tries - 1))
            tries += 1
        else:
            return info


def choose(
    spec: ModelSpec, need: Need, files: Mapping[str, HubFile], read: Callable[[HubFile], bytes]
) -> list[HubFile]:
    """Choose the files of a repository that a model needs; `read` fetches the one that has to be read for that.

    Raises:
        ModelLoadError: it does not hold what the model needs, or only as something else than safetensors.
    """
    if need.components is not None:
        parts = [(component, part_prefix(files, component)) for component in need.components]
        chosen: dict[str, HubFile] = {}
    elif INDEX in files:
        index = _read_index(spec, read(files[INDEX]))
        parts = [(component, f"{component}/") for component in components_of(index) if component not in need.without]
        chosen = {INDEX: files[INDEX]}
    else:
        raise ModelLoadError(f"{spec.name}: {need.repository} holds no {INDEX}, so it is no model of diffusers.")
    for component, prefix in parts:
        names = [path.removeprefix(prefix) for path in files if path.startswith(prefix)]
        try:
            found = wanted(component, [name for name in names if "/" not in name], is_weighty=need.has_weights)
        except LookupError as error:
            raise ModelLoadError(
                f"{spec.name}: {need.repository} holds no safetensors weights of {component}, and others are not "
                "downloaded, since they can run code."
            ) from error
        chosen |= {prefix + name: files[prefix + name] for name in found}
    return list(chosen.values())


def _read_index(spec: ModelSpec, content: bytes) -> dict[str, Any]:
    try:
        index = json.loads(content)
    except ValueError:
        index = None
    if not isinstance(index, dict):
        raise ModelLoadError(f"{spec.name}: its {INDEX} on the hub cannot be read.")
    return index
