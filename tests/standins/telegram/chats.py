"""Who is there, and in which chats?"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any

ANONYMOUS_ADMIN_ID = 1087968824
CHANNEL_BOT_ID = 136817688
ADMIN_RIGHTS = (
    "can_be_edited",
    "is_anonymous",
    "can_manage_chat",
    "can_delete_messages",
    "can_manage_video_chats",
    "can_restrict_members",
    "can_promote_members",
    "can_change_info",
    "can_invite_users",
    "can_post_stories",
    "can_edit_stories",
    "can_delete_stories",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person or a bot."""

    id: int
    first_name: str
    username: str = ""
    is_bot: bool = False
    language_code: str = ""

    def to_json(self) -> dict[str, Any]:
        optional = {"username": self.username, "language_code": self.language_code}
        known = {name: value for name, value in optional.items() if value}
        return {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name, **known}


ANONYMOUS_ADMIN = Account(id=ANONYMOUS_ADMIN_ID, first_name="Group", username="GroupAnonymousBot", is_bot=True)
CHANNEL_BOT = Account(id=CHANNEL_BOT_ID, first_name="Channel", username="Channel_Bot", is_bot=True)


@dataclass(slots=True, kw_only=True)
class Message:
    """A message as the Bot API shows it, and what it does not show of it."""

    chat: Chat
    body: dict[str, Any]
    is_from_bot: bool = False
    is_known_to_bot: bool = False
    asks_for_reply: bool = False
    is_selective: bool = False  # asks only whom it mentions or replies to
    has_other_markup: bool = False  # a message with a keyboard that is not inline can't be edited
    edits: int = 0

    @property
    def id(self) -> int:
        return int(self.body["message_id"])

    @property
    def thread(self) -> int:
        return int(self.body.get("message_thread_id", 0))

    @property
    def place(self) -> tuple[int, int]:
        """The chat, and the topic if the chat has topics."""
        return self.chat.id, self.thread if self.chat.is_forum else 0

    @property
    def key(self) -> str:
        return f"{self.chat.id}/{self.id}"


@dataclass(slots=True, kw_only=True, eq=False)
class Chat:
    """A private chat, a group or a supergroup. Supergroups count their messages each for itself."""

    id: int
    kind: str
    title: str
    numbers: count[int]
    username: str = ""
    is_forum: bool = False
    members: dict[int, str] = field(default_factory=dict)
    accounts: dict[int, Account] = field(default_factory=dict)
    messages: dict[int, Message] = field(default_factory=dict)
    topics: dict[int, str] = field(default_factory=dict)
    bot_status: str = "member"
    is_bot_last: bool = True  # false once another bot has spoken: then /command without a name is not for ours
    moved_to: int | None = None
    takes_pictures: bool = True

    @property
    def is_group(self) -> bool:
        return self.kind != "private"

    def to_json(self) -> dict[str, Any]:
        name = {"title": self.title} if self.is_group else {"first_name": self.title}
        username = {"username": self.username} if self.username else {}
        return {"id": self.id, "type": self.kind, **name, **username, **({"is_forum": True} if self.is_forum else {})}

    def admit(self, account: Account, status: str = "member") -> None:
        self.members[account.id] = status
        self.accounts[account.id] = account

    def describe_member(self, account: Account, status: str) -> dict[str, Any]:
        """A ChatMember object."""
        described: dict[str, Any] = {"status": status, "user": account.to_json()}
        match status:
            case "creator":
                described["is_anonymous"] = False
            case "administrator":
                described |= dict.fromkeys(ADMIN_RIGHTS, False) | {"can_manage_chat": True, "can_delete_messages": True}
            case "kicked":
                described["until_date"] = 0
        return described


@dataclass(frozen=True, slots=True, kw_only=True)
class Topic:
    """A topic of a forum: a place of its own to type in."""

    chat: Chat
    id: int
