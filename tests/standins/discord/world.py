"""Who and what is there on the stand-in's Discord: people, servers, roles, channels, threads, private chats?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag
from typing import Any

MIB = 1 << 20


class Can(IntFlag):
    """The permissions that matter here, as Discord numbers them."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_APPLICATION_COMMANDS = 1 << 31
    SEND_MESSAGES_IN_THREADS = 1 << 38


ALL = Can(sum(Can))
EVERYBODY = ALL & ~(Can.ADMINISTRATOR | Can.MANAGE_GUILD | Can.MANAGE_MESSAGES | Can.MENTION_EVERYONE)
NOTHING = Can(0)
IN_PRIVATE = Can.ATTACH_FILES | Can.EMBED_LINKS | Can.MENTION_EVERYONE


class Kind(IntEnum):
    """What a channel is."""

    TEXT = 0
    DM = 1
    GROUP = 3
    THREAD = 11


class Context(IntEnum):
    """Where a command is used, as its registration names it."""

    GUILD = 0
    BOT_DM = 1
    PRIVATE = 2


@dataclass(eq=False)
class User:
    id: str
    name: str
    is_bot: bool = False
    has_installed: bool = False
    is_deaf_to_bots: bool = False  # "Cannot send messages to this user"


@dataclass(eq=False)
class Role:
    id: str
    name: str
    permissions: Can = NOTHING


@dataclass(eq=False)
class Guild:
    id: str
    name: str
    owner: User
    is_installed: bool = True
    file_limit: int = 10 * MIB
    bot_permissions: Can = EVERYBODY
    roles: list[Role] = field(default_factory=list)
    channels: list[Channel] = field(default_factory=list)
    members: dict[User, list[Role]] = field(default_factory=dict)

    def permissions_of(self, user: User) -> Can:
        if user not in self.members:
            return Can(0)
        held = EVERYBODY
        for role in self.members[user]:
            held |= role.permissions
        return ALL if user is self.owner or Can.ADMINISTRATOR in held else held


@dataclass(eq=False)
class Channel:
    id: str
    kind: Kind
    name: str = ""
    guild: Guild | None = None
    parent: Channel | None = None
    recipients: list[User] = field(default_factory=list)
    is_age_restricted: bool = False
    is_archived: bool = False
    bot_permissions: Can | None = None  # an overwrite for the bot alone
    is_gone: bool = False

    @property
    def context(self) -> Context:
        if self.guild is not None:
            return Context.GUILD
        return Context.BOT_DM if any(user.is_bot for user in self.recipients) else Context.PRIVATE

    @property
    def is_nsfw(self) -> bool:
        """A thread is what its channel is."""
        return self.parent.is_nsfw if self.parent is not None else self.is_age_restricted

    @property
    def file_limit(self) -> int:
        return self.guild.file_limit if self.guild is not None else 10 * MIB

    def what_the_bot_can(self) -> Can:
        """Its permissions by channel id: none where it is no member, whatever an interaction's token allows there."""
        if self.guild is None:
            return ALL & ~(Can.ADMINISTRATOR | Can.MANAGE_MESSAGES) if self.context is Context.BOT_DM else Can(0)
        if not self.guild.is_installed:
            return Can(0)
        for place in (self, self.parent):
            if place is not None and place.bot_permissions is not None:
                return place.bot_permissions
        return self.guild.bot_permissions

    def is_seen_by(self, user: User) -> bool:
        return user in (self.guild.members if self.guild is not None else self.recipients)


class World:
    """All there is, by id."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self.users: dict[str, User] = {}
        self.guilds: dict[str, Guild] = {}
        self.channels: dict[str, Channel] = {}
        self.bot = self.add_user("Fairbrush", is_bot=True)
        self.owner = self.add_user("Owner")
        self.team: list[User] = []
        self.portal: dict[str, Any] = {}  # what was chosen in the developer portal, as the application tells it

    def add_user(self, name: str, **about: bool) -> User:
        user = User(self._new_id(), name, **about)
        self.users[user.id] = user
        return user

    def add_guild(self, name: str, owner: User, *, is_installed: bool) -> Guild:
        guild = Guild(self._new_id(), name, owner, is_installed=is_installed)
        guild.members[owner] = []
        self.guilds[guild.id] = guild
        return guild

    def add_channel(self, channel: Channel) -> Channel:
        self.channels[channel.id] = channel
        if channel.guild is not None:
            channel.guild.channels.append(channel)
        return channel

    def add_private_chat(self, kind: Kind, users: list[User]) -> Channel:
        return self.add_channel(Channel(self._new_id(), kind, recipients=users))

    def private_chat(self, user: User) -> Channel:
        """The person's private chat with the bot."""
        ours = (each for each in self.channels.values() if each.kind is Kind.DM and self.bot in each.recipients)
        chat = next((each for each in ours if user in each.recipients), None)
        return chat or self.add_private_chat(Kind.DM, [user, self.bot])
