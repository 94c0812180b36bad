"""How is Discord a platform?"""

from __future__ import annotations

import asyncio
import contextlib

import discord
from pydantic import SecretStr

from bot.chat import Capabilities, MessageGoneError, NotNowError, Place, UndeliverableError, View
from bot.platforms.connection import Desk
from bot.platforms.discord.answers import answer_to
from bot.platforms.discord.budget import Budget
from bot.platforms.discord.calls import NAME, UNKNOWN
from bot.platforms.discord.client import FairbrushClient, leave, sign_in
from bot.platforms.discord.errors import translated
from bot.platforms.discord.identifies import Identifies
from bot.platforms.discord.inbox import Inbox
from bot.platforms.discord.messages import Draft, drafted, nonce
from bot.platforms.discord.tokens import Tokens
from bot.platforms.leaving import Posts

EDIT_INTERVAL_S = 2.0
PROGRESS_S = 4.0  # then a progress edit gives way to whatever comes next
OLD_S = 3600.0  # Discord hardly lets older messages be edited
OLD_PAUSE_S = 60.0
NOT_CONNECTED_PAUSE_S = 2.0


class DiscordPlatform:
    """One bot on Discord. Messages are posted and edited by channel; in other people's places, by tokens."""

    name = NAME

    def __init__(self, token: SecretStr, *, proxy: str | None = None) -> None:
        self.capabilities = Capabilities(edit_interval_s=EDIT_INTERVAL_S)
        self._token = token
        self._proxy = proxy
        self._client: FairbrushClient | None = None
        self._tokens = Tokens()
        self._posts = Posts()
        self._budget = Budget()

    async def serve(self, desk: Desk) -> None:
        """Connect, and serve until cancelled.

        Raises:
            BadTokenError: Discord does not take the token.
            Exception: the connection is lost.
        """
        inbox = Inbox(desk, self, self._tokens, self._posts)
        client = FairbrushClient(inbox, Identifies(desk.settings), proxy=self._proxy)
        is_cancelled = False
        try:
            await sign_in(client, self._token)
            self._client = client
            await client.listen()
        except asyncio.CancelledError:
            is_cancelled = True
            raise
        finally:
            self._client = None
            try:
                await inbox.close(is_urgent=is_cancelled)
                await self._posts.answered()
            finally:
                await leave(client)

    async def post(self, place: Place, view: View, key: str) -> str:
        """Show a new message and give its id.

        If the interaction of the key was answered already, that is the message; else the same key is the same message
        within some minutes.
        """
        client = self._signed_in()
        draft = await drafted(view)
        with translated(), self._posts.one():
            if (token := self._tokens.at(place)) is not None:
                token.use_follow_up()
                message_id = str((await token.webhook(client).send(**draft.new(), wait=True)).id)
                self._tokens.keep(message_id, token)
                return message_id
            channel = _channel(client, place)
            if (answer_id := await answer_to(key, channel)) is not None:
                await self._budget.spend(place.thread or place.channel)
                with contextlib.suppress(MessageGoneError), translated():
                    await self._replace(place, answer_id, draft)
                    return answer_id
            return str((await channel.send(**draft.new(), nonce=nonce(key))).id)

    async def edit(self, place: Place, message_id: str, view: View) -> None:
        """Replace a message by this view. Progress gives way to what is final.

        Raises:
            MessageGoneError: there is no such message any more.
        """
        if not message_id.isdecimal():
            raise MessageGoneError(f"{message_id} is no message of Discord")
        if view.is_final:
            draft = await drafted(view)
            await self._budget.spend(place.thread or place.channel)
            with translated():
                await self._replace(place, message_id, draft)
            return
        if _age_s(message_id) > OLD_S:
            raise NotNowError("the message is too old for progress", after_s=OLD_PAUSE_S)
        self._signed_in()
        self._budget.spend_on_progress(place.thread or place.channel)
        draft = await drafted(view)
        with translated():
            async with asyncio.timeout(PROGRESS_S):
                await self._replace(place, message_id, draft)

    async def remove(self, place: Place, message_id: str) -> None:
        """Take a message away; one that is gone already does no harm."""
        if not message_id.isdecimal():
            return
        client = self._signed_in()
        with contextlib.suppress(MessageGoneError), translated():
            if (token := self._tokens.of(message_id)) is not None:
                await token.webhook(client).delete_message(int(message_id))
            else:
                await _channel(client, place).get_partial_message(int(message_id)).delete()

    async def _replace(self, place: Place, message_id: str, draft: Draft) -> None:
        client = self._signed_in()
        if (token := self._tokens.of(message_id)) is not None:
            await token.webhook(client).edit_message(int(message_id), **draft.edit())
        else:
            await _channel(client, place).get_partial_message(int(message_id)).edit(**draft.edit())

    def _signed_in(self) -> FairbrushClient:
        if self._client is None or self._client.is_closed():
            raise NotNowError("Discord is not connected", after_s=NOT_CONNECTED_PAUSE_S)
        return self._client


def _channel(client: FairbrushClient, place: Place) -> discord.PartialMessageable:
    if place.channel == UNKNOWN:
        raise UndeliverableError("the library does not know that kind of channel")
    return client.get_partial_messageable(int(place.thread or place.channel))


def _age_s(message_id: str) -> float:
    return (discord.utils.utcnow() - discord.utils.snowflake_time(int(message_id))).total_seconds()
