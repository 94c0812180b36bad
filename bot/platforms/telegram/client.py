"""How is Telegram's Bot API reached: with which library, which patience and at which address?"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from pydantic import SecretStr
from telegram import Bot
from telegram.error import InvalidToken, TelegramError
from telegram.request import HTTPXRequest

from bot.platforms.connection import BadTokenError

TELEGRAM = "https://api.telegram.org"
ANSWER_S = 60.0  # uploads included
CONNECT_S = 10.0
POLL_S = 25  # how long Telegram holds an empty answer back
BAD_TOKEN = (
    "Telegram does not take this token. @BotFather shows it under /token; it goes into FAIRBRUSH_TELEGRAM__TOKEN."  # noqa: S105
)
BAD_TOKEN_THERE = (
    "The Bot API server of FAIRBRUSH_TELEGRAM__BASE_URL does not take the token of FAIRBRUSH_TELEGRAM__TOKEN: "  # noqa: S105
    "one of the two is wrong."
)


@contextlib.asynccontextmanager
async def connected(token: SecretStr, base_url: str | None) -> AsyncIterator[Bot]:
    """Give a bot that has said who it is, and close its connections in the end.

    Raises:
        BadTokenError: Telegram does not know the token.
        ConnectionError: Telegram cannot be reached; the text is for the operator.
    """
    _prepare()
    root = (base_url or TELEGRAM).rstrip("/")
    try:
        bot = Bot(
            token.get_secret_value(),
            base_url=f"{root}/bot",
            base_file_url=f"{root}/file/bot",
            request=_requests(256),
            get_updates_request=_requests(2),
        )
    except InvalidToken:  # it is empty
        raise bad_token(base_url) from None
    try:
        await _introduce(bot, root, base_url)
        yield bot
    finally:
        await bot.shutdown()


async def _introduce(bot: Bot, root: str, base_url: str | None) -> None:
    try:
        await bot.initialize()
    except InvalidToken:
        raise bad_token(base_url) from None  # the library's own text shows the token
    except TelegramError as error:
        reason = type(error.__cause__ or error).__name__
        host = urlsplit(root).netloc.rpartition("@")[2]  # what stands before it is a password
        raise ConnectionError(f"Telegram cannot be reached at {host} ({reason}).") from None


def bad_token(base_url: str | None) -> BadTokenError:
    """Say what is wrong when the token is refused."""
    return BadTokenError(BAD_TOKEN if base_url is None else BAD_TOKEN_THERE)


def _requests(connections: int) -> HTTPXRequest:
    return HTTPXRequest(
        connection_pool_size=connections,
        read_timeout=ANSWER_S,
        write_timeout=ANSWER_S,
        media_write_timeout=ANSWER_S,
        connect_timeout=CONNECT_S,
        pool_timeout=CONNECT_S,
    )


def _prepare() -> None:
    """Set what the libraries can only be told from outside."""
    # Each address holds the token, and httpx logs addresses.
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)
    # Without it, the library warns of its own next version at each pause that Telegram asks for.
    os.environ.setdefault("PTB_TIMEDELTA", "true")
