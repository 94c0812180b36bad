"""Do the limits that admins set hold for whom they are meant, and are they told?"""

from __future__ import annotations

import re

import pytest

from bot.chat import Accepted, Member, Tone
from tests.bot.chatroom import ADMIN, Room
from tests.bot.people import limited, member, server

pytestmark = pytest.mark.asyncio(loop_scope="module")

RED, BLUE = "recorded:role:red", "recorded:role:blue"


async def test_a_members_own_limit_goes_before_their_roles_and_those_before_the_servers(shared_room: Room) -> None:
    here = server("precedence")
    await limited(shared_room, "here --steps 1", here)
    await limited(shared_room, f"{RED} --steps 2")
    await limited(shared_room, f"{BLUE} --steps 3")
    await limited(shared_room, "recorded:chosen --steps 2")

    async def most(whoever: Member) -> str:
        return (await shared_room.say("/imagine a cat --steps 100", whoever, here)).text

    assert "at most 1 step here" in await most(member("nobody"))
    assert "at most 2 steps here" in await most(member("red", RED))
    assert "at most 3 steps here" in await most(member("purple", RED, BLUE))
    assert "at most 2 steps here" in await most(member("chosen", RED, BLUE))
    for whom in (RED, BLUE):
        await limited(shared_room, f"{whom} --reset")


async def test_what_holds_everywhere_holds_where_a_server_says_nothing_and_in_private(shared_room: Room) -> None:
    there = server("with a limit of its own")
    await limited(shared_room, "everywhere --steps 4")
    await limited(shared_room, "here --steps 9", there)

    private = await shared_room.say("/imagine a cat --steps 100", member("anyone"), server("private chat"))
    public = await shared_room.say("/imagine a cat --steps 100", member("anyone"), there)

    await limited(shared_room, "everywhere --reset")
    assert "at most 4 steps" in private.text
    assert "at most 9 steps" in public.text


async def test_each_limit_is_looked_up_by_itself(shared_room: Room) -> None:
    here = server("by itself")
    await limited(shared_room, "here 1 --steps 1", here)
    await limited(shared_room, "recorded:trusted --steps none", here)
    trusted = member("trusted")

    first = await shared_room.say("/imagine a cat --steps 5", trusted, here)
    second = await shared_room.say("/imagine a cat --steps 5", trusted, here)

    assert first.tone is Tone.GOOD
    assert "1 picture a day" in second.text


async def test_the_models_of_several_roles_add_up_and_the_larger_size_counts(shared_room: Room) -> None:
    await limited(shared_room, f"{RED} --models flat --size 32x32")
    await limited(shared_room, f"{BLUE} --models flatter --size 64x64")
    both = member("both", RED, BLUE)

    ends = [await shared_room.say(f"/imagine a cat --size 64x64 --model {name}", both) for name in ("flat", "flatter")]
    wide = await shared_room.say("/imagine a cat --size 128x32", both)

    for whom in (RED, BLUE):
        await limited(shared_room, f"{whom} --reset")
    assert [view.tone for view in ends] == [Tone.GOOD, Tone.GOOD]
    assert "not 128x32" in wide.text


async def test_who_may_use_but_some_models_gets_one_of_those_unasked(shared_room: Room) -> None:
    ann = member("choosy")
    await limited(shared_room, f"{ann.key} --models flatter")

    made = await shared_room.say("/imagine a cat", ann)

    assert "\nflatter · " in made.text


async def test_a_servers_limit_holds_in_all_its_channels_for_each_member_by_themselves(shared_room: Room) -> None:
    here, there, other = server("general"), server("random"), server("elsewhere")
    community = "recorded:server:7"
    await shared_room.type("/admin quota here 1", ADMIN, here, server=community)

    first = await shared_room.type("/imagine a cat", member("ann-7"), here, server=community)
    second = await shared_room.type("/imagine a cat", member("ann-7"), there, server=community)
    bobs = await shared_room.type("/imagine a cat", member("bob-7"), there, server=community)
    elsewhere = await shared_room.type("/imagine a cat", member("ann-7"), other)

    assert [isinstance(answer, Accepted) for answer in (first, second, bobs, elsewhere)] == [True, False, True, True]


