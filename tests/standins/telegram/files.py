"""What becomes of a file that is sent: which sizes has a photo, and what can be downloaded?"""

from __future__ import annotations

import asyncio
import hashlib
import io
import mimetypes
from dataclasses import dataclass
from typing import Any

from PIL import Image, UnidentifiedImageError

from tests.standins.telegram.clock import Clock
from tests.standins.telegram.fields import Upload
from tests.standins.telegram.refusal import bad

LARGEST_PHOTO = 10 * 1024 * 1024
LARGEST_DOWNLOAD = 20 * 1024 * 1024
LONGEST_SIDES = (90, 320, 800, 1280)
QUALITY = 87
PATH_LIFE_S = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredFile:
    """A file on Telegram's side."""

    id: str
    kind: str  # "photo" or "document"
    name: str
    content: bytes
    sizes: tuple[dict[str, Any], ...] = ()


class Files:
    """Keeps what was sent. A file's id stays good for ever; the path to download it by does not."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._files: dict[str, StoredFile] = {}
        self._paths: dict[str, tuple[str, float]] = {}

    async def photo(self, source: Upload | str) -> list[dict[str, Any]]:
        """Keeps a photo, compressed to JPEG in several sizes, and describes these as PhotoSize objects."""
        if isinstance(source, str):
            return list(self._known(source, "photo").sizes)
        scaled = await asyncio.to_thread(_compress, source.content)
        sizes = tuple(self._describe_size(*one) for one in scaled)
        for size, (content, _) in zip(sizes, scaled, strict=True):
            file_id = size["file_id"]
            self._files[file_id] = StoredFile(id=file_id, kind="photo", name="file.jpg", content=content, sizes=sizes)
        return list(sizes)

    def document(self, source: Upload | str) -> dict[str, Any]:
        """Keeps a document, byte for byte, and describes it as a Document object."""
        if isinstance(source, str):
            file = self._known(source, "document")
        else:
            if not source.content:
                raise bad("file must be non-empty")
            file_id = self._new_id("D", source.content)
            file = StoredFile(id=file_id, kind="document", name=source.name, content=source.content)
            self._files[file_id] = file
        mime_type = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        return {**_identity(file), "file_name": file.name, "mime_type": mime_type, "file_size": len(file.content)}

    def describe(self, file_id: str) -> dict[str, Any]:
        """Answers getFile, with a path that can be downloaded for an hour."""
        if (file := self._files.get(file_id)) is None:
            raise bad("wrong file_id or the file is temporarily unavailable")
        if len(file.content) > LARGEST_DOWNLOAD:
            raise bad("file is too big")
        path = f"{file.kind}s/file_{len(self._paths)}{'.jpg' if file.kind == 'photo' else ''}"
        self._paths[path] = file_id, self._clock.now() + PATH_LIFE_S
        return {**_identity(file), "file_size": len(file.content), "file_path": path}

    def at(self, path: str) -> bytes | None:
        """The file behind a path, if the path is still good."""
        file_id, until = self._paths.get(path, ("", 0.0))
        return self._files[file_id].content if self._clock.now() < until else None

    def content(self, file_id: str) -> bytes:
        return self._files[file_id].content

    def _known(self, file_id: str, kind: str) -> StoredFile:
        if (file := self._files.get(file_id)) is None:
            raise bad("wrong file identifier/HTTP URL specified")
        if file.kind != kind:
            raise bad(f"can't use file of type {file.kind.title()} as {kind.title()}")
        return file

    def _describe_size(self, content: bytes, size: tuple[int, int]) -> dict[str, Any]:
        file_id = self._new_id("P", content)
        unique = file_id.rpartition("-")[0]
        facts = {"width": size[0], "height": size[1], "file_size": len(content)}
        return {"file_id": file_id, "file_unique_id": unique, **facts}

    def _new_id(self, letter: str, content: bytes) -> str:
        return f"{letter}{hashlib.sha256(content).hexdigest()[:15]}-{len(self._files)}"


def _identity(file: StoredFile) -> dict[str, Any]:
    return {"file_id": file.id, "file_unique_id": file.id.rpartition("-")[0]}


def _compress(content: bytes) -> list[tuple[bytes, tuple[int, int]]]:
    """What Telegram keeps of a photo: JPEGs that fit into squares, without metadata, the largest last."""
    if len(content) > LARGEST_PHOTO:
        raise bad(
            f"file of size {len(content)} bytes is too big for a photo; the maximum size is {LARGEST_PHOTO} bytes"
        )
    try:
        with Image.open(io.BytesIO(content)) as opened:
            if sum(opened.size) > 10_000 or max(opened.size) > 20 * min(opened.size):
                raise bad("PHOTO_INVALID_DIMENSIONS")
            picture = opened.convert("RGB")
    except (UnidentifiedImageError, OSError):
        raise bad("IMAGE_PROCESS_FAILED") from None
    longest = max(picture.size)
    sides = [side for side in LONGEST_SIDES if side < longest] + [min(longest, LONGEST_SIDES[-1])]
    return [_jpeg(picture, side) for side in dict.fromkeys(sides)]


def _jpeg(picture: Image.Image, longest_side: int) -> tuple[bytes, tuple[int, int]]:
    scaled = picture.copy()
    scaled.info.clear()  # else text of a PNG would come along as a JPEG comment
    scaled.thumbnail((longest_side, longest_side))
    file = io.BytesIO()
    scaled.save(file, "JPEG", quality=QUALITY)
    return file.getvalue(), scaled.size
