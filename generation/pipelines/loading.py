"""How are the parts of a checkpoint read: networks, tokenizers and the scheduler, each in its folder?"""

from __future__ import annotations

import inspect
import json
import threading
from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import Any, TypeVar

import diffusers
import torch
import transformers
from safetensors import SafetensorError
from tqdm import tqdm

from generation.errors import ModelLoadError
from generation.memory.card import Card
from generation.memory.placement import Precision
from generation.models.model import ModelSpec
from generation.pipelines.family import Family
from generation.pipelines.hub.checkpoint import check_parts, find_checkpoint, find_configs, find_part
from generation.pipelines.memory.component import Component
from generation.pipelines.memory.pantry import Pantry
from generation.pipelines.memory.quantisation import quantise
from generation.pipelines.memory.transfers import Transfers
from generation.pipelines.single_file import SingleFile
from generation.pipelines.speed.layout import lay_out

LIBRARIES: Mapping[str, Any] = {"diffusers": diffusers, "transformers": transformers}
INDEX = "model_index.json"
SHORT_HASH = 12  # hex digits

Read = TypeVar("Read")


def quieten() -> None:
    """Keep the libraries off the terminal, now and at the end."""
    for library in LIBRARIES.values():
        library.utils.logging.set_verbosity_error()
        library.utils.logging.disable_progress_bar()
    # tqdm's own lock is a semaphore of the system: a worker that is killed leaves it behind, and Python says so.
    tqdm.set_lock(threading.RLock())


class Checkpoint:
    """A checkpoint as its index describes it. `revision` names its content, `config` has what is no part.

    Raises ModelLoadError wherever it cannot be read; the text says what to do.
    """

    def __init__(self, spec: ModelSpec, family: Family, pantry: Pantry) -> None:
        self._spec = spec
        self._pantry = pantry
        self._file: SingleFile | None = None
        if spec.configs:
            self._folder = find_configs(spec)
            self._file = SingleFile(spec)
            self.revision = self._read(lambda: pantry.hashes.of_file(Path(spec.checkpoint)))[:SHORT_HASH]
        else:
            self._folder, self.revision = find_checkpoint(spec)
        index = self._read(lambda: json.loads((self._folder / INDEX).read_text(encoding="utf-8")))
        if not isinstance(index, dict):
            raise self._unreadable()
        check_parts(spec, self._folder, index, family.text_to_image)
        loaders = {name: value for name, value in index.items() if isinstance(value, list)}
        self.config = {name: value for name, value in index.items() if name not in loaders and name[:1] != "_"}
        self._loaders = {name: loader for name, loader in loaders.items() if loader[0] is not None}

    def has(self, name: str) -> bool:
        """Tell whether it has this part."""
        return name in self._loaders or name in self._spec.parts

    @property
    def tokenizer_names(self) -> list[str]:
        """The names of its tokenizers."""
        return [name for name in (*self._loaders, *self._spec.parts) if name.startswith("tokenizer")]

    def network(self, name: str, precision: Precision, card: Card, transfers: Transfers) -> Component:
        """Give a network in a precision, out of the pantry if another model has the same."""
        folder = self._folder_of(name)
        kind = self._read(lambda: self._class_of(name, folder))
        blocks = self._blocks_of(name)
        computed = _computed(precision, card)
        file = None if name in self._spec.parts else self._file
        path = file.path if file else None
        content = f"{kind.__name__} {self._read(lambda: self._pantry.hashes.of_part(folder, path))} {precision}"

        def build() -> Component:
            module = file.filled(kind, folder, computed) if file else self.filled(kind, folder, computed)
            module.eval().requires_grad_(requires_grad=False)
            lay_out(module, card)
            quantise(module, precision, blocks, torch.device(card.device))
            return Component(module, content, precision, blocks, transfers)

        return self._read(lambda: self._pantry.fetch(content, build))

    def filled(self, kind: Any, folder: Path, dtype: torch.dtype) -> Any:
        """Build a network of this class as its folder describes it, with the weights that lie there."""
        return kind.from_pretrained(folder, dtype=dtype, use_safetensors=True, local_files_only=True)

    def tokenizer(self, name: str) -> Any:
        """Give a tokenizer."""
        folder = self._folder_of(name)
        return self._read(lambda: self._class_of(name, folder).from_pretrained(folder, local_files_only=True))

    def scheduler(self) -> Any:
        """Give the scheduler that the catalogue names, with the settings of the checkpoint's own and its options."""
        folder = self._folder_of("scheduler")
        own = self._read(lambda: self._class_of("scheduler", folder).from_pretrained(folder))
        return _scheduler(self._spec, own.config)

    def _folder_of(self, name: str) -> Path:
        return find_part(self._spec, name) if name in self._spec.parts else self._folder / name

    def _blocks_of(self, name: str) -> Collection[str]:
        part = self._spec.components.get(name)
        return frozenset() if part is None else frozenset(blocks.class_name for blocks in part.blocks)

    def _class_of(self, name: str, folder: Path) -> Any:
        if name in self._loaders:
            library, class_name = self._loaders[name]
            return getattr(LIBRARIES[library], class_name)
        if name.startswith("tokenizer"):
            return transformers.AutoTokenizer
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        return getattr(transformers, config["architectures"][0])

    def _read(self, read: Callable[[], Read]) -> Read:
        try:
            return read()
        except (OSError, ValueError, TypeError, KeyError, AttributeError, RuntimeError, SafetensorError) as error:
            raise self._unreadable() from error

    def _unreadable(self) -> ModelLoadError:
        return ModelLoadError(f"{self._spec.name}: its checkpoint cannot be read; fetch it anew or ask an admin.")


def _computed(precision: Precision, card: Card) -> torch.dtype:
    """Give the type of whatever is not quantised."""
    if precision in {Precision.FLOAT32, Precision.BFLOAT16, Precision.FLOAT16}:
        return getattr(torch, precision)  # type: ignore[no-any-return]
    if not card.is_gpu:
        return torch.float32
    return torch.bfloat16 if card.has_bfloat16 else torch.float16


def _scheduler(spec: ModelSpec, config: Mapping[str, Any]) -> Any:
    scheduler_class = getattr(diffusers, spec.scheduler, None)
    if scheduler_class is None:
        raise ModelLoadError(f"{spec.name}: diffusers has no scheduler {spec.scheduler}.")
    known = inspect.signature(scheduler_class).parameters
    if unknown := sorted(spec.scheduler_options.keys() - known):
        raise ModelLoadError(f"{spec.name}: {spec.scheduler} has no option {unknown[0]!r}; it has {', '.join(known)}.")
    try:
        return scheduler_class.from_config(config, **spec.scheduler_options)
    except (TypeError, ValueError) as error:
        raise ModelLoadError(f"{spec.name}: its scheduler_options do not suit {spec.scheduler}: {error}.") from error