async def test_admins_are_bound_by_a_limit_of_their_own_alone(shared_room: Room) -> None:
    here = server("ruled")
    await limited(shared_room, "here 0", here)
    by_server = await shared_room.say("/imagine a cat", ADMIN, here)
    await limited(shared_room, f"{ADMIN.key} 0", here)

    by_account = await shared_room.say("/imagine a cat", ADMIN, here)

    await limited(shared_room, f"{ADMIN.key} --reset", here)
    assert (by_server.tone, by_account.tone) == (Tone.GOOD, Tone.REFUSED)


async def test_admin_quota_tells_what_is_set_and_lifts_it_one_by_one_or_at_once(shared_room: Room) -> None:
    lines = (
        "recorded:told",
        "recorded:told 20 --pending 3",
        "recorded:told --size 128x64 --steps 30 --models flatter, flat",
        "recorded:told none --models none",
        "recorded:told",
        "recorded:told 1 --reset",
        "recorded:told --reset",
    )

    texts = [(await limited(shared_room, line)).text for line in lines]

    jobs = "at most 3 jobs waiting or running"
    rest = f"{jobs}; pictures with sides of at most 128 and at most 8,192 pixels in all; at most 30 steps"
    assert texts == [
        "No limits are set for recorded:told.",
        "Limits for recorded:told: 20 pictures a day; at most 3 jobs waiting or running.",
        f"Limits for recorded:told: 20 pictures a day; {rest}; only flatter and flat.",
        f"Limits for recorded:told: any number of pictures a day; {rest}; any model.",
        f"Limits for recorded:told: any number of pictures a day; {rest}; any model.",
        "Limits for recorded:told: 1 picture a day.",
        "No limits are set for recorded:told.",
    ]


@pytest.mark.parametrize(("whom", "name"), [("here", "everyone here"), (RED, f"everyone with {RED}")])
async def test_admin_quota_says_whom_it_means(shared_room: Room, whom: str, name: str) -> None:
    said = await limited(shared_room, f"{whom} 5", server("named"))
    gone = await limited(shared_room, f"{whom} --reset", server("named"))

    assert said.text == f"Limits for {name}: 5 pictures a day."
    assert gone.text == f"No limits are set for {name}."


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", ["/admin quota needs WHO, such as: /admin quota discord:1234"]),
        ("somebody 5", ['"somebody"', "neither an account nor a role", "here for everyone in this server"]),
        ("recorded:ann many", ['"many" is no number of pictures a day', "none"]),
        ("recorded:ann -1", ['"-1"', "whole number"]),
        ("recorded:ann 5 6", ['"5 6"']),
        ("recorded:ann --pending 0", ['--pending "0" is not possible', "whole number from 1, or none"]),
        ("recorded:ann --steps some", ['--steps "some"', "from 1"]),
        ("recorded:ann --size big", ['--size "big"', "WxH"]),
        ("recorded:ann --models nosuch", ["nosuch", "flat", "flatter"]),
        ("recorded:ann --models ,", ['--models ","', "names no models"]),
        ("recorded:ann --colours 3", ["Unknown flag --colours", "--pending, --size, --steps, --models, --reset"]),
    ],
)
async def test_bad_quotas_get_one_sentence_and_change_nothing(shared_room: Room, line: str, words: list[str]) -> None:
    answer = await shared_room.say(f"/admin quota {line}".strip(), ADMIN)

    assert answer.tone is Tone.REFUSED
    assert "\n" not in answer.text
    assert all(word in answer.text for word in words), answer.text
    assert (await limited(shared_room, "recorded:ann")).text == "No limits are set for recorded:ann."


async def test_quota_shows_the_callers_own_limits_and_use(shared_room: Room) -> None:
    ann = member("curious")
    unlimited = await shared_room.say("/quota", ann)
    await limited(shared_room, f"{ann.key} 5 --pending 2 --steps 30 --models flat")
    await shared_room.say("/imagine cats --count 2", ann)
    await shared_room.say("/admin pause", ADMIN)
    job_id = await shared_room.accept("/imagine a cat", ann)

    shown = await shared_room.say("/quota", ann)

    await shared_room.say("/admin resume", ADMIN)
    await shared_room.end(job_id)
    assert unlimited.text == "Pictures asked for today: 0, no limit\nJobs that wait or run: 0, no limit"
    assert shown.is_private
    day, *others = shown.text.splitlines()
    assert re.fullmatch(r"Pictures asked for today: 3 of 5, which begin anew at midnight UTC, in (\d+ h )?\d+ min", day)
    assert others == ["Jobs that wait or run: 1 of 2", "At most 30 steps", "Only flat"]
