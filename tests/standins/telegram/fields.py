"""What did a call bring along: which parameters, and which files?"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import BodyPartReader, web

from tests.standins.telegram.refusal import BotApiError, bad

ATTACHED = "attach://"
LARGEST_FILE = 50 * 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that came with the call."""

    name: str
    content: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Fields:
    """The parameters of one call, as the words that were sent; what is read from them has been checked."""

    texts: Mapping[str, str]
    uploads: Mapping[str, Upload]

    def text(self, name: str) -> str:
        return self.texts.get(name, "")

    def integer(self, name: str, default: int = 0) -> int:
        word = self.texts.get(name, "")
        try:
            return int(word) if word else default
        except ValueError:
            raise bad(f"{name} must be an integer") from None

    def flag(self, name: str) -> bool:
        return self.texts.get(name, "").lower() in {"true", "yes", "1"}

    def json(self, name: str) -> Any:
        if not (word := self.texts.get(name, "")):
            return None
        try:
            return json.loads(word)
        except ValueError:
            raise bad(f"can't parse {name.replace('_', ' ')} JSON object") from None

    def objects(self, name: str) -> list[dict[str, Any]]:
        """A list of objects; anything else is refused."""
        value = self.json(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise bad(f"expected an Array of Object as {name}")
        return value

    def file(self, name: str) -> Upload | str:
        """The file of a parameter: sent along under its name, attached under another, or known by its file_id."""
        if (upload := self.uploads.get(name)) is not None:
            return upload
        if not (word := self.texts.get(name, "")):
            raise bad(f"there is no {name} in the request")
        return self.attached(word)

    def attached(self, word: str) -> Upload | str:
        """What "attach://NAME" refers to; a file_id stands for itself."""
        if not word.startswith(ATTACHED):
            return word
        if (upload := self.uploads.get(word.removeprefix(ATTACHED))) is None:
            raise bad("wrong remote file identifier specified: can't unserialize it. Wrong string length")
        return upload


async def read(request: web.Request) -> Fields:
    """Reads a call in any of the forms that the Bot API takes."""
    texts = dict(parse_qsl(request.query_string, keep_blank_values=True))
    uploads: dict[str, Upload] = {}
    match request.content_type:
        case "multipart/form-data":
            async for part in await request.multipart():
                assert isinstance(part, BodyPartReader), "the Bot API knows no parts within parts"
                content = bytes(await part.read(decode=False))
                if part.filename is None:
                    texts[part.name or ""] = content.decode()
                else:
                    uploads[part.name or ""] = Upload(name=part.filename, content=content)
        case "application/json":
            body = json.loads(await request.read() or b"{}")
            texts |= {name: value if isinstance(value, str) else json.dumps(value) for name, value in body.items()}
        case _:
            texts |= dict(parse_qsl((await request.read()).decode(), keep_blank_values=True))
    if any(len(upload.content) > LARGEST_FILE for upload in uploads.values()):
        raise BotApiError(413)
    return Fields(texts=texts, uploads=uploads)
