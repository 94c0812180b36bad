"""Where do attachments lie, and for how long does a link to one hold?"""

from __future__ import annotations

import hashlib
import io
import re
import secrets
from dataclasses import dataclass
from typing import Any

from aiohttp import web
from PIL import Image, UnidentifiedImageError

from tests.standins.discord.clock import Clock
from tests.standins.discord.drafts import Upload

HOST, PROXY_HOST = "cdn.discordapp.com", "media.discordapp.net"
LINK_LIFE_S = 24 * 3600.0
SPOILER_PREFIX, SPOILER_FLAG = "SPOILER_", 1 << 3


@dataclass(frozen=True, eq=False)
class Attachment:
    id: str
    channel_id: str
    filename: str
    data: bytes
    content_type: str
    description: str | None
    is_ephemeral: bool
    is_spoiler: bool

    @property
    def is_picture(self) -> bool:
        return self.content_type.startswith("image/")


class Cdn:
    """Keeps files until their message drops them, and signs links that expire."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._secret = secrets.token_hex(8)
        self._files: dict[str, Attachment] = {}
        self.downloads = 0

    def keep(
        self,
        upload: Upload,
        attachment_id: str,
        channel_id: str,
        *,
        description: str | None = None,
        is_spoiler: bool = False,
        is_ephemeral: bool = False,
    ) -> Attachment:
        filename = re.sub(r"[^\w.\-]", "_", upload.filename)
        attachment = Attachment(
            id=attachment_id,
            channel_id=channel_id,
            filename=filename,
            data=upload.data,
            content_type=upload.content_type,
            description=description,
            is_ephemeral=is_ephemeral,
            is_spoiler=is_spoiler or filename.startswith(SPOILER_PREFIX),
        )
        self._files[attachment_id] = attachment
        return attachment

    def drop(self, attachment: Attachment) -> None:
        self._files.pop(attachment.id, None)

    def json(self, attachment: Attachment) -> dict[str, Any]:
        path = self._signed(attachment)
        told: dict[str, Any] = {
            "id": attachment.id,
            "filename": attachment.filename,
            "size": len(attachment.data),
            "url": f"https://{HOST}{path}",
            "proxy_url": f"https://{PROXY_HOST}{path}",
            "content_type": attachment.content_type,
        }
        if attachment.description:
            told["description"] = attachment.description
        if attachment.is_ephemeral:
            told["ephemeral"] = True
        if attachment.is_spoiler:
            told["flags"] = SPOILER_FLAG
        return told | _size(attachment)

    async def serve(self, request: web.Request) -> web.Response:
        """Answers a download: 404 where the file is gone, the link too old or forged."""
        attachment = self._files.get(request.path.split("/")[3] if request.path.count("/") >= 4 else "")
        expires = request.query.get("ex", "")
        if attachment is None or not expires or request.path_qs != self._path(attachment, expires):
            return web.Response(status=404, text="This content is no longer available.")
        if self._clock.now() > int(expires, 16):
            return web.Response(status=404, text="This content is no longer available.")
        self.downloads += 1
        return web.Response(body=attachment.data, content_type=attachment.content_type)

    def _signed(self, attachment: Attachment) -> str:
        return self._path(attachment, f"{int(self._clock.now() + LINK_LIFE_S):x}")

    def _path(self, attachment: Attachment, expires: str) -> str:
        kind = "ephemeral-attachments" if attachment.is_ephemeral else "attachments"
        path = f"/{kind}/{attachment.channel_id}/{attachment.id}/{attachment.filename}"
        signature = hashlib.sha256(f"{self._secret}{path}{expires}".encode()).hexdigest()
        return f"{path}?ex={expires}&is=0&hm={signature}&"


def _size(attachment: Attachment) -> dict[str, int]:
    if not attachment.is_picture:
        return {}
    try:
        width, height = Image.open(io.BytesIO(attachment.data)).size
    except (UnidentifiedImageError, OSError):
        return {}
    return {"width": width, "height": height}
