"""What does whoever sets the bot up need to know, and who is the first admin?"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import re
import secrets
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from pydantic import SecretStr
from telegram import Bot, Message, Update
from telegram.constants import ChatType
from telegram.error import Conflict, InvalidToken, TelegramError

from bot.chat import CommandError
from bot.platforms.connection import BadTokenError
from bot.platforms.telegram.client import BAD_TOKEN, connected
from bot.platforms.telegram.errors import says
from bot.platforms.telegram.moves import NAME
from bot.platforms.telegram.polling import KINDS, LATE_S

POLL_S = 10
RECHECK_S = 1.0
MOST_PENDING = 100  # a poll gives no more, and to see those behind it would drop these
GREETING = "You are an admin of this Fairbrush now. /help lists the commands once it runs."
WEBHOOK = "A webhook is set for this bot, so that it cannot be asked for messages: remove the webhook first."
BUSY = "Another program is polling Telegram with this token: stop it, and run the setup again."
CROWDED = (
    "More than 100 messages wait for the bot: start it with `fairbrush run` once, stop it, and run the setup again."
)
NO_GROUPS = "The bot cannot be added to groups. To allow that, send @BotFather /setjoingroups and choose Enable."
SEES_ALL = (
    "Privacy mode is off: the bot is sent everything that is said in its groups, which it does not need. "
    "To change that, send @BotFather /setprivacy, choose Enable, and add the bot to its groups anew."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstAdmin:
    """Who sent the code: the key of the account, and the name to greet."""

    key: str
    name: str


@contextlib.asynccontextmanager
async def opened(token: SecretStr, base_url: str | None = None) -> AsyncIterator[TelegramSetup]:
    """Check the token and give what can be asked and done with it.

    Raises:
        BadTokenError: Telegram does not take the token; the text says what to do.
        CommandError: Telegram cannot be reached.
    """
    try:
        async with connected(token, base_url) as bot:
            yield TelegramSetup(bot)
    except ConnectionError as error:
        raise CommandError(f"{error} Check the connection, and run the setup again.") from None


class TelegramSetup:
    """A bot whose token is right."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    @property
    def name(self) -> str:
        """Give the bot's name as people see it."""
        return self._bot.bot.full_name

    @property
    def link(self) -> str:
        """Give the address that opens a chat with the bot, and from which it is added to groups."""
        return f"https://t.me/{self._bot.username}"

    @property
    def group_link(self) -> str:
        """Give the address that adds the bot to a group."""
        return f"{self.link}?startgroup=true"

    def code_link(self, code: str) -> str:
        """Give the address that sends a code from `new_code` to the bot."""
        return f"{self.link}?start={code}"

    async def webhook(self) -> str:
        """Name the host that a webhook sends everything to; empty if none is set, as it must be here.

        Raises:
            CommandError: Telegram does not answer.
        """
        with _in_words():
            return urlsplit((await self._bot.get_webhook_info()).url).hostname or ""

    async def remove_webhook(self) -> None:
        """Remove the webhook; what waits for the bot goes on waiting.

        Raises:
            CommandError: Telegram does not answer.
        """
        with _in_words():
            await self._bot.delete_webhook()

    def hints(self) -> tuple[str, ...]:
        """Say what could be set better at @BotFather, each in a sentence or two."""
        hints = []
        if not self._bot.can_join_groups:
            hints.append(NO_GROUPS)
        if self._bot.can_read_all_group_messages:
            hints.append(SEES_ALL)
        return tuple(hints)

    async def first_admin(self, code: str) -> FirstAdmin:
        """Wait until somebody sends the code in private, and greet them. Everything else stays for the bot to answer.

        Raises:
            CommandError: another program polls, a webhook is set, or too much waits already.
            BadTokenError: the token was revoked meanwhile.
        """
        while True:
            updates = await self._pending()
            for update in updates:
                if update.message is not None and (admin := _sender_of(update.message, code)) is not None:
                    await self._greet(update.message)
                    return admin
            if len(updates) >= MOST_PENDING:
                raise CommandError(CROWDED)
            await asyncio.sleep(RECHECK_S)

    async def _pending(self) -> tuple[Update, ...]:
        """Look at what waits for the bot without taking it away; nothing, while the connection is lost."""
        try:
            return await self._bot.get_updates(timeout=POLL_S, allowed_updates=KINDS, read_timeout=LATE_S)
        except Conflict as error:
            raise CommandError(WEBHOOK if says(error, "webhook") else BUSY) from None
        except InvalidToken:
            raise BadTokenError(BAD_TOKEN) from None
        except TelegramError:
            return ()

    async def _greet(self, message: Message) -> None:
        with contextlib.suppress(TelegramError):  # they know already from the terminal
            await self._bot.send_message(message.chat.id, GREETING)


def new_code() -> str:
    """Make up a code that nobody guesses."""
    return secrets.token_urlsafe(18)


def _sender_of(message: Message, code: str) -> FirstAdmin | None:
    """Tell whose account sent the code: typed by themselves, to the bot alone."""
    sender = message.from_user
    is_own = message.chat.type == ChatType.PRIVATE and message.forward_origin is None and message.via_bot is None
    match = re.fullmatch(r"/start(?:@\w+)?\s+(\S+)\s*", message.text or "")
    if sender is None or not is_own or match is None or not hmac.compare_digest(match[1].encode(), code.encode()):
        return None
    return FirstAdmin(key=f"{NAME}:{sender.id}", name=sender.full_name)


@contextlib.contextmanager
def _in_words() -> Iterator[None]:
    try:
        yield
    except TelegramError as error:
        raise CommandError(f"Telegram did not answer ({type(error.__cause__ or error).__name__}): try again.") from None
