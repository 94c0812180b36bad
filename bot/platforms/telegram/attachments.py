"""How does a picture that somebody sent to Telegram come here?"""

from __future__ import annotations

from telegram import Document, Message, PhotoSize
from telegram.error import TelegramError

from bot.chat import Attachment, CommandError
from bot.platforms.telegram.errors import says

MOST_MIB = 20  # what Telegram lets bots fetch
MIB = 2**20


def has_picture(message: Message) -> bool:
    """Tell whether a message holds a picture, be it as a photo or as a file."""
    return _picture(message) is not None


def attachment_of(message: Message) -> Attachment | None:
    """Give the picture of a message, in the largest size there is."""
    found = _picture(message)
    if found is None:
        return None
    name = (found.file_name if isinstance(found, Document) else None) or "The picture"
    size = found.file_size or 0

    async def read() -> bytes:
        if size > MOST_MIB * MIB:
            raise CommandError(
                f"{name} has {size / MIB:.1f} MiB; Telegram lets bots fetch files of up to {MOST_MIB} MiB."
            )
        try:
            file = await found.get_file()
            return bytes(await file.download_as_bytearray())
        except TelegramError as error:
            if says(error, "file is too big"):
                raise CommandError(
                    f"{name} is too large; Telegram lets bots fetch files of up to {MOST_MIB} MiB."
                ) from None
            raise CommandError(f"{name} could not be fetched from Telegram; send it once more.") from None

    return Attachment(name=name, size=size, read=read)


def _picture(message: Message) -> PhotoSize | Document | None:
    if message.photo:
        return message.photo[-1]  # they come in order of size
    document = message.document
    is_picture = document is not None and (document.mime_type or "").startswith("image/")
    return document if is_picture else None
