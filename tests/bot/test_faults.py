"""Does what breaks in one message leave all others alone?"""

from __future__ import annotations

from pathlib import Path

from bot.chat import Place, Tone, View
from tests.bot.chatroom import RecordedPlatform, Room, settings


class Faulty(RecordedPlatform):
    """Breaks on everything that is about one prompt."""

    async def post(self, place: Place, view: View, key: str) -> str:
        if "cursed" in view.text:
            raise RuntimeError("a fault of the platform's")
        return await super().post(place, view, key)


async def test_a_message_that_breaks_its_platform_holds_up_no_other(tmp_path: Path) -> None:
    async with Room(settings(tmp_path), Faulty()) as room:
        call = room.call()
        await room.app.router.run_line(call, "/imagine a cursed cat")
        fine = await room.say("/imagine a cat")

    async with Room(room.settings, RecordedPlatform()) as room_then:
        shown = await room_then.platform.until(lambda view: view.text.startswith("Job 1 done in "))

    assert fine.tone is Tone.GOOD
    assert "a cursed cat" in shown.text


async def test_an_answer_that_breaks_its_platform_breaks_nothing_else(tmp_path: Path) -> None:
    async with Room(settings(tmp_path), Faulty()) as room:
        lost = await room.say("/show cursed")

        assert lost.tone is Tone.REFUSED
        assert (await room.say("/queue")).tone is Tone.GOOD
