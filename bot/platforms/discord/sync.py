"""When is Discord told about our slash commands? Only when they have changed: it limits who tells it at each start."""

from __future__ import annotations

import asyncio
import hashlib
import json
from typing import Any

import discord
import structlog
from discord import app_commands

from bot.platforms.discord.errors import NETWORK_ERRORS
from storage import Settings

NOTE = "discord commands"  # the setting that keeps what Discord was told, by application
SYNC_S = 15.0  # the start waits for it

log = structlog.get_logger()


async def sync_if_changed(tree: app_commands.CommandTree[Any], settings: Settings) -> None:
    """Tell Discord the commands, unless it knows them. Without success the old ones stay, until the next start."""
    payload = [command.to_dict(tree) for command in tree.get_commands()]
    digest = hashlib.sha256(json.dumps(payload, sort_keys=True).encode()).hexdigest()
    scope = f"discord:{tree.client.application_id}"
    if await settings.get(NOTE, scope=scope) == digest:
        return
    try:
        async with asyncio.timeout(SYNC_S):
            await tree.sync()
    except (discord.HTTPException, discord.RateLimited, *NETWORK_ERRORS) as error:
        log.error("commands not synced", reason=f"{type(error).__name__}: {error}")
        return
    await settings.put(NOTE, digest, scope=scope)
    log.info("commands synced", commands=len(payload))
