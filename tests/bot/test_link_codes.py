"""Can only whoever reads a code link accounts by it, once and in time?"""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bot.chat import CommandError, Member, Tone
from bot.links import ALPHABET, MOST_WRONG, Links
from generation import Catalogue, LocalWorker, Service, WorkerSetup
from storage import Database, Members, Settings
from tests.bot.chatroom import Room, settings
from tests.bot.linked_accounts import ANN, ANNA, BOB, EVE, code_of, link, rows, said, two_chats
from tests.fake_models import write_models

USELESS = (
    "This code is wrong, was used already or is more than 10 minutes old: "
    "/link on your other account shows a new one, which is good for one use."
)
WRONG = "ACDEFHJK"


@pytest.fixture
def room(tmp_path: Path) -> Room:
    return two_chats(settings(tmp_path))


async def test_a_code_is_shown_only_where_nobody_else_reads_it(room: Room) -> None:
    async with room:
        answer = await said(room, "/link", ANN, is_alone=False)

    assert answer.tone is Tone.REFUSED
    assert answer.text == (
        "A code is shown only where nobody else can read it: type /link in private, alone with the bot."
    )


async def test_codes_are_of_letters_that_nobody_mixes_up_and_never_the_same(room: Room) -> None:
    async with room:
        codes = [await code_of(room, ANN) for _ in range(20)]

    assert len(set(codes)) == 20
    assert set("".join(codes)) <= set(ALPHABET)
    assert set("0O1IL2Z5S8B").isdisjoint(ALPHABET)


async def test_a_code_is_understood_however_it_is_spelled(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)

        answer = await said(room, f"/link {code[:4].lower()}-{code[4:]} ", ANNA)

    assert "is linked with" in answer.text


async def test_two_accounts_of_one_chat_can_be_linked(room: Room) -> None:
    async with room:
        assert "Ann (recorded:ann)" in (await link(room, ANN, BOB)).text


@pytest.mark.parametrize("typed", ["1234", "ACDEFHJKM", "ACDEFHJ0", "recorded:ann", "a cat"])
async def test_what_cannot_be_a_code_is_refused_in_a_sentence(room: Room, typed: str) -> None:
    async with room:
        answer = await said(room, f"/link {typed}", ANNA)

    assert answer.text == (
        f'"{typed}" is no code: a code has 8 letters and digits, as /link shows it on your other account.'
    )


async def test_a_wrong_code_links_nothing(room: Room) -> None:
    async with room:
        await said(room, "/imagine a cat", ANN)
        await code_of(room, ANN)

        answer = await said(room, f"/link {WRONG}", ANNA)
        history = await said(room, "/history", ANNA)

    assert answer.text == USELESS
    assert "a cat" not in history.text


async def test_a_code_is_good_once(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)
        await said(room, f"/link {code}", ANNA)
        await said(room, "/imagine a cat", ANN)

        answer = await said(room, f"/link {code}", EVE)
        history = await said(room, "/history", EVE)

    async with two_chats(room.settings, room) as room_then:
        later = await said(room_then, f"/link {code}", EVE)

    assert answer.text == later.text == USELESS
    assert "a cat" not in history.text


async def test_of_many_who_type_one_code_at_once_exactly_one_is_linked(room: Room) -> None:
    crowd = [Member(platform="elsewhere", id=str(number), name="Somebody") for number in range(20)]
    async with room:
        code = await code_of(room, ANN)

        answers = await asyncio.gather(*(said(room, f"/link {code}", member) for member in crowd))
        linked = [(await said(room, "/link", member)).text.count("Linked already") for member in crowd]

    assert sum("is linked with" in answer.text for answer in answers) == 1
    assert [answer.text for answer in answers].count(USELESS) == len(crowd) - 1
    assert sum(linked) == 1


async def test_two_who_type_each_others_code_at_once_are_linked(room: Room) -> None:
    async with room:
        codes = [await code_of(room, member) for member in (ANN, ANNA)]

        await asyncio.gather(said(room, f"/link {codes[1]}", ANN), said(room, f"/link {codes[0]}", ANNA))
        await said(room, "/imagine a cat", ANN)
        history = await said(room, "/history", ANNA)

    assert "a cat" in history.text


