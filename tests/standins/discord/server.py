"""How do the parts of the stand-in become one Discord that a real client can log in to?"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from aiohttp import web

from tests.standins.authority import authority_file, server_context
from tests.standins.discord import cdn, gateway
from tests.standins.discord.application import Application
from tests.standins.discord.cdn import Cdn
from tests.standins.discord.channels import Channels
from tests.standins.discord.clock import Clock, Snowflakes
from tests.standins.discord.commands import Commands
from tests.standins.discord.deeds import Deeds
from tests.standins.discord.drafts import REQUEST_LIMIT
from tests.standins.discord.faults import Faults
from tests.standins.discord.gateway import Gateway
from tests.standins.discord.interactions import Interactions
from tests.standins.discord.limits import Limits, Rate
from tests.standins.discord.messages import Mentions, Message, Messages
from tests.standins.discord.people import Desk, DiscordPerson, seen_of
from tests.standins.discord.proxy import LoopbackProxy
from tests.standins.discord.rest import Rest
from tests.standins.discord.schema import problems
from tests.standins.discord.shapes import channel_json, guild_create_json, roles_json, user_json
from tests.standins.discord.world import NOTHING, Can, Channel, Guild, Kind, Role, World
from tests.standins.person import PATIENCE_S, Screen
from tests.standins.violations import Violations

HOSTS = ("discord.com", gateway.HOST, "*.discord.gg", cdn.HOST, cdn.PROXY_HOST)
GUILD_MESSAGES, DIRECT_MESSAGES = 1 << 9, 1 << 12
EXTRA_IN_GUILD_CREATE = {
    *("joined_at", "large", "unavailable", "member_count", "members", "channels", "threads", "voice_states"),
    *("presences", "stage_instances", "guild_scheduled_events", "soundboard_sounds"),
}


class DiscordServer:
    """A whole Discord on loopback: an async context manager, left with an error if a rule was broken meanwhile."""

    def __init__(self, *, rates: Mapping[str, Rate] | None = None, patience_s: float = PATIENCE_S) -> None:
        self.clock = Clock()
        self.violations = Violations("Discord")
        self.calls_for: list[tuple[str, Mentions]] = []  # messages that called somebody, by their ids
        self.onlookers: list[Callable[[Message], None]] = []  # told of each message that is new, edited or deleted
        self.faults = Faults()
        self._patience_s = patience_s
        self._snowflakes = Snowflakes(self.clock)
        self.world = World(self._snowflakes.next)
        self.reset_token()
        bot = self.world.bot
        self.limits = Limits(self.clock, rates or {})
        self.gateway = Gateway(lambda: self.token, self.reset_token, self.violations)
        self.gateway.ready, self.gateway.first_sight = self._ready, self._first_sight
        self.commands = Commands(bot.id, self._snowflakes.next)
        self.cdn = Cdn(self.clock)
        self._messages = Messages(self.clock, self._snowflakes, self.cdn, self._changed)
        self.interactions = Interactions(self.clock, bot, self._messages)
        self._channels = Channels(self.clock, bot, self.world.channels.get, self._messages, self.limits)
        self._application = Application(self.world, self.gateway, self.commands)
        routes = [*self._application.routes(), *self._channels.routes(), *self.interactions.routes()]
        self.rest = Rest(lambda: self.token, routes, self.limits, self.faults, self.violations)
        self._deeds = Deeds(self.clock, self._snowflakes.next, bot, self._messages, self.interactions, self.gateway)
        self._people: list[DiscordPerson] = []
        self._proxy = LoopbackProxy(HOSTS)
        self.home = self.guild("Home")
        self.studio = self.channel(self.home, "studio")
        self.owner = self.person("Owner", user=self.world.owner)

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=4 * REQUEST_LIMIT)
        app.router.add_route("*", "/{path:.*}", self._dispatch)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, access_log=None)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, backlog=1024, ssl_context=server_context(*HOSTS))
        await site.start()
        self.violations.open()
        self.proxy = await self._proxy.open(self._runner.addresses[0][1])
        return self

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        self._deeds.close()
        self.gateway.forget()
        await self._proxy.close()
        await self._runner.cleanup()
        self.violations.extend(f"proxy: {target} was asked for" for target in self._proxy.refused)
        self.violations.close()
        if error is None:
            self.violations.check()
        elif self.violations:
            error.add_note(self.violations.text())

    @property
    def ca_file(self) -> Path:
        """What SSL_CERT_FILE has to name in the process of the bot."""
        return authority_file()

    @property
    def identifies(self) -> int:
        return self.gateway.identifies

    @property
    def acknowledgements(self) -> list[float]:
        """How long each interaction waited for its first answer, in seconds."""
        return self.interactions.acknowledgements

    async def connected(self) -> None:
        """Waits until a bot is connected."""
        await self.gateway.until_connected()

    async def disconnected(self) -> None:
        """Waits until no bot is connected."""
        await self.gateway.until_disconnected()

    def reset_token(self) -> None:
        """Gives the bot a new token; the old one is worth nothing any more."""
        name = base64.urlsafe_b64encode(self.world.bot.id.encode()).decode().rstrip("=")
        self.token = f"{name}.{secrets.token_urlsafe(4)}.{secrets.token_urlsafe(28)}"

    def guild(self, name: str, *, is_installed: bool = True) -> Guild:
        """A server, with the bot or without it."""
        guild = self.world.add_guild(name, self.world.owner, is_installed=is_installed)
        if is_installed and self.gateway.is_heard:
            self.gateway.dispatch("GUILD_CREATE", self._sight(guild))
        return guild

    def role(self, guild: Guild, name: str, permissions: Can = NOTHING) -> Role:
        role = Role(self._snowflakes.next(), name, permissions)
        guild.roles.append(role)
        if guild.is_installed:
            self.gateway.dispatch("GUILD_ROLE_CREATE", {"guild_id": guild.id, "role": roles_json(guild)[-1]})
        return role

    def channel(self, guild: Guild, name: str, *, is_age_restricted: bool = False) -> Channel:
        channel = Channel(self._snowflakes.next(), Kind.TEXT, name, guild, is_age_restricted=is_age_restricted)
        return self._add(channel, "CHANNEL_CREATE")

    def thread(self, parent: Channel, name: str) -> Channel:
        return self._add(Channel(self._snowflakes.next(), Kind.THREAD, name, parent.guild, parent), "THREAD_CREATE")

    def group(self, *people: DiscordPerson) -> Channel:
        """A private chat of people, without the bot: only those who installed it themselves can use it there."""
        return self.world.add_private_chat(Kind.GROUP, [person.user for person in people])

    def person(
        self, name: str, place: Channel | None = None, *roles: Role, has_installed: bool = False, user: Any = None
    ) -> DiscordPerson:
        """Somebody who comes to this place, a member of its server, and sees what happens from now on."""
        place = place or self.studio
        user = user or self.world.add_user(name, has_installed=has_installed)
        if place.guild is not None:
            place.guild.members[user] = [*place.guild.members.get(user, []), *roles]
        desk = Desk(self.world, self.commands, self._messages, self.cdn, self._deeds, self._snowflakes.next)
        person = DiscordPerson(desk, user, place, Screen(self._patience_s))
        self._people.append(person)
        return person

    def join(self, person: DiscordPerson, guild: Guild, *roles: Role) -> None:
        """Makes a person a member of one more server, or changes the roles there."""
        guild.members[person.user] = list(roles)

    def kick(self, guild: Guild) -> None:
        """Throws the bot out of a server."""
        guild.is_installed = False
        self.gateway.dispatch("GUILD_DELETE", {"id": guild.id})

    def delete_channel(self, channel: Channel) -> None:
        channel.is_gone = True
        self.gateway.dispatch("CHANNEL_DELETE" if channel.kind is Kind.TEXT else "THREAD_DELETE", channel_json(channel))

    def update(self, channel: Channel) -> None:
        """Tells the bot what a test changed about a channel, as that it is age-restricted now."""
        self.gateway.dispatch("CHANNEL_UPDATE" if channel.kind is Kind.TEXT else "THREAD_UPDATE", channel_json(channel))

    def delete(self, message_id: str) -> None:
        """Deletes a message as a moderator would."""
        message = self._messages.by_id[message_id]
        self._messages.delete(message)

    def message(self, message_id: str) -> dict[str, Any]:
        """A message as Discord tells it."""
        return self._messages.json(self._messages.by_id[message_id])

    def _add(self, channel: Channel, event: str) -> Channel:
        self.world.add_channel(channel)
        if Can.VIEW_CHANNEL in channel.what_the_bot_can():
            self.gateway.dispatch(event, channel_json(channel))
        return channel

    async def _dispatch(self, request: web.Request) -> web.StreamResponse:
        host = request.host.split(":")[0]
        if host.endswith(".discord.gg"):
            return await self.gateway.handle(request)
        if host in {cdn.HOST, cdn.PROXY_HOST}:
            return await self.cdn.serve(request)
        return await self.rest.handle(request)

    def _ready(self) -> dict[str, Any]:
        bot = user_json(self.world.bot)
        self._check("READY user", bot, "UserResponse")
        guilds = [{"id": guild.id, "unavailable": True} for guild in self.world.guilds.values() if guild.is_installed]
        return {"v": 10, "user": bot, "guilds": guilds, "application": {"id": bot["id"], "flags": 0}}

    def _first_sight(self) -> list[dict[str, Any]]:
        return [self._sight(guild) for guild in self.world.guilds.values() if guild.is_installed]

    def _sight(self, guild: Guild) -> dict[str, Any]:
        told = guild_create_json(guild, self.world.bot)
        own = {name: value for name, value in told.items() if name not in EXTRA_IN_GUILD_CREATE}
        self._check("GUILD_CREATE", own, "GuildResponse")
        for name, schema in (("channels", "GuildChannelResponse"), ("threads", "ThreadResponse")):
            for each in told[name]:
                self._check(f"GUILD_CREATE {name}", each, schema)
        for member in told["members"]:
            self._check("GUILD_CREATE member", member, "GuildMemberResponse")
        return told

    def _changed(self, message: Message) -> None:
        """Shows a message to those who see it, and tells the bot if it asked for messages."""
        for tell in self.onlookers:
            tell(message)
        seen = seen_of(message, self._messages)
        for person in self._people:
            person.see(message, seen)
        if message.mentions and not message.is_deleted:
            self.calls_for.append((message.id, message.mentions))
        guild = message.channel.guild
        intent = DIRECT_MESSAGES if guild is None else GUILD_MESSAGES
        if message.private_to is not None or not self.gateway.intents & intent:
            return
        if guild is not None and not guild.is_installed:
            return
        told = {"id": message.id, "channel_id": message.channel.id}
        if not message.is_deleted:
            told = self._messages.json(message)
            self._check("a message", told, "MessageResponse")
        event = "MESSAGE_DELETE" if message.is_deleted else "MESSAGE_UPDATE" if message.edits else "MESSAGE_CREATE"
        self.gateway.dispatch(event, told if guild is None else told | {"guild_id": guild.id}, intent)

    def _check(self, what: str, told: Any, schema: str) -> None:
        self.violations.extend(f"our own {what}: {problem}" for problem in problems(told, schema))
