"""How is Telegram a platform?"""

from __future__ import annotations

import asyncio

import structlog
from pydantic import SecretStr
from telegram import Bot
from telegram.error import InvalidToken

from bot.chat import Capabilities, NotNowError, Place, View
from bot.platforms.connection import Desk
from bot.platforms.telegram.budget import MESSAGE_S, Budget, Urgency
from bot.platforms.telegram.calls import Calls
from bot.platforms.telegram.client import bad_token, connected
from bot.platforms.telegram.memory import Memory
from bot.platforms.telegram.menus import Menus
from bot.platforms.telegram.messages import Messages
from bot.platforms.telegram.moves import NAME, Moves
from bot.platforms.telegram.outbox import Outbox
from bot.platforms.telegram.polling import Inbox, poll
from bot.platforms.telegram.reception import Reception
from bot.platforms.telegram.replies import Line

RECONNECT_S = 3.0

log = structlog.get_logger()


class TelegramPlatform:
    """A bot of Telegram's. `base_url` is the root of a Bot API server, Telegram's own if None."""

    name = NAME
    capabilities = Capabilities(edit_interval_s=MESSAGE_S, is_lossless=False)

    def __init__(self, token: SecretStr, *, base_url: str | None = None) -> None:
        self._token = token
        self._base_url = base_url
        self._budget = Budget()
        self._moves = Moves()
        self._memory = Memory()
        self._messages: Messages | None = None

    async def serve(self, desk: Desk) -> None:
        """Connect, and serve until cancelled.

        Raises:
            BadTokenError: the token is wrong or was revoked.
            ConnectionError: Telegram cannot be reached at the start; later, polling goes on until it can.
        """
        async with connected(self._token, self._base_url) as bot:
            calls = Calls(bot, self._budget, self._moves, desk.jobs)
            self._messages = Messages(calls, self._memory)
            try:
                await self._serve(bot, desk, calls, self._messages)
            except ExceptionGroup as group:
                first = group.exceptions[0]
                raise bad_token(self._base_url) if isinstance(first, InvalidToken) else first from None
            finally:
                self._messages = None
                await calls.posts.answered()

    async def post(self, place: Place, view: View, key: str) -> str:
        """Show a new message."""
        urgency = Urgency.FINAL if view.is_final else Urgency.ACKNOWLEDGEMENT
        return await self._connected().post(place, view, key, urgency=urgency)

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        """Show a view in place of what a message shows."""
        await self._connected().edit(message_id, view)

    async def remove(self, place: Place, message_id: str) -> None:
        """Delete a message, or empty it if it is too old for that."""
        await self._connected().remove(message_id)

    async def _serve(self, bot: Bot, desk: Desk, calls: Calls, messages: Messages) -> None:
        async with asyncio.TaskGroup() as tasks:
            line = Line(calls=calls, messages=messages, outbox=Outbox(tasks))
            menus = Menus(bot, desk.router, desk.settings)
            log.info("telegram ready", bot=bot.username)
            line.outbox.run(menus.publish, "menus")
            try:
                await poll(bot, Inbox(Reception(self, desk.router, line, menus).take, tasks))
            finally:
                line.outbox.close()

    def _connected(self) -> Messages:
        if self._messages is None:
            raise NotNowError("Telegram is not connected", after_s=RECONNECT_S)
        return self._messages
