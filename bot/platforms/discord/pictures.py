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
MISSING = "Missing on the bot's disk: {names}."

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
    sizes = {path: path.stat().st_size for path in paths if path.is_file()}
    remarks = []
    if absent := [path.name for path in paths if path not in sizes]:
        log.error("picture files are missing", files=absent)
        remarks.append(MISSING.format(names=", ".join(absent)))
    fitting = list(_fitting(sizes))
    if as_files or len(fitting) == len(sizes):
        if left_out := [_name(path, ".png") for path in sizes if path not in fitting]:
            remarks.append(LEFT_OUT.format(names=", ".join(left_out)))
        files = [Upload(name=_name(path, ".png"), data=path.read_bytes()) for path in fitting]
    else:
        remarks.append(COPIES)
        allowance = min(LARGEST_FILE, LARGEST_REQUEST // len(sizes))
        files = [Upload(name=_name(path, ".webp"), data=_copy(path, allowance)) for path in sizes]
    return Uploads(files=tuple(files), remark=" ".join(remarks))


def _fitting(sizes: Mapping[Path, int]) -> Iterator[Path]:
    """Give the files that fit one request, in their order."""
    room = LARGEST_REQUEST
    for path, size in sizes.items():
        if size <= min(LARGEST_FILE, room):
            room -= size
            yield path


def _name(path: Path, suffix: str) -> str:
    return f"fairbrush-{path.stem[:12]}{suffix}"


def _copy(path: Path, allowance: int) -> bytes:
    """Make a copy of at most so many bytes: first of less quality, then of less size."""
    with Image.open(path) as original:
        image = original.convert("RGB")
    image.thumbnail((LONGEST_WEBP_SIDE, LONGEST_WEBP_SIDE))
    while True:
        for quality in QUALITIES:
            file = io.BytesIO()
            image.save(file, "WEBP", quality=quality)
            if file.tell() <= allowance:
                return file.getvalue()
        image = image.resize((max(1, image.width // 2), max(1, image.height // 2)))
