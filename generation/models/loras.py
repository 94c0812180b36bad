"""Which adapters are there, and which of them may be used as somebody asks?

The folders are looked at each time, so that what an admin puts there counts at once; a header is read only once, until
its file changes.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from importlib import resources
from pathlib import Path
from stat import S_ISREG

from generation.errors import InvalidRequestError
from generation.lora import LARGEST_SCALE, MOST_LORAS, Lora, LoraWeights
from generation.memory.card import GIB
from generation.models.lora_header import LoraFile, UnreadableLoraError, read_lora
from generation.models.model import ModelSpec

SUFFIX = ".safetensors"
HASH_DIGITS = 12
MOST_NAMED = 10  # names in a sentence

# What tells that a file has changed: its path, size and time of change in nanoseconds.
Stamp = tuple[Path, int, int]


@dataclass(frozen=True, slots=True)
class UnreadableLora:
    """A file in the folder that cannot be used, and why, as the end of a sentence about it."""

    name: str
    reason: str


def shipped_loras() -> Path:
    """Give the folder of the adapters that ship."""
    return Path(str(resources.files("generation").joinpath("demo/loras")))


class LoraLibrary:
    """The adapters of some folders, by name: the file's own, of which other signs than letters and figures become "-".

    Of several files with one name, that of the first folder counts.
    """

    def __init__(self, *folders: Path) -> None:
        self._folders = folders
        self._read: dict[Stamp, LoraFile | UnreadableLora] = {}
        self._hashes: dict[Stamp, str] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """What can be asked for, in alphabetical order; from a look at the folders alone, without reading any file."""
        broken = {stamp for stamp, found in self._read.items() if isinstance(found, UnreadableLora)}
        return tuple(name for name, stamp in self._files().items() if stamp not in broken)

    def all(self) -> Sequence[LoraFile | UnreadableLora]:
        """Give all there are, in alphabetical order. The headers of new files are read, which may take a moment."""
        files = self._files()
        known = self._read
        self._read = {stamp: known.get(stamp) or _looked_at(name, stamp[0]) for name, stamp in files.items()}
        return tuple(self._read[stamp] for stamp in files.values())

    def get(self, name: str) -> LoraFile:
        """Find one by its name, whatever its case.

        Raises:
            InvalidRequestError: there is none that can be used; the text names the nearest and what there is.
        """
        found = {each.name: each for each in self.all()}
        match found.get(name.casefold()):
            case LoraFile() as file:
                return file
            case UnreadableLora(reason=reason):
                raise InvalidRequestError(f"--lora {name} cannot be used: its file {reason}.")
        known = [each.name for each in found.values() if isinstance(each, LoraFile)]
        if not known:
            raise InvalidRequestError(f"There is no --lora {name!r}; no LoRA is there at all.")
        nearest = get_close_matches(name.casefold(), known, n=1)
        hint = f", the nearest is {nearest[0]}" if nearest else ""
        raise InvalidRequestError(f"There is no --lora {name!r}{hint}; LoRAs: {_some(known)}.")

    def chosen(self, wanted: Sequence[Lora], spec: ModelSpec, models: Iterable[ModelSpec]) -> tuple[Lora, ...]:
        """Check what somebody asks for with a model, and give it in alphabetical order; `models` are all there are.

        Raises:
            InvalidRequestError: too many, one twice, unknown, too strong, or made for another base.
        """
        if len(wanted) > MOST_LORAS:
            raise InvalidRequestError(f"--lora is given {len(wanted)} times; at most {MOST_LORAS} are allowed.")
        chosen: dict[str, Lora] = {}
        for lora in wanted:
            file = self.get(lora.name)
            if file.name in chosen:
                raise InvalidRequestError(f"--lora {file.name} is given twice.")
            if not -LARGEST_SCALE <= lora.scale <= LARGEST_SCALE:
                raise InvalidRequestError(
                    f"--lora {lora} is out of range: a scale from {-LARGEST_SCALE:g} to {LARGEST_SCALE:g} is allowed."
                )
            _check_base(file, spec, models)
            chosen[file.name] = Lora(file.name, lora.scale)
        return tuple(chosen[name] for name in sorted(chosen))

    def weights(self, loras: Iterable[Lora]) -> tuple[LoraWeights, ...]:
        """Give the files behind a request's adapters, with their hashes, for which all of a new file is read.

        Raises:
            InvalidRequestError: one of them is not there any more.
        """
        found = []
        for lora in loras:
            file = self.get(lora.name)
            sha256 = self._hash(file.path)
            found.append(LoraWeights(lora=lora, path=file.path, sha256=sha256, has_text_part=file.has_text_part))
        return tuple(found)

    def gib(self, loras: Iterable[Lora]) -> float:
        """Give what a request's adapters take beside the model; one that is not there takes nothing."""
        wanted = {lora.name for lora in loras if lora.scale}
        return sum(size for name, (_, size, _) in self._files().items() if name in wanted) / GIB if wanted else 0.0

    def _files(self) -> dict[str, Stamp]:
        files: dict[str, Stamp] = {}
        for folder in self._folders:
            for path in sorted(folder.glob(f"*{SUFFIX}")) if folder.is_dir() else ():
                name = re.sub(r"[^\w.-]+", "-", path.stem).casefold()
                with suppress(OSError):  # it may be gone by now
                    facts = path.stat()
                    if S_ISREG(facts.st_mode):  # a pipe would be read for ever
                        files.setdefault(name, (path, facts.st_size, facts.st_mtime_ns))
        return dict(sorted(files.items()))

    def _hash(self, path: Path) -> str:
        try:
            with path.open("rb") as stream:
                facts = path.stat()
                stamp = path, facts.st_size, facts.st_mtime_ns
                if stamp not in self._hashes:
                    self._hashes[stamp] = hashlib.file_digest(stream, "sha256").hexdigest()[:HASH_DIGITS]
                return self._hashes[stamp]
        except OSError as error:
            raise InvalidRequestError(f"The LoRA {path.stem} cannot be read: {error.strerror}.") from error


def _looked_at(name: str, path: Path) -> LoraFile | UnreadableLora:
    try:
        return read_lora(path, name)
    except UnreadableLoraError as error:
        return UnreadableLora(name, str(error))


def _check_base(file: LoraFile, spec: ModelSpec, models: Iterable[ModelSpec]) -> None:
    if file.base.fits(spec):
        return
    fitting = [other.name for other in models if file.base.fits(other)]
    where = f"it fits {_some(fitting)}" if fitting else "no model here has that base"
    raise InvalidRequestError(f"--lora {file.name} is made for {file.base.title}, not for {spec.name}; {where}.")


def _some(names: Sequence[str]) -> str:
    rest = len(names) - MOST_NAMED
    return ", ".join(names[:MOST_NAMED]) + (f" and {rest} more" if rest > 0 else "")
