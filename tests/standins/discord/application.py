"""What does Discord tell the bot about itself, its owner, its servers and its commands?"""

from __future__ import annotations

from typing import Any

from tests.standins.discord.commands import Commands
from tests.standins.discord.errors import missing_access, unknown_guild, unknown_member, unknown_user
from tests.standins.discord.gateway import HOST, IDENTIFY_LIMIT, Gateway
from tests.standins.discord.rest import Call, Reply, Route
from tests.standins.discord.shapes import (
    account_json,
    channel_json,
    guild_json,
    member_json,
    roles_json,
    user_json,
)
from tests.standins.discord.world import Guild, Kind, World

NO_MESSAGE_CONTENT_FLAGS = 0


class Application:
    """Everything that is neither a message nor an interaction."""

    def __init__(self, world: World, gateway: Gateway, commands: Commands) -> None:
        self._world = world
        self._gateway = gateway
        self._commands = commands

    def routes(self) -> list[Route]:
        commands = "/applications/{application_id}/commands"
        return [
            Route("GET /users/@me", lambda _: Reply(account_json(self._world.bot))),
            Route("GET /users/@me/guilds", self._my_guilds),
            Route("POST /users/@me/channels", self._open_private_chat),
            Route("GET /users/{user_id}", self._user),
            Route("GET /oauth2/applications/@me", lambda _: Reply(self.json())),
            Route("GET /applications/@me", lambda _: Reply(self.json())),
            Route("GET /gateway", lambda _: Reply({"url": f"wss://{HOST}"}), needs_token=False),
            Route("GET /gateway/bot", self._gateway_for_bots),
            Route(f"GET {commands}", lambda _: Reply(self._commands.all())),
            Route(f"PUT {commands}", lambda call: Reply(self._commands.put(call.draft.payload))),
            Route("GET /guilds/{guild_id}", lambda call: Reply(guild_json(self._guild(call)))),
            Route("GET /guilds/{guild_id}/roles", lambda call: Reply(roles_json(self._guild(call)))),
            Route("GET /guilds/{guild_id}/channels", self._channels),
            Route("GET /guilds/{guild_id}/members/{user_id}", self._member),
        ]

    def json(self) -> dict[str, Any]:
        """The application with its owner: a person, or a team that is shown as one."""
        world = self._world
        nothing = dict.fromkeys(("icon", "interactions_endpoint_url", "role_connections_verification_url", "type"))
        counts = dict.fromkeys(("approximate_user_install_count", "approximate_user_authorization_count"), 0)
        return (
            nothing
            | counts
            | {
                "id": world.bot.id,
                "name": world.bot.name,
                "description": "",
                "verify_key": "0" * 64,
                "flags": NO_MESSAGE_CONTENT_FLAGS,
                "flags_new": str(NO_MESSAGE_CONTENT_FLAGS),
                "redirect_uris": [],
                "bot": user_json(world.bot),
                "bot_public": True,
                "bot_require_code_grant": False,
                "owner": user_json(world.owner),
                "approximate_guild_count": len(world.guilds),
                "explicit_content_filter": 0,
                "team": self._team(),
                "eligible_oauth2_scopes": ["bot", "applications.commands"],
            }
            | world.portal
        )

    def _team(self) -> dict[str, Any] | None:
        if not self._world.team:
            return None
        members = [
            {"user": user_json(user), "team_id": "1", "membership_state": 2, "role": "admin", "permissions": ["*"]}
            for user in self._world.team
        ]
        return {"id": "1", "icon": None, "name": "Team", "owner_user_id": self._world.team[0].id, "members": members}

    def _gateway_for_bots(self, _: Call) -> Reply:
        left = max(0, IDENTIFY_LIMIT - self._gateway.identifies)
        limit = {"total": IDENTIFY_LIMIT, "remaining": left, "reset_after": 86_400_000, "max_concurrency": 1}
        return Reply({"url": f"wss://{HOST}", "shards": 1, "session_start_limit": limit})

    def _my_guilds(self, _: Call) -> Reply:
        bot = self._world.bot
        return Reply(
            [
                {"id": guild.id, "name": guild.name, "icon": None, "banner": None, "owner": guild.owner is bot}
                | {"permissions": str(int(guild.bot_permissions)), "features": []}
                for guild in self._world.guilds.values()
                if guild.is_installed
            ]
        )

    def _open_private_chat(self, call: Call) -> Reply:
        user = self._world.users.get(str(call.draft.payload["recipient_id"]))
        if user is None:
            raise unknown_user()
        return Reply(channel_json(self._world.private_chat(user)))

    def _user(self, call: Call) -> Reply:
        user = self._world.users.get(call.params["user_id"])
        if user is None:
            raise unknown_user()
        return Reply(user_json(user))

    def _guild(self, call: Call) -> Guild:
        guild = self._world.guilds.get(call.params["guild_id"])
        if guild is None:
            raise unknown_guild()
        if not guild.is_installed:
            raise missing_access()
        return guild

    def _channels(self, call: Call) -> Reply:
        return Reply([channel_json(each) for each in self._guild(call).channels if each.kind is Kind.TEXT])

    def _member(self, call: Call) -> Reply:
        guild = self._guild(call)
        user = self._world.users.get(call.params["user_id"])
        if user is self._world.bot or user in guild.members:
            assert user is not None
            return Reply(member_json(guild, user))
        raise unknown_member()
