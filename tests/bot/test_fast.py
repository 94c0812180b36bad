"""Can one ask for a fast picture, see that it was one, and ask for it again?"""

from __future__ import annotations

import pytest

from bot.chat import Tone
from tests.bot.chatroom import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_fast_picture_says_so_and_is_made_again_as_one(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a red circle --fast --seed 7")
    end = await shared_room.end(job_id)
    again = await shared_room.say(f"/rerun {job_id}")
    told = await shared_room.say(f"/show {job_id}")

    assert " · fast" in end.text
    assert " · fast" in again.text
    assert "The same, byte for byte" in (await shared_room.end(job_id + 1)).text
    assert " · fast" in told.text


async def test_edits_of_it_begin_with_the_flag(shared_room: Room) -> None:
    job_id = await shared_room.made("/imagine a red circle --fast")

    await shared_room.press(f"edit:{job_id}")

    assert "--fast" in shared_room.platform.forms[-1].text


async def test_a_model_that_leaves_nothing_out_refuses_it(shared_room: Room) -> None:
    view = await shared_room.say("/imagine a red circle --model demo --fast")

    assert view.tone is Tone.REFUSED
    assert view.text.startswith("--fast is not possible with demo: models of the family sdxl leave no work out;")
