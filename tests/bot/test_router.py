"""What do people get who do not know the commands yet?"""

from __future__ import annotations

import re

import pytest

from bot.chat import Tone
from tests.bot.chatroom import ADMIN, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize(
    ("line", "hint"),
    [
        ("/imagin a cat", "Did you mean /imagine?"),
        ("/histroy", "Did you mean /history?"),
        ("/hepl", "Did you mean /help?"),
        ("/xyzzy", "/help lists them all"),
        ("/", "/help lists them all"),
        ("/ imagine a cat", "/help lists them all"),
        ("a red circle", "/imagine a red circle"),
        ("help", "/help"),
        ("imagine a cat", "/imagine a cat"),
        ("", "/imagine a red circle"),
    ],
)
async def test_what_is_no_command_leads_to_the_one_that_was_meant(shared_room: Room, line: str, hint: str) -> None:
    answer = await shared_room.say(line)

    assert answer.tone is Tone.REFUSED
    assert hint in answer.text
    assert "\n" not in answer.text


@pytest.mark.parametrize("line", ["/QUEUE", "  /queue  ", "/queue\n", "\ufeff/queue"])
async def test_case_and_space_around_a_command_do_not_matter(shared_room: Room, line: str) -> None:
    assert (await shared_room.say(line)).tone is Tone.GOOD


async def test_help_lists_what_one_may_use(shared_room: Room) -> None:
    mine = (await shared_room.say("/help")).text
    admins = (await shared_room.say("/help", ADMIN)).text

    usages = (
        "/imagine PROMPT",
        "/rerun ID",
        "/show ID",
        "/history [WORDS]",
        "/queue",
        "/cancel [ID]",
        "/models",
        "/help",
    )
    assert all(usage in mine for usage in usages)
    assert "/admin" not in mine
    assert "/admin pause" in admins


@pytest.mark.parametrize("line", ["/help imagine", "/help /imagine", "/help IMAGINE"])
async def test_help_explains_a_command_with_its_flags(shared_room: Room, line: str) -> None:
    text = (await shared_room.say(line)).text

    flags = ["--model NAME", "--seed N", "--steps N", "--cfg X", "--ar W:H", "--size WxH", "--no WORDS", "--count N"]
    assert all(flag in text for flag in flags)


async def test_help_explains_a_group_and_a_command_of_two_words(shared_room: Room) -> None:
    assert (await shared_room.say("/help admin", ADMIN)).text.count("\n/admin ") == 17
    assert "/admin pause" in (await shared_room.say("/help admin pause", ADMIN)).text


async def test_help_for_an_unknown_command_suggests_the_nearest(shared_room: Room) -> None:
    assert "Did you mean /models?" in (await shared_room.say("/help model")).text


async def test_models_say_what_this_machine_can_run(shared_room: Room) -> None:
    text = (await shared_room.say("/models")).text

    assert "flat (default here" in text
    assert re.search(
        r"^Not on this machine: sdxl, .*\(needs a GPU with \d+ GB or more; this machine has none\)\.$",
        text,
        re.MULTILINE,
    )
