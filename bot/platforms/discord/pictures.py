"""Which files go along with a message: the pictures themselves, or smaller copies where Discord takes no more?"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog
from PIL import Image

MIB = 2**20
LARGEST_FILE = 10 * MIB  # where nobody has boosted the server
LARGEST_REQUEST = 25 * MIB - MIB // 4  # the rest is for the text and for what separates the parts
LONGEST_WEBP_SIDE = 16383
QUALITIES = (92, 80, 60)

COPIES = "Shown as smaller copies, since Discord does not take the originals at once: they are too large."
LEFT_OUT = "Left out, since Discord takes no more: {names}."
MISSING = "Not readable on the bot's disk: {names}."

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file to send along."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Uploads:
    """Files that fit into one request, and what has to be said about them; mostly nothing."""

    files: tuple[Upload, ...] = ()
    remark: str = ""

    @property
    def size(self) -> int:
        """Give the size of all of them in bytes."""
        return sum(len(file.data) for file in self.files)


def read_pictures(paths: Sequence[Path], *, as_files: bool) -> Uploads:
    """Read the files, or make copies of them that fit; blocks. With `as_files`, no copy does for an original."""
    originals = {path: data for path in paths if (data := _read(path)) is not None}
    remarks = []
    if absent := [path.name for path in paths if path not in originals]:
        remarks.append(MISSING.format(names=", ".join(absent)))
    fitting = list(_fitting(originals))
    if as_files or len(fitting) == len(originals):
        if left_out := [_name(path, ".png") for path in originals if path not in fitting]:
            remarks.append(LEFT_OUT.format(names=", ".join(left_out)))
        files = [Upload(name=_name(path, ".png"), data=originals[path]) for path in fitting]
    else:
        remarks.append(COPIES)
        allowance = min(LARGEST_FILE, LARGEST_REQUEST // len(originals))
        files = [Upload(name=_name(path, ".webp"), data=_copy(data, allowance)) for path, data in originals.items()]
    return Uploads(files=tuple(files), remark=" ".join(remarks))


def _read(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except OSError as error:
        log.error("picture file not read", reason=str(error))
        return None


def _fitting(originals: Mapping[Path, bytes]) -> Iterator[Path]:
    """Give the files that fit one request, in their order."""
    room = LARGEST_REQUEST
    for path, data in originals.items():
        if len(data) <= min(LARGEST_FILE, room):
            room -= len(data)
            yield path


def _name(path: Path, suffix: str) -> str:
    return f"fairbrush-{path.stem[:12]}{suffix}"


def _copy(data: bytes, allowance: int) -> bytes:
    """Make a copy of at most so many bytes: first of less quality, then of less size."""
    with Image.open(io.BytesIO(data)) as original:
        image = original.convert("RGB")
    image.thumbnail((LONGEST_WEBP_SIDE, LONGEST_WEBP_SIDE))
    while True:
        for quality in QUALITIES:
            file = io.BytesIO()
            image.save(file, "WEBP", quality=quality)
            if file.tell() <= allowance:
                return file.getvalue()
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))
