"""Who has accounts in two chats, and how do tests link them?"""

from __future__ import annotations

import re
import sqlite3
from contextlib import closing
from typing import Any

from bot.chat import Accepted, Form, Member, Place, View
from bot.settings import Settings
from tests.bot.chatroom import RecordedPlatform, Room

ANN = Member(platform="recorded", id="ann", name="Ann")
ANNA = Member(platform="elsewhere", id="7", name="Anna")  # the same person in another chat
BOB = Member(platform="recorded", id="bob", name="Bob")
EVE = Member(platform="elsewhere", id="8", name="Eve")


def two_chats(settings: Settings, before: Room | None = None) -> Room:
    """Give a room in two chats, not opened yet; the chats have kept the messages of the one before."""
    old = () if before is None else (before.platform, *before.others)
    new = []
    for number, name in enumerate(("recorded", "elsewhere")):
        platform = RecordedPlatform(first=len(old[number].messages) + 1 if old else 1, name=name)
        platform.messages.update(old[number].messages if old else {})
        new.append(platform)
    return Room(settings, new[0], (new[1],))


def rows(room: Room, query: str) -> list[Any]:
    """Look into the database."""
    with closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db")) as database:
        return database.execute(query).fetchall()


def at(member: Member) -> Place:
    """Give the place where somebody is alone with the bot."""
    return Place(platform=member.platform, channel=f"with {member.id}")


async def said(room: Room, line: str, member: Member, *, is_alone: bool = True) -> View:
    """Type a line in private and give the answer, or how its job ended."""
    answer = await room.type(line, member, at(member), is_alone=is_alone)
    assert not isinstance(answer, Form)
    return await room.end(answer.job_id) if isinstance(answer, Accepted) else answer


async def asked(room: Room, line: str, member: Member) -> int:
    """Ask for a picture in private and give the job's number."""
    return await room.accept(line, member, at(member))


async def code_of(room: Room, member: Member) -> str:
    """Have a code shown."""
    view = await said(room, "/link", member)
    found = re.search(r"/link ([A-Z0-9]{8})\b", view.text)
    assert found, view.text
    assert view.is_private
    return found[1]


async def link(room: Room, shows: Member, types: Member) -> View:
    """Link two accounts: one shows a code, the other types it."""
    answer = await said(room, f"/link {await code_of(room, shows)}", types)
    assert "is linked with" in answer.text, answer.text
    return answer
