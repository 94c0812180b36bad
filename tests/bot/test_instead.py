"""Does whoever asks for what this machine cannot run get a button for the nearest that it can?"""

from __future__ import annotations

from bot.chat import View
from tests.bot.chatroom import ADMIN, SOMEBODY, Room
from tests.fake_models import entry, write_models

REASON = "big needs a GPU"


def write_big(room: Room, *, needs_gpu: bool) -> None:
    """Put a model before the others that may need a GPU."""
    file = write_models(room.switches.parent)
    big = entry("big", room.switches)
    file.write_text((big.replace("needs_gpu = false", "needs_gpu = true") if needs_gpu else big) + file.read_text())


async def test_what_may_not_be_used_in_a_place_is_not_offered_there(room: Room) -> None:
    write_big(room, needs_gpu=False)
    async with room:
        await room.say("/admin models big flat", ADMIN)
    write_big(room, needs_gpu=True)
    async with room:
        refusal = await room.type("/imagine a red circle --model big")

    assert isinstance(refusal, View)
    assert refusal.text.startswith(REASON)
    assert refusal.buttons == ()


async def test_an_offer_that_is_gone_says_so(room: Room) -> None:
    async with room:
        answer = await room.press_for_view("instead:12", SOMEBODY)

    assert answer.text == "This offer is more than 30 days old: ask anew."
