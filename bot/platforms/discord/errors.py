"""What does each error of Discord, of its library and of the network mean for a message?"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import aiohttp
import discord

from bot.chat import MessageGoneError, NotNowError, UndeliverableError

UNKNOWN_MESSAGE = 10008
UNKNOWN_INTERACTION = 10062
ALREADY_ANSWERED = 40060
TOKEN_OVER = 50027
THREAD_ARCHIVED = 50083  # a new message wakes the thread, an edit does not

NETWORK_PAUSE_S = 2.0
SERVER_PAUSE_S = 5.0
BAD_TOKEN_PAUSE_S = 60.0

# A session that is being closed raises RuntimeError.
NETWORK_ERRORS = (aiohttp.ClientError, OSError, RuntimeError)
CALL_ERRORS = (discord.HTTPException, discord.RateLimited, *NETWORK_ERRORS)


@contextlib.contextmanager
def translated() -> Iterator[None]:
    """Let out only what a platform may raise.

    Raises:
        MessageGoneError, NotNowError, UndeliverableError: in place of whatever it was.
    """
    try:
        yield
    except discord.RateLimited as error:
        raise NotNowError("rate-limited", after_s=error.retry_after) from error
    except discord.HTTPException as error:
        raise _meaning(error) from error
    except NETWORK_ERRORS as error:
        raise NotNowError(f"no answer: {type(error).__name__}", after_s=NETWORK_PAUSE_S) from error


def may_have_passed(error: Exception) -> bool:
    """Tell whether Discord may have done what was asked, although it answered by an error or not at all."""
    if isinstance(error, discord.HTTPException):
        return error.status >= 500 or error.code == ALREADY_ANSWERED
    return not isinstance(error, discord.RateLimited)


def _meaning(error: discord.HTTPException) -> Exception:
    reason = f"{error.status} {error.code}: {error.text}"
    if error.code in (UNKNOWN_MESSAGE, THREAD_ARCHIVED):
        return MessageGoneError(reason)
    if error.status == 429:
        return NotNowError(reason, after_s=_retry_after_s(error))
    if error.status >= 500:
        return NotNowError(reason, after_s=SERVER_PAUSE_S)
    if error.status == 401 and error.code != TOKEN_OVER:
        return NotNowError(reason, after_s=BAD_TOKEN_PAUSE_S)
    return UndeliverableError(reason)


def _retry_after_s(error: discord.HTTPException) -> float:
    told = error.response.headers.get("Retry-After", "")
    return float(told) if told.replace(".", "", 1).isdecimal() else SERVER_PAUSE_S
