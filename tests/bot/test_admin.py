"""Can admins choose and load models, stop the queue and shut members out, and nobody else?"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest
import pytest_asyncio

from bot.chat import Member, Place, Tone
from tests.bot.chatroom import ADMIN, SOMEBODY, STUDIO, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

GALLERY = Place(platform="recorded", channel="gallery")
ALL_WORDS = (
    "model, models, adult, download, load, unload, status, pause, resume, policy, boost, block, unblock, grant, "
    "revoke, admins, quota or weight"
)
ADMIN_LINES = [
    "/admin model flatter",
    "/admin load flat",
    "/admin unload flat",
    "/admin status",
    "/admin pause",
    "/admin resume",
    "/admin block recorded:other",
    "/admin unblock recorded:other",
    "/admin models flat",
    "/admin adult yes",
    "/admin grant recorded:somebody",
    "/admin revoke recorded:admin",
    "/admin admins",
    "/admin quota recorded:somebody none",
    "/admin weight recorded:somebody 4",
    "/admin boost 1",
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
        ("/admin download nosuch", ["nosuch", "flat"]),
        ("/admin download", ["/admin download needs MODEL"]),
        ("/admin load", ["/admin load needs MODEL"]),
        ("/admin unload nosuch", ["nosuch", "flat"]),
        ("/admin block", ["/admin block needs MEMBER"]),
        ("/admin block somebody", ['"somebody"', "PLATFORM:ID"]),
        ("/admin block recorded:admin", ["recorded:admin", "admin"]),
        ("/admin block recorded:role:5", ['"recorded:role:5"', "is not an account"]),
        ("/admin grant", ["/admin grant needs WHO"]),
        ("/admin grant somebody", ['"somebody"', "PLATFORM:ID", "PLATFORM:role:ID"]),
        ("/admin revoke somebody", ['"somebody"', "PLATFORM:ID"]),
        ("/admin status now", ["/admin status", '"now"']),
        ("/admin", ["/admin", ALL_WORDS]),
        ("/admin paus", ["/admin paus", "Did you mean /admin pause?"]),
        ("/admin xyzzy", ["/admin xyzzy", ALL_WORDS]),
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


async def test_whoever_is_granted_the_admin_right_has_it_until_it_is_revoked(shared_room: Room) -> None:
    granted = await shared_room.say(f"/admin grant {SOMEBODY.key}", ADMIN)
    twice = await shared_room.say(f"/admin grant {SOMEBODY.key}", ADMIN)
    listed = await shared_room.say("/admin admins")
    works = await shared_room.say("/admin status")
    revoked = await shared_room.say(f"/admin revoke {SOMEBODY.key}", ADMIN)
    again = await shared_room.say(f"/admin revoke {SOMEBODY.key}", ADMIN)
    refused = await shared_room.say("/admin status")

    assert granted.text == "recorded:somebody has the admin right now."
    assert twice.text == "recorded:somebody has the admin right already."
    assert (listed.text, listed.is_private) == ("Admins: recorded:admin, recorded:somebody.", True)
    assert works.tone is Tone.GOOD
    assert revoked.text == "recorded:somebody has no admin right any more."
    assert again.text == "recorded:somebody has no admin right."
    assert refused.text == "/admin status is for admins only."


async def test_a_role_gives_its_members_the_admin_right(shared_room: Room) -> None:
    curator = Member(platform="recorded", id="curator", name="Curator", roles=frozenset({"recorded:role:5"}))
    before = await shared_room.say("/admin status", curator)
    await shared_room.say("/admin grant recorded:role:5", ADMIN)
    with_it = await shared_room.say("/admin status", curator)
    helped = await shared_room.say("/help", curator)
    without_it = await shared_room.say("/admin status", replace(curator, roles=frozenset()))
    await shared_room.say("/admin revoke recorded:role:5", ADMIN)
    after = await shared_room.say("/admin status", curator)

    assert [view.tone for view in (before, with_it, without_it, after)] == [
        Tone.REFUSED,
        Tone.GOOD,
        Tone.REFUSED,
        Tone.REFUSED,
    ]
    assert "/admin grant" in helped.text


async def test_admins_by_role_may_cancel_and_delete_what_is_not_theirs(shared_room: Room) -> None:
    curator = Member(platform="recorded", id="curator", name="Curator", roles=frozenset({"recorded:role:5"}))
    job_id = await shared_room.made("/imagine a cat")
    refused = await shared_room.press_for_view(f"delete:{job_id}", curator)
    await shared_room.say("/admin grant recorded:role:5", ADMIN)

    deleted = await shared_room.press_for_view(f"delete:{job_id}", curator)

    await shared_room.say("/admin revoke recorded:role:5", ADMIN)
    assert (refused.tone, deleted.tone) == (Tone.REFUSED, Tone.GOOD)


async def test_an_admin_whom_the_operator_named_stays_one(shared_room: Room) -> None:
    granted = await shared_room.say(f"/admin grant {ADMIN.key}", ADMIN)
    refused = await shared_room.say(f"/admin revoke {ADMIN.key}", ADMIN)

    assert granted.text == "recorded:admin has the admin right already."
    assert refused.tone is Tone.REFUSED
    assert "FAIRBRUSH_ADMINS" in refused.text
    assert (await shared_room.say("/admin status", ADMIN)).tone is Tone.GOOD


@pytest.mark.asyncio(loop_scope="function")
async def test_what_was_granted_and_revoked_outlives_a_restart(room: Room) -> None:
    async with room:
        for line in ("/admin grant recorded:role:5", f"/admin grant {SOMEBODY.key}", f"/admin revoke {SOMEBODY.key}"):
            await room.say(line, ADMIN)

    async with Room(room.settings) as room_then:
        listed = await room_then.say("/admin admins", ADMIN)

    assert listed.text == "Admins: recorded:admin, recorded:role:5."
