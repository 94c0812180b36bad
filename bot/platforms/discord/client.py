"""How does the bot connect to Discord, and who is told of what comes in?"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Mapping
from typing import Any

import discord
import structlog
from discord import app_commands
from discord.gateway import KeepAliveHandler
from pydantic import SecretStr

from bot import wording
from bot.chat import PAYLOAD, Button, CommandError, Tone
from bot.platforms.connection import BadTokenError
from bot.platforms.discord.buttons import PayloadButton, filled_in
from bot.platforms.discord.calls import Interaction
from bot.platforms.discord.commands import ANY_INSTALL, ANYWHERE, slash_commands
from bot.platforms.discord.identifies import Identifies
from bot.platforms.discord.inbox import Inbox
from bot.platforms.discord.sync import sync_if_changed

LONGEST_WAIT_S = 30.0  # the library's least: a limit that lasts longer is an error instead of a pause
AFTER_INVALID_SESSION_S = 5.0  # Discord wants one to five seconds
CLOSE_S = 0.7
BAD_TOKEN_CODE = 4004
BAD_TOKEN = (
    "Discord does not take the token in FAIRBRUSH_DISCORD__TOKEN: reset it in the developer portal and set the new one."  # noqa: S105
)

OUTDATED = (
    "This command has changed since Discord showed it to you: press Ctrl-R in Discord, or restart it, and try again."
)

discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False  # nobody speaks here

log = structlog.get_logger()


class SessionsSpentError(Exception):
    """Another session would be one too many; the library takes errors of the network for a reason to try again."""


class FairbrushClient(discord.Client):
    """The library's client: with the least intents, nothing kept of messages, and nobody ever mentioned."""

    def __init__(self, inbox: Inbox, identifies: Identifies, *, proxy: str | None = None) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            max_messages=None,
            max_ratelimit_timeout=LONGEST_WAIT_S,
            guild_ready_timeout=0,
            proxy=proxy,
        )
        self.inbox = inbox
        self._identifies = identifies
        self._tree = _Tree(self, allowed_contexts=ANYWHERE, allowed_installs=ANY_INSTALL)

    async def listen(self) -> None:
        """Take what comes in, for as long as the library keeps up the session.

        Raises:
            BadTokenError: Discord no longer takes the token.
            Exception: the session is lost.
        """
        await self._identifies.wait()
        try:
            await self.connect()
        except discord.ConnectionClosed as error:
            if error.code == BAD_TOKEN_CODE:
                raise BadTokenError(BAD_TOKEN) from error
            raise
        except AttributeError as error:  # of a library that resumes a session which never began
            if self.ws is None:
                raise ConnectionError("Discord's gateway cannot be reached") from error
            raise
        raise ConnectionError("Discord has ended the session")

    async def setup_hook(self) -> None:
        """Take up the buttons and the commands, between signing in and listening."""
        self.add_dynamic_items(PayloadButton)
        router = self.inbox.desk.router
        for slash_command in slash_commands(router.commands().values(), self.inbox.take_line, router.offers):
            self._tree.add_command(slash_command)
        await sync_if_changed(self._tree, self.inbox.desk.settings)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """Count the session that begins; one too many ends the connection, and the next waits for its time."""
        if not initial:
            if await self._identifies.wait_s() > 0:
                raise SessionsSpentError("too many sessions were begun for now")
            await asyncio.sleep(AFTER_INVALID_SESSION_S)
        await self._identifies.note()

    async def on_interaction(self, interaction: Interaction) -> None:
        """Take what the library has no handler for: forms, also of earlier runs, and buttons that are not known."""
        custom_id = interaction.custom_id
        if custom_id is None:
            return
        is_form = interaction.type is discord.InteractionType.modal_submit
        if not is_form and PAYLOAD.fullmatch(custom_id):
            return
        try:
            button = Button.from_payload(custom_id)
        except CommandError as error:
            self.inbox.say(interaction, str(error))
            return
        data: Mapping[str, Any] = interaction.data or {}
        self.inbox.take_press(interaction, button, filled_in(data.get("components", ())))

    async def on_ready(self) -> None:
        """Note it in the log; it happens again after each new session."""
        log.info("discord ready", servers=len(self.guilds))

    async def on_error(self, event_method: str, /, *args: Any, **kwargs: Any) -> None:
        """Log what broke in one of the library's events."""
        log.exception("event broke", happening=event_method)  # noqa: LOG004 - called while it is handled


async def sign_in(client: discord.Client, token: SecretStr) -> None:
    """Prove the token; from here on, messages can be shown.

    Raises:
        BadTokenError: Discord does not take the token.
    """
    try:
        await client.login(token.get_secret_value())
    except discord.LoginFailure as error:
        raise BadTokenError(BAD_TOKEN) from error
    except discord.HTTPException as error:
        if error.status == 401:
            raise BadTokenError(BAD_TOKEN) from error
        raise


async def leave(client: discord.Client) -> None:
    """Close everything, within a second even if Discord does not answer."""
    try:
        async with asyncio.timeout(CLOSE_S):
            await client.close()
    except TimeoutError:
        await client.http.close()
    for thread in threading.enumerate():  # a connection that was given up halfway has left its own behind
        if isinstance(thread, KeepAliveHandler) and thread.ws.token == client.http.token:
            thread.stop()


class _Tree(app_commands.CommandTree[FairbrushClient]):
    """The slash commands, and what is said when one does not get as far as its callback."""

    async def on_error(
        self, interaction: discord.Interaction[FairbrushClient], error: app_commands.AppCommandError, /
    ) -> None:
        """Tell whoever typed it, in words."""
        if isinstance(error, app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
            log.warning("command unknown", reason=str(error))
            text, tone = OUTDATED, Tone.REFUSED
        else:
            log.error("command broke", exc_info=error)
            text, tone = wording.BROKEN, Tone.FAILED
        if interaction.type is not discord.InteractionType.autocomplete:
            interaction.client.inbox.say(interaction, text, tone)
