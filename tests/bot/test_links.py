"""Are accounts that somebody has linked one person, in everything that they see and may do, also after a restart?"""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.chat import Tone
from tests.bot.chatroom import ADMIN, STUDIO, Room, settings
from tests.bot.linked_accounts import ANN, ANNA, BOB, EVE, asked, at, code_of, link, said, two_chats

BLOCKED = "An admin has blocked you here."


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return two_chats(settings(tmp_path))


async def test_the_history_is_seen_from_both_accounts_whenever_it_was_made(room: Room) -> None:
    async with room:
        await said(room, "/imagine a cat", ANN)
        await said(room, "/imagine a dog", ANNA)

        await link(room, ANN, ANNA)
        await said(room, "/imagine a cow", ANNA)
        histories = [(await said(room, "/history", member)).text for member in (ANN, ANNA)]

    assert histories[0] == histories[1]
    assert all(f"a {animal}" in histories[0] for animal in ("cat", "dog", "cow"))


async def test_whoever_typed_the_code_is_told_whom_it_joined(room: Room) -> None:
    async with room:
        answer = await link(room, ANN, ANNA)

    assert "Ann (recorded:ann)" in answer.text
    assert answer.is_private


async def test_before_others_nobody_is_told_which_accounts_are_one(room: Room) -> None:
    async with room:
        answers = [
            await said(room, f"/link {await code_of(room, ANN)}", ANNA, is_alone=False),
            await said(room, "/unlink", ANNA, is_alone=False),
        ]

    assert not any("ann" in answer.text.casefold() for answer in answers)


async def test_a_linked_account_is_told_which_others_are_linked(room: Room) -> None:
    async with room:
        await link(room, ANN, ANNA)
        await link(room, ANNA, BOB)

        lists = [(await said(room, "/link", member)).text for member in (ANN, ANNA, BOB)]

    assert all("Linked already: recorded:ann, elsewhere:7, recorded:bob." in text for text in lists)


async def test_two_who_have_linked_accounts_already_become_one_with_all_of_them(room: Room) -> None:
    async with room:
        await said(room, "/imagine a cat", EVE)
        await link(room, ANN, ANNA)
        await link(room, BOB, EVE)

        await link(room, ANNA, EVE)

        histories = [(await said(room, "/history", member)).text for member in (ANN, ANNA, BOB, EVE)]

    assert all("a cat" in history for history in histories)


async def test_jobs_are_cancelled_and_deleted_from_either_account(room: Room) -> None:
    async with room:
        done = await asked(room, "/imagine a cat", ANN)
        await room.end(done)
        room.hold()
        under_way = await asked(room, "/imagine a dog", ANN)
        await link(room, ANN, ANNA)

        cancelled = await said(room, "/cancel", ANNA)
        await room.end(under_way)
        deleted = await room.press(f"delete:{done}", ANNA, at(ANNA))

    assert f"Job {under_way} " in cancelled.text
    assert deleted.text == f"Job {done} is deleted."


async def test_favourites_and_own_defaults_are_those_of_the_account_that_was_joined(room: Room) -> None:
    async with room:
        job_id = await asked(room, "/imagine a cat", ANN)
        await room.end(job_id)
        for member in (ANN, ANNA):
            await room.press(f"star:{job_id}", member, STUDIO if member is ANNA else at(ANN))
        await said(room, "/settings --count 2", ANN)
        await said(room, "/settings --count 3", ANNA)

        await link(room, ANN, ANNA)

        favourites = await said(room, "/history --favourites", ANNA)
        defaults = await said(room, "/settings", ANNA)

    assert "a cat" in favourites.text
    assert "--count 2" in defaults.text


async def test_admin_rights_stay_with_the_account_that_has_them(room: Room) -> None:
    async with room:
        await link(room, ADMIN, ANNA)

        answer = await said(room, "/admin pause", ANNA)

    assert answer.text == "/admin pause is for admins only."


@pytest.mark.parametrize("named", ["recorded:ann", "elsewhere:7"])
async def test_to_block_one_account_blocks_the_person_and_says_so(room: Room, named: str) -> None:
    async with room:
        await link(room, ANN, ANNA)
        answer = await said(room, f"/admin block {named}", ADMIN)
        refusals = [(await said(room, "/history", member)).text for member in (ANN, ANNA)]

    async with two_chats(room.settings, room) as room_then:
        refusals += [(await said(room_then, "/history", member)).text for member in (ANN, ANNA)]
        unblocked = await said(room_then, "/admin unblock elsewhere:7", ADMIN)
        history = await said(room_then, "/history", ANN)

    assert answer.text == f"{named} is blocked, with all linked accounts: recorded:ann, elsewhere:7."
    assert refusals == [BLOCKED] * 4
    assert unblocked.text == "elsewhere:7 is no longer blocked, with all linked accounts: recorded:ann, elsewhere:7."
    assert history.tone is Tone.GOOD


async def test_whoever_is_linked_with_an_admin_cannot_be_blocked(room: Room) -> None:
    async with room:
        await link(room, ADMIN, ANNA)

        answer = await said(room, "/admin block elsewhere:7", ADMIN)

    assert answer.text == "elsewhere:7 is linked with recorded:admin, an admin: admins cannot be blocked."


async def test_nobody_is_unblocked_or_blocked_by_a_link(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)
        own = await code_of(room, ANNA)
        await said(room, "/admin block recorded:ann", ADMIN)

        answers = [
            (await said(room, f"/link {own}", ANN)).text,
            (await said(room, f"/link {code}", ANNA)).text,
        ]
        blocked = [(await said(room, "/history", member)).text == BLOCKED for member in (ANN, ANNA)]

    assert answers[0] == BLOCKED
    assert answers[1].startswith("This code is wrong, was used already")
    assert blocked == [True, False]


async def test_all_is_still_one_after_a_restart(room: Room) -> None:
    async with room:
        await said(room, "/imagine a cat", ANNA)
        await link(room, ANN, ANNA)

    async with two_chats(room.settings, room) as room_then:
        await said(room_then, "/imagine a dog", ANNA)
        history = (await said(room_then, "/history", ANN)).text

    assert "a cat" in history
    assert "a dog" in history
