"""Who asks in tests of what admins set for people: somebody new each time, so that tests can share a room."""

from __future__ import annotations

from bot.chat import Member, Place, Tone, View
from tests.bot.chatroom import ADMIN, STUDIO, Room


def member(name: str, *roles: str) -> Member:
    return Member(platform="recorded", id=name, name=name, roles=frozenset(roles))


def server(name: str) -> Place:
    return Place(platform="recorded", channel=name)


async def limited(room: Room, line: str, place: Place = STUDIO) -> View:
    answer = await room.say(f"/admin quota {line}", ADMIN, place)
    assert answer.tone is Tone.GOOD, answer.text
    return answer
