"""Can admins choose and load models, stop the queue and shut members out, and nobody else?"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from bot.chat import Member, Place, Tone
from tests.bot.chatroom import ADMIN, SOMEBODY, STUDIO, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

GALLERY = Place(platform="recorded", channel="gallery")
ADMIN_LINES = [
    "/admin model flatter",
    "/admin load flat",
    "/admin unload flat",
    "/admin status",
    "/admin pause",
    "/admin resume",
    "/admin block recorded:other",
    "/admin unblock recorded:other",
]


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def as_it_was(shared_room: Room) -> AsyncIterator[None]:
    yield
    for line in ("/admin model flat", "/admin resume", "/admin unblock recorded:somebody"):
        await shared_room.type(line, ADMIN)


@pytest.mark.parametrize("line", ADMIN_LINES)
async def test_admin_commands_are_for_admins_only(shared_room: Room, line: str) -> None:
    answer = await shared_room.say(line)

    assert answer.tone is Tone.REFUSED
    assert answer.text.endswith("is for admins only.")


async def test_the_default_model_is_that_of_the_place(shared_room: Room) -> None:
    await shared_room.say("/admin model flatter", ADMIN, STUDIO)

    here = await shared_room.say("/imagine a cat", place=STUDIO)
    elsewhere = await shared_room.say("/imagine a cat", place=GALLERY)

    assert "\nflatter · " in here.text
    assert "\nflat · " in elsewhere.text


async def test_admin_model_without_a_name_tells_the_default(shared_room: Room) -> None:
    await shared_room.say("/admin model FLATTER", ADMIN)

    assert (await shared_room.say("/admin model", ADMIN)).text == "The default model here is flatter."


async def test_a_waiting_job_keeps_the_model_it_was_accepted_with(shared_room: Room) -> None:
    await shared_room.say("/admin pause", ADMIN)
    job_id = await shared_room.accept("/imagine a cat")
    await shared_room.say("/admin model flatter", ADMIN)

    await shared_room.say("/admin resume", ADMIN)

    assert "\nflat · " in (await shared_room.end(job_id)).text


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/admin model nosuch", ["nosuch", "flat", "flatter"]),
        ("/admin model sdxl", ["sdxl", "GPU", "What runs here"]),
        ("/admin load nosuch", ["nosuch", "flat"]),
        ("/admin load sdxl", ["sdxl", "GPU"]),
        ("/admin load", ["/admin load needs MODEL"]),
        ("/admin unload nosuch", ["nosuch", "flat"]),
        ("/admin block", ["/admin block needs MEMBER"]),
        ("/admin block somebody", ['"somebody"', "PLATFORM:ID"]),
        ("/admin block recorded:admin", ["recorded:admin", "admin"]),
        ("/admin status now", ["/admin status", '"now"']),
        (
            "/admin",
            [
                "/admin",
                "model, models, adult, load, unload, status, pause, resume, block, unblock, grant, revoke or admins",
            ],
        ),
        ("/admin paus", ["/admin paus", "Did you mean /admin pause?"]),
        (
            "/admin xyzzy",
            [
                "/admin xyzzy",
                "model, models, adult, load, unload, status, pause, resume, block, unblock, grant, revoke or admins",
            ],
        ),
    ],
)
async def test_bad_admin_input_gets_one_sentence(shared_room: Room, line: str, words: list[str]) -> None:
    answer = await shared_room.say(line, ADMIN)

    assert answer.tone is not Tone.GOOD
    assert "\n" not in answer.text
    assert all(word in answer.text for word in words), answer.text


async def test_models_are_loaded_and_unloaded_for_real(shared_room: Room) -> None:
    await shared_room.say("/admin unload flatter", ADMIN)

    loaded = await shared_room.say("/admin load flatter", ADMIN)
    listed = await shared_room.say("/models")
    status = await shared_room.say("/admin status", ADMIN)
    unloaded = await shared_room.say("/admin unload flatter", ADMIN)
    listed_then = await shared_room.say("/models")

    assert loaded.text.startswith("flatter loaded in ")
    assert "flatter (loaded)" in listed.text
    assert "flatter" in status.text.partition("Loaded: ")[2].partition("\n")[0]
    assert unloaded.text == "flatter is unloaded."
    assert "flatter (loaded)" not in listed_then.text


async def test_loading_twice_and_unloading_twice_says_so(shared_room: Room) -> None:
    lines = ["/admin load flat", "/admin load flat", "/admin unload flat", "/admin unload flat"]

    texts = [(await shared_room.say(line, ADMIN)).text for line in lines]

    assert texts[1:] == ["flat is loaded already.", "flat is unloaded.", "flat is not loaded."]


async def test_a_checkpoint_that_cannot_be_read_is_told_to_who_loads_it(shared_room: Room) -> None:
    await shared_room.say("/admin unload flatter", ADMIN)
    (shared_room.switches / "broken").touch()

    answer = await shared_room.say("/admin load flatter", ADMIN)

    (shared_room.switches / "broken").unlink()
    assert answer.tone is not Tone.GOOD
    assert "flatter" in answer.text
    assert "checkpoint cannot be read" in answer.text


async def test_a_paused_queue_accepts_and_starts_nothing_until_it_is_resumed(shared_room: Room) -> None:
    await shared_room.say("/admin pause", ADMIN)
    job_id = await shared_room.accept("/imagine patience")

    assert await shared_room.app.delivery.ended(job_id) is None
    assert "paused" in (await shared_room.say("/queue")).text
    assert "Queue: paused, 0 running, 1 waiting" in (await shared_room.say("/admin status", ADMIN)).text
    await shared_room.say("/admin resume", ADMIN)
    assert (await shared_room.end(job_id)).tone is Tone.GOOD


async def test_a_blocked_member_gets_a_sentence_and_nothing_else(shared_room: Room) -> None:
    await shared_room.say(f"/admin block {SOMEBODY.key}", ADMIN)

    answers = [await shared_room.say(line) for line in ("/imagine a cat", "/history", "/help")]

    assert {answer.text for answer in answers} == {"An admin has blocked you here."}
    assert {answer.tone for answer in answers} == {Tone.REFUSED}
    await shared_room.say(f"/admin unblock {SOMEBODY.key}", ADMIN)
    assert (await shared_room.say("/imagine a cat")).tone is Tone.GOOD


async def test_the_name_that_somebody_shows_gives_no_rights(shared_room: Room) -> None:
    impostor = Member(platform="elsewhere", id="admin", name="Admin")

    assert (await shared_room.say("/admin status", impostor)).tone is Tone.REFUSED
