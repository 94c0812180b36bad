"""What of which repositories of the hub does a model need, and what of it is on this disk?"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from generation.models.model import HUB, ModelSpec
from generation.pipelines.hub.cache import Shelfmark
from generation.pipelines.hub.contents import INDEX, components_of, is_whole

PARTS_REVISION = "main"


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """Components of one repository; None stands for all that its index names, but for those in `without`.

    Without weights it is their configurations and the tokenizers alone.
    """

    repository: str
    revision: str
    components: tuple[str, ...] | None
    without: frozenset[str] = frozenset()
    has_weights: bool = True

    @property
    def shelf(self) -> Shelfmark:
        """Where it lies in the cache."""
        return Shelfmark(self.repository)

    @property
    def folder(self) -> Path | None:
        """Give the directory of the downloaded revision; None if there is none."""
        commit = self.shelf.commit(self.revision)
        return None if commit is None else self.shelf.snapshot(commit)

    @property
    def is_met(self) -> bool:
        """Tell whether all of it is in the cache; what cannot be read is not."""
        folder = self.folder
        try:
            return folder is not None and self._is_whole(folder)
        except (OSError, ValueError):
            return False

    def _is_whole(self, folder: Path) -> bool:
        if self.components is not None:
            return all(is_whole(component, part_folder(folder, component)) for component in self.components)
        index = json.loads((folder / INDEX).read_bytes())
        named = components_of(index) if isinstance(index, dict) else iter(())
        return all(
            is_whole(component, folder / component, is_weighty=self.has_weights)
            for component in named
            if component not in self.without
        )


def needs(spec: ModelSpec) -> Iterator[Need]:
    """Give what a model takes from the hub: nothing, if it lies in this package or in directories."""
    whole = spec.configs or spec.checkpoint
    if whole.startswith(HUB):
        yield Need(
            repository=whole.removeprefix(HUB),
            revision=spec.revision,
            components=None,
            without=frozenset(spec.parts),
            has_weights=not spec.configs,
        )
    elsewhere = {source for source in spec.parts.values() if source.startswith(HUB)}
    for source in sorted(elsewhere):
        components = tuple(component for component, its_source in spec.parts.items() if its_source == source)
        yield Need(repository=source.removeprefix(HUB), revision=PARTS_REVISION, components=components)


def is_here(spec: ModelSpec) -> bool:
    """Tell whether a model can be loaded without the hub; a few looks at the disk."""
    return all(need.is_met for need in needs(spec))


def part_folder(repository: Path, component: str) -> Path:
    """Give where a component lies: in a folder of its own name, or a repository that is nothing else."""
    own = repository / component
    return own if own.is_dir() else repository


def part_prefix(names: Collection[str], component: str) -> str:
    """Say the same of a repository of which only the names of the files are known, as the beginning of these."""
    return f"{component}/" if any(name.startswith(f"{component}/") for name in names) else ""
