"""What does a new bot on Discord still need? Asked by `fairbrush setup discord`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import discord
from pydantic import SecretStr

from bot.chat import CommandError
from bot.platforms.discord.calls import member_key
from bot.platforms.discord.client import leave, sign_in
from bot.platforms.discord.errors import NETWORK_ERRORS

SCOPES = ("bot", "applications.commands")
# What is answered to commands needs none of them; the rest of a job's life does.
PERMISSIONS = discord.Permissions(
    view_channel=True,
    send_messages=True,
    send_messages_in_threads=True,
    attach_files=True,
    read_message_history=True,  # to find an answer again after a kill
)
PRIVILEGED = {
    "Presence": ("gateway_presence", "gateway_presence_limited"),
    "Server Members": ("gateway_guild_members", "gateway_guild_members_limited"),
    "Message Content": ("gateway_message_content", "gateway_message_content_limited"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class SetupReport:
    """Whose bot a token is, where to invite it, and in `missing` a sentence for each thing that is left to do.

    `owner` is the key of the account that the bot belongs to: its first admin.
    """

    application: str
    owner: str
    owner_name: str
    invite: str
    missing: tuple[str, ...]


async def examine(token: SecretStr, *, proxy: str | None = None) -> SetupReport:
    """Look at the bot of a token, without starting it.

    Raises:
        BadTokenError: Discord does not take the token.
        CommandError: Discord cannot be reached.
    """
    client = discord.Client(intents=discord.Intents(guilds=True), proxy=proxy)
    try:
        await sign_in(client, token)
        application = client.application
        assert application is not None  # signing in reads it
        has_server = any([True async for _ in client.fetch_guilds(limit=1)])
    except (discord.HTTPException, *NETWORK_ERRORS) as error:
        way = "the connection" if proxy is None else "the connection and FAIRBRUSH_DISCORD__PROXY"
        raise CommandError(
            f"Discord cannot be reached ({type(error).__name__}). Check {way}, and run the setup again."
        ) from error
    finally:
        await leave(client)
    owner = application.owner if application.team is None else application.team.owner or application.owner
    return SetupReport(
        application=application.name,
        owner=member_key(owner.id),
        owner_name=owner.display_name,
        invite=discord.utils.oauth_url(application.id, permissions=PERMISSIONS, scopes=SCOPES),
        missing=tuple(_missing(application, has_server=has_server)),
    )


def _missing(application: discord.AppInfo, *, has_server: bool) -> Iterator[str]:
    """Name what is in the way of the bot, and what it has been given without need."""
    if not has_server:
        yield "The bot is in no server yet: open the invite link and choose one."
    if application.bot_require_code_grant:
        yield "The invite link does not work: switch “Requires OAuth2 Code Grant” off on the page “Bot”."
    if application.interactions_endpoint_url is not None:
        yield (
            "Commands go to a web address instead of here:"
            " empty the “Interactions Endpoint URL” on the page “General Information”."
        )
    for name, flags in PRIVILEGED.items():
        if any(getattr(application.flags, flag) for flag in flags):
            yield f"“{name} Intent” is on, but Fairbrush does not need it: switch it off on the page “Bot”."
    if not (application.guild_integration_config or not application.user_integration_config):
        yield "The bot cannot be added to servers: tick “Guild Install” on the page “Installation”."
    if application.guild_integration_config and not application.user_integration_config:
        yield "People cannot add the bot to their own account: tick “User Install” on the page “Installation”."
    if application.bot_public:
        yield (
            "Anybody may add the bot to their server and use your GPU:"
            " switch “Public Bot” off on the page “Bot”, unless you want that."
        )
