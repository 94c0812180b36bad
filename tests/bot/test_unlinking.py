"""What becomes of an account that is taken out of those that were linked, and of the others?"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.chat import Member
from tests.bot.chatroom import ADMIN, Room, settings
from tests.bot.linked_accounts import ANN, ANNA, BOB, asked, link, rows, said, two_chats


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return two_chats(settings(tmp_path))


@pytest.mark.parametrize("leaves", [ANN, ANNA])
async def test_nobody_gets_a_quota_back_by_linking_and_leaving(room: Room, leaves: Member) -> None:
    async with room:
        for member in (ANN, ANNA):
            await said(room, f"/admin quota {member.key} 1", ADMIN)
            await said(room, "/imagine a cat", member)
        await link(room, ANN, ANNA)
        await said(room, "/unlink", leaves)

        refusals = [(await said(room, "/imagine a cow", member)).text for member in (ANN, ANNA)]

    assert all(text.startswith("You may ask for 1 picture a day here and have asked for") for text in refusals)


@pytest.mark.parametrize(("leaves", "stays"), [(ANN, ANNA), (ANNA, ANN)])
async def test_an_account_that_is_taken_out_leaves_what_was_shared_to_the_other(
    room: Room, leaves: Member, stays: Member
) -> None:
    async with room:
        await said(room, "/imagine a cat", ANN)
        await link(room, ANN, ANNA)
        room.hold()
        waiting = await asked(room, "/imagine a cow", ANN)

        answer = await said(room, "/unlink", leaves)
        room.release()
        await room.end(waiting)
        await said(room, "/imagine a dog", leaves)
        histories = [(await said(room, "/history", member)).text for member in (leaves, stays)]

    async with two_chats(room.settings, room) as room_then:
        later = [(await said(room_then, "/history", member)).text for member in (leaves, stays)]

    assert answer.text == (f"This account is by itself again. What was made and waits so far stays with {stays.key}.")
    assert "a dog" in histories[0]
    assert "a cat" not in histories[0]
    assert "a cow" not in histories[0]
    assert "a cat" in histories[1]
    assert "a cow" in histories[1]
    assert "a dog" not in histories[1]
    assert later == histories


@pytest.mark.parametrize("leaves", [ANN, ANNA])
async def test_an_account_that_is_taken_out_has_no_more_credit_than_the_person_had(room: Room, leaves: Member) -> None:
    async with room:
        await link(room, ANN, ANNA)
        used = await room.running("/imagine a cat --steps 40", ANN)
        bobs = [await asked(room, f"/imagine a cat --steps {steps}", BOB) for steps in (1, 2)]
        await room.type("/admin pause", ADMIN)
        room.release()
        await room.end(used)
        await said(room, "/unlink", leaves)
        last = await asked(room, "/imagine a cat --steps 3", leaves)
        await room.type("/admin resume", ADMIN)
        for job_id in (*bobs, last):
            await room.end(job_id)

    started = [job_id for (job_id,) in rows(room, "SELECT id FROM job ORDER BY started_ms, id")]
    assert started == [used, *bobs, last]


async def test_only_a_linked_account_can_be_taken_out(room: Room) -> None:
    async with room:
        alone = await said(room, "/unlink", ANN)
        await link(room, ANN, ANNA)
        await said(room, "/unlink", ANNA)
        again = [await said(room, "/unlink", member) for member in (ANN, ANNA)]

    assert {answer.text for answer in (alone, *again)} == {
        "This account is not linked with another one; /link tells how that is done."
    }
