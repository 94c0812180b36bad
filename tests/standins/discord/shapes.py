"""How does Discord write people, servers, roles and channels in JSON?"""

from __future__ import annotations

from typing import Any

from tests.standins.discord.clock import iso
from tests.standins.discord.world import EVERYBODY, Can, Channel, Context, Guild, Kind, Role, User

LONG_AGO = 1_600_000_000.0
NO_FEATURES: list[str] = []


def user_json(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "username": user.name.lower(),
        "global_name": None if user.is_bot else user.name,
        "discriminator": "0000" if user.is_bot else "0",
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
        "bot": user.is_bot,
    }


def account_json(user: User) -> dict[str, Any]:
    return user_json(user) | {"mfa_enabled": True, "locale": "en-US", "verified": True, "email": None}


def role_json(role: Role, position: int) -> dict[str, Any]:
    return {
        "id": role.id,
        "name": role.name,
        "permissions": str(int(role.permissions)),
        "position": position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def roles_json(guild: Guild) -> list[dict[str, Any]]:
    everyone = Role(guild.id, "@everyone", EVERYBODY)
    return [role_json(role, position) for position, role in enumerate([everyone, *guild.roles])]


def member_json(guild: Guild, user: User) -> dict[str, Any]:
    return {
        "user": user_json(user),
        "roles": [role.id for role in guild.members.get(user, [])],
        "joined_at": iso(LONG_AGO),
        "nick": None,
        "avatar": None,
        "banner": None,
        "communication_disabled_until": None,
        "flags": 0,
        "pending": False,
        "premium_since": None,
        "mute": False,
        "deaf": False,
    }


def channel_json(channel: Channel) -> dict[str, Any]:
    common = {"id": channel.id, "type": int(channel.kind), "flags": 0, "last_message_id": None}
    if channel.kind is Kind.DM or channel.kind is Kind.GROUP:
        # A bot is not told its own place among the recipients.
        private = common | {"recipients": [user_json(user) for user in channel.recipients if not user.is_bot]}
        group = {"name": channel.name, "icon": None, "owner_id": channel.recipients[0].id}
        return private | group if channel.kind is Kind.GROUP else private
    assert channel.guild is not None
    common |= {"guild_id": channel.guild.id, "name": channel.name, "rate_limit_per_user": 0}
    common["parent_id"] = None if channel.parent is None else channel.parent.id
    return common | (_thread(channel) if channel.kind is Kind.THREAD else _text(channel))


def _text(channel: Channel) -> dict[str, Any]:
    return {"position": 0, "topic": None, "nsfw": channel.is_age_restricted, "permission_overwrites": []}


def _thread(channel: Channel) -> dict[str, Any]:
    assert channel.guild is not None
    state = {"archived": channel.is_archived, "archive_timestamp": iso(LONG_AGO), "locked": False}
    return {
        "owner_id": channel.guild.owner.id,
        "thread_metadata": state | {"auto_archive_duration": 1440},
        "message_count": 0,
        "member_count": 1,
        "total_message_sent": 0,
    }


def guild_json(guild: Guild) -> dict[str, Any]:
    nothing = dict.fromkeys(
        ("icon", "description", "home_header", "splash", "discovery_splash", "banner", "application_id"), None
    )
    nothing |= dict.fromkeys(("afk_channel_id", "system_channel_id", "widget_channel_id", "vanity_url_code"), None)
    nothing |= dict.fromkeys(("rules_channel_id", "safety_alerts_channel_id", "public_updates_channel_id"), None)
    zero = dict.fromkeys(("system_channel_flags", "verification_level", "default_message_notifications"), 0)
    zero |= dict.fromkeys(("mfa_level", "explicit_content_filter", "premium_tier", "nsfw_level"), 0)
    return {
        **nothing,
        **zero,
        "id": guild.id,
        "name": guild.name,
        "features": NO_FEATURES,
        "owner_id": guild.owner.id,
        "region": "deprecated",
        "afk_timeout": 300,
        "widget_enabled": False,
        "roles": roles_json(guild),
        "max_presences": None,
        "max_members": 500_000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create_json(guild: Guild, bot: User) -> dict[str, Any]:
    """The first sight of a server. A client without the members' intent sees only its own member."""
    shown = [channel for channel in guild.channels if Can.VIEW_CHANNEL in channel.what_the_bot_can()]
    return guild_json(guild) | {
        "joined_at": iso(LONG_AGO),
        "large": False,
        "unavailable": False,
        "member_count": len(guild.members) + 1,
        "members": [member_json(guild, bot)],
        "channels": [channel_json(channel) for channel in shown if channel.kind is Kind.TEXT],
        "threads": [channel_json(channel) for channel in shown if channel.kind is Kind.THREAD],
        "voice_states": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def install_owners(channel: Channel, user: User) -> dict[str, str]:
    """By whose installation the bot answers here: 0 the server's (or the bot's own private chat), 1 this user's."""
    owners = {"1": user.id} if user.has_installed else {}
    if channel.context is Context.BOT_DM:
        owners["0"] = "0"
    elif channel.guild is not None and channel.guild.is_installed:
        owners["0"] = channel.guild.id
    return owners