async def test_a_new_code_takes_the_place_of_the_one_before(room: Room) -> None:
    async with room:
        old, new = [await code_of(room, ANN) for _ in range(2)]

        answers = [(await said(room, f"/link {code}", ANNA)).text for code in (old, new)]

    assert answers[0] == USELESS
    assert "is linked with" in answers[1]


async def test_nobody_joins_themselves(room: Room) -> None:
    async with room:
        own = await said(room, f"/link {await code_of(room, ANN)}", ANN)
        await link(room, ANN, ANNA)
        again = await said(room, f"/link {await code_of(room, ANN)}", ANNA)

    assert own.text == "This account has shown this code itself: type it on your other account."
    assert again.text == "These two accounts are linked already, and the code can still be used for another one."


async def test_a_code_outlives_a_restart(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)

    async with two_chats(room.settings, room) as room_then:
        answer = await said(room_then, f"/link {code}", ANNA)

    assert "Ann (recorded:ann)" in answer.text


async def test_a_code_is_good_for_ten_minutes(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)
    age(room, 599)

    async with two_chats(room.settings, room) as room_then:
        await code_of(room_then, BOB)
    age(room, 2)
    async with two_chats(room.settings, room_then) as room_later:
        answer = await said(room_later, f"/link {code}", ANNA)

    assert answer.text == USELESS
    assert "recorded:ann" not in codes_kept(room)  # what is outdated is forgotten at the next start
    assert "recorded:bob" in codes_kept(room)


async def test_no_code_can_be_read_in_the_database(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)

    files = [path.read_bytes() for path in room.settings.data_dir.rglob("*") if path.is_file()]
    assert codes_kept(room)
    assert not any(code.encode() in file for file in files)


async def test_an_account_can_guess_five_times_an_hour_and_others_not_less_for_it(room: Room) -> None:
    async with room:
        code = await code_of(room, ANN)
        guesses = [await said(room, f"/link {WRONG}", EVE) for _ in range(MOST_WRONG)]

        right = await said(room, f"/link {code}", EVE)
        others = await said(room, f"/link {code}", ANNA)

    assert {guess.text for guess in guesses} == {USELESS}
    assert right.text == "5 codes from this account were wrong within an hour: try again in about 60 min."
    assert "is linked with" in others.text


async def test_after_an_hour_an_account_can_guess_again(tmp_path: Path) -> None:
    catalogue = Catalogue.load(extra=write_models(tmp_path), default="flat")
    setup = WorkerSetup(catalogue=catalogue, device="cpu", log_file=str(tmp_path / "worker.log"))
    worker = LocalWorker(setup, step_timeout_s=1, load_timeout_s=1)  # never started
    now_s = [1000.0]
    async with Database(tmp_path / "fairbrush.db") as database:
        links = Links(Members(database), Settings(database), Service(catalogue, [worker]), lambda: now_s[0])
        for _ in range(MOST_WRONG):
            now_s[0] += 60
            with pytest.raises(CommandError, match="This code is wrong"):
                await links.join(EVE, WRONG)

        now_s[0] += 3600 - 60 * MOST_WRONG
        with pytest.raises(CommandError, match="try again in a"):
            await links.join(EVE, WRONG)
        now_s[0] += 61
        code = await links.new_code(ANN)

        assert (await links.join(EVE, code)).account == ANN.key


def codes_kept(room: Room) -> dict[str, dict[str, object]]:
    found = rows(room, "SELECT scope, value FROM setting WHERE name = 'link code'")
    return {account: json.loads(value) for account, value in found}


def age(room: Room, seconds: float) -> None:
    """As if so much time had passed since the codes were shown."""
    with closing(sqlite3.connect(room.settings.data_dir / "fairbrush.db")) as database, database:
        for account, kept in codes_kept(room).items():
            older = json.dumps({**kept, "until_s": float(str(kept["until_s"])) - seconds})
            database.execute("UPDATE setting SET value = ? WHERE scope = ? AND name = 'link code'", (older, account))
