"""Is what a full card taught kept with the rest, and told to admins?"""

from __future__ import annotations

from bot.chat import Tone
from tests.bot.chatroom import ADMIN, RecordedPlatform, Room


def shortages(room: Room) -> int:
    """Count how often a call ran out of memory so far."""
    return (room.settings.data_dir / "worker.log").read_text(encoding="utf-8").count("ran out of memory")


async def test_what_was_given_up_for_want_of_memory_is_known_after_a_restart(room: Room) -> None:
    (room.switches / "oom").write_text("1")  # picture at once
    async with room:
        first = await room.end(await room.accept("/imagine two cats --count 2 --seed 5"))
    before = shortages(room)

    async with Room(room.settings, RecordedPlatform(first=100)) as room_then:
        again = await room_then.end(await room_then.accept("/imagine two dogs --count 2"))
        status = await room_then.say("/admin status", ADMIN)

    assert [(len(end.pictures), end.tone) for end in (first, again)] == [(2, Tone.GOOD)] * 2
    assert (before, shortages(room)) == (1, 1)
    assert "For want of memory, flat at 64x64 on " in status.text
    assert status.text.count("at most 1 at once") == 1
