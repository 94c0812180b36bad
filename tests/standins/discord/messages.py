"""What happens to a message on Discord: how it is made, edited, deleted and told?"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.standins.discord.cdn import Attachment, Cdn
from tests.standins.discord.clock import Clock, Snowflakes, iso
from tests.standins.discord.components import Component, answered, files_to_show
from tests.standins.discord.drafts import Draft
from tests.standins.discord.errors import empty_message, invalid_form, too_large
from tests.standins.discord.rules import SETTABLE_FLAGS, V2, check_files, check_message
from tests.standins.discord.shapes import user_json
from tests.standins.discord.world import Channel, User

EPHEMERAL, LOADING = 1 << 6, 1 << 7
ATTACHMENTS_LIMIT = 10


@dataclass(eq=False)
class Message:
    """One message. `private_to` is the only person who sees an ephemeral one."""

    id: str
    channel: Channel
    author: User
    created: float
    kind: int = 0
    content: str = ""
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[Component] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    flags: int = 0
    private_to: User | None = None
    metadata: dict[str, Any] | None = None
    reference: dict[str, Any] | None = None
    nonce: str | int | None = None
    mentions: Mentions = field(default_factory=lambda: Mentions([], [], False))
    edited: float | None = None
    edits: int = 0
    is_deleted: bool = False

    @property
    def is_loading(self) -> bool:
        return bool(self.flags & LOADING)


@dataclass(frozen=True)
class Mentions:
    users: list[str]
    roles: list[str]
    everyone: bool

    @classmethod
    def in_text(cls, text: str, allowed: dict[str, Any] | None) -> Mentions:
        """Whom a text calls: everybody named in it, unless `allowed_mentions` says less."""
        parse = {"everyone", "users", "roles"} if allowed is None else set(allowed.get("parse") or [])
        users, roles = re.findall(r"<@!?(\d+)>", text), re.findall(r"<@&(\d+)>", text)
        picked = allowed or {}
        return cls(
            [user for user in users if "users" in parse or user in (picked.get("users") or [])],
            [role for role in roles if "roles" in parse or role in (picked.get("roles") or [])],
            "everyone" in parse and bool(re.search(r"@(everyone|here)\b", text)),
        )

    def __bool__(self) -> bool:
        return bool(self.users or self.roles or self.everyone)


class Messages:
    """All messages there are. `on_change` is told of each that is new, edited or deleted."""

    def __init__(self, clock: Clock, snowflakes: Snowflakes, cdn: Cdn, on_change: Callable[[Message], None]) -> None:
        self._clock = clock
        self._snowflakes = snowflakes
        self._cdn = cdn
        self._on_change = on_change
        self.by_id: dict[str, Message] = {}

    def create(self, channel: Channel, author: User, draft: Draft, file_limit: int, **about: Any) -> Message:
        """Makes a message from a request's body, or raises what Discord would answer."""
        message = Message(self._snowflakes.next(), channel, author, self._clock.now(), **about)
        self._write(message, draft, file_limit)
        if not message.is_loading and not (
            message.content or message.embeds or message.components or message.attachments
        ):
            raise empty_message()
        self.by_id[message.id] = message
        self._on_change(message)
        return message

    def edit(self, message: Message, draft: Draft, file_limit: int) -> None:
        """Changes what the body names and leaves the rest."""
        before = set(message.attachments)
        self._write(message, draft, file_limit)
        for attachment in before - set(message.attachments):
            self._cdn.drop(attachment)
        message.flags &= ~LOADING
        message.edited = self._clock.now()
        message.edits += 1
        self._on_change(message)

    def delete(self, message: Message) -> None:
        message.is_deleted = True
        del self.by_id[message.id]
        for attachment in message.attachments:
            self._cdn.drop(attachment)
        self._on_change(message)

    def _write(self, message: Message, draft: Draft, file_limit: int) -> None:
        """All is checked before anything is changed: a refused request leaves no trace."""
        body = draft.payload or {}
        flags = self._flags(message, body)
        content = message.content if "content" not in body else body["content"] or ""
        embeds = message.embeds if "embeds" not in body else body["embeds"] or []
        components = message.components if "components" not in body else body["components"] or []
        check_message(content=content, embeds=embeds, components=components, flags=flags)
        attachments = self._attachments(message, draft, file_limit)
        message.flags, message.content, message.attachments = flags, content, attachments
        if "embeds" in body:
            message.embeds = [self._embed(embed, message) for embed in embeds]
        if "components" in body:
            message.components = answered(components, lambda url: self._media(message, url))
        message.mentions = Mentions.in_text(content, body.get("allowed_mentions"))

    def _flags(self, message: Message, body: dict[str, Any]) -> int:
        asked = body.get("flags") or 0
        if asked & ~SETTABLE_FLAGS:
            raise invalid_form("flags", f"Flags {asked & ~SETTABLE_FLAGS:b} cannot be set.")
        if message.id not in self.by_id:
            return message.flags | asked
        if "flags" in body and message.flags & V2 and not asked & V2:
            raise invalid_form("flags", "The flag IS_COMPONENTS_V2 cannot be taken away.")
        return message.flags | (asked & ~EPHEMERAL)

    def _attachments(self, message: Message, draft: Draft, file_limit: int) -> list[Attachment]:
        kept = {attachment.id: attachment for attachment in message.attachments}
        listed = (draft.payload or {}).get("attachments") if "attachments" in (draft.payload or {}) else None
        check_files(kept, draft.uploads, listed)
        if listed is None:
            return message.attachments
        if len(listed) > ATTACHMENTS_LIMIT:
            raise invalid_form("attachments", f"Must be {ATTACHMENTS_LIMIT} or fewer in length.")
        if any(len(upload.data) > file_limit for upload in draft.uploads.values()):
            raise too_large()
        return [kept.get(str(about["id"])) or self._attachment(message, draft, about) for about in listed]

    def _attachment(self, message: Message, draft: Draft, about: dict[str, Any]) -> Attachment:
        return self._cdn.keep(
            draft.uploads[int(about["id"])],
            self._snowflakes.next(),
            message.channel.id,
            description=about.get("description"),
            is_spoiler=bool(about.get("is_spoiler")),
            is_ephemeral=message.private_to is not None,
        )

    def _embed(self, embed: dict[str, Any], message: Message) -> dict[str, Any]:
        told = {name: value for name, value in embed.items() if value is not None} | {"type": "rich"}
        told["fields"] = [{"inline": False, **entry} for entry in embed.get("fields") or []]
        for name in ("image", "thumbnail"):
            if name in told:
                media = self._media(message, told[name]["url"])
                told[name] = {key: media[key] for key in ("url", "proxy_url", "content_type") if key in media}
        return told

    def _media(self, message: Message, url: str) -> dict[str, Any]:
        """What an `attachment://name` stands for."""
        name = url.removeprefix("attachment://")
        for attachment in message.attachments:
            told = self._cdn.json(attachment)
            if attachment.filename == name or url == told["url"]:
                kept = {
                    key: told[key]
                    for key in ("id", "url", "proxy_url", "width", "height", "content_type")
                    if key in told
                }
                return kept | {"attachment_id": attachment.id}
        if url.startswith("attachment://"):
            raise invalid_form("components", f"There is no attachment called {name}.")
        return {"id": self._snowflakes.next(), "url": url, "proxy_url": url}

    def json(self, message: Message) -> dict[str, Any]:
        """The message as Discord tells it."""
        calls = message.mentions
        told: dict[str, Any] = {
            "id": message.id,
            "type": message.kind,
            "channel_id": message.channel.id,
            "author": user_json(message.author),
            "content": message.content,
            "embeds": message.embeds,
            "components": message.components,
            "attachments": [self._cdn.json(attachment) for attachment in message.attachments],
            "timestamp": iso(message.created),
            "edited_timestamp": None if message.edited is None else iso(message.edited),
            "flags": message.flags,
            "mentions": [],
            "mention_roles": calls.roles,
            "mention_everyone": calls.everyone,
            "pinned": False,
            "tts": False,
        }
        if message.nonce is not None:
            told["nonce"] = message.nonce
        if message.reference is not None:
            told["message_reference"] = message.reference
        if message.metadata is not None:
            told |= {"interaction_metadata": message.metadata, "application_id": message.author.id}
            told["webhook_id"] = message.author.id
        return told

    def shown_files(self, message: Message) -> list[Attachment]:
        """The files that people see: in a V2 message only those that a component refers to."""
        if not message.flags & V2:
            return message.attachments
        urls = {url.split("?")[0] for url in files_to_show(message.components)}
        return [each for each in message.attachments if self._cdn.json(each)["url"].split("?")[0] in urls]
