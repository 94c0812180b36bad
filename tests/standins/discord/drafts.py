"""What did the bot send: JSON, or JSON with files beside it?"""

from __future__ import annotations

import json
import mimetypes
import re
from dataclasses import dataclass, field
from typing import Any

from aiohttp import BodyPartReader, web

from tests.standins.discord.errors import ApiError, invalid_form, too_large
from tests.standins.discord.world import MIB

REQUEST_LIMIT = 25 * MIB
FILE_FIELD = re.compile(r"files\[(\d)\]")


@dataclass(frozen=True)
class Upload:
    filename: str
    data: bytes
    content_type: str

    @classmethod
    def named(cls, filename: str, data: bytes) -> Upload:
        """Takes the type from the name, as Discord does when what it is told is only "bytes"."""
        return cls(filename, data, mimetypes.guess_type(filename)[0] or "application/octet-stream")


@dataclass(frozen=True)
class Draft:
    """A request's body: `payload` is None where there was none."""

    payload: Any = None
    uploads: dict[int, Upload] = field(default_factory=dict)

    def of(self, payload: Any) -> Draft:
        """The same files with another payload, as the `data` inside a callback."""
        return Draft(payload, self.uploads)


async def read_draft(request: web.Request) -> Draft:
    """Reads all of it first: who answers in the middle of an upload breaks the sender's pipe."""
    if request.content_type == "multipart/form-data":
        return await _read_parts(request)
    body = await request.read()
    if len(body) > REQUEST_LIMIT:
        raise too_large()
    if not body:
        return Draft()
    if request.content_type != "application/json":
        raise ApiError(400, 50035, f"A body of the type {request.content_type} is not understood")
    return Draft(_parsed(body))


async def _read_parts(request: web.Request) -> Draft:
    payload, uploads, size = None, {}, 0
    async for part in await request.multipart():
        assert isinstance(part, BodyPartReader)
        data = bytes(await part.read())
        size += len(data)
        if part.name == "payload_json":
            payload = _parsed(data)
        elif (number := FILE_FIELD.fullmatch(part.name or "")) and part.filename:
            uploads[int(number[1])] = Upload.named(part.filename, data)
        else:
            raise invalid_form(str(part.name), "Files are called files[0] to files[9] and have a file name.")
    if size > REQUEST_LIMIT:
        raise too_large()
    return Draft(payload, uploads)


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None
