"""What does it mean for a message when Telegram, or the way to it, says no?"""

from __future__ import annotations

from datetime import timedelta

import httpx
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from bot.chat import MessageGoneError, NotNowError, UndeliverableError

SOON_S = 3.0
UNCHANGED = "message is not modified"
# Words of Telegram's own server; they are no promise, but they have not changed in years.
GONE = ("message to edit not found", "message can't be edited", "message_id_invalid", "message not found")
DELETED = ("message to delete not found", "message_id_invalid", "message not found")
UNDELETABLE = "message can't be deleted"
WITHOUT_TEXT = ("there is no text in the message", "message has no text")
FORBIDDEN = (
    "not enough rights to send photos",
    "not enough rights to send documents",
    "chat_send_photos_forbidden",
    "chat_send_docs_forbidden",
    "chat_send_media_forbidden",
)
UNFIT = ("image_process_failed", "photo_invalid_dimensions", "photo_save_file_invalid", "photo_ext_invalid")
# A RuntimeError says that the client is closed.
NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol, RuntimeError)


class UnsureError(NotNowError):
    """Nobody knows whether the call was carried out: the connection broke, or no answer came."""


class WithoutTextError(Exception):
    """The message shows a picture: it has a caption, but no text."""


class NoPicturesError(UndeliverableError):
    """The words could be shown, but not the picture or file; the text says why, to those who look for it."""


def meaning(error: TelegramError) -> Exception:
    """Say what an error means for the message that was to be sent or edited."""
    match error:
        case RetryAfter():
            return NotNowError("Telegram wants a pause", after_s=retry_after_s(error))
        case ChatMigrated():
            return MessageGoneError(f"the group became the supergroup {error.new_chat_id}")
        case Forbidden():
            return UndeliverableError(error.message)
        case BadRequest():
            return _refusal(error)
        case NetworkError() if says(error, "too large"):
            return UndeliverableError(error.message)
        case _:
            is_sent = not isinstance(error.__cause__, NOT_SENT)
            return (UnsureError if is_sent else NotNowError)(_reason(error), after_s=SOON_S)


def says(error: TelegramError, *words: str) -> bool:
    """Tell whether the error has some of these words."""
    message = error.message.casefold()
    return any(each in message for each in words)


def retry_after_s(error: RetryAfter) -> float:
    """Give the pause that Telegram asks for; the library is on its way from numbers to timedeltas."""
    pause = error.retry_after
    return pause.total_seconds() if isinstance(pause, timedelta) else float(pause)


def _refusal(error: BadRequest) -> Exception:
    if says(error, *GONE):
        return MessageGoneError(error.message)
    if says(error, *WITHOUT_TEXT):
        return WithoutTextError(error.message)
    if says(error, *FORBIDDEN):
        return NoPicturesError("Pictures may not be sent in this chat; an admin of the chat can allow them.")
    if says(error, *UNFIT):
        return NoPicturesError("Telegram did not take the picture.")
    return UndeliverableError(error.message)


def _reason(error: TelegramError) -> str:
    """Say what broke, without what a library may add to it: the address of a call holds the token."""
    cause = error.__cause__
    return f"no answer from Telegram ({type(error if cause is None else cause).__name__})"
