"""Does somebody find again what they made?"""

from __future__ import annotations

import pytest

from bot.chat import Member, Place, Tone
from tests.bot.chatroom import ADMIN, Room

pytestmark = pytest.mark.asyncio(loop_scope="module")

ELSEWHERE = Place(platform="recorded", channel="elsewhere")


def person(name: str) -> Member:
    """Each test has its own person, so that histories do not mix."""
    return Member(platform="recorded", id=name, name=name)


async def test_an_empty_history_says_how_to_begin(shared_room: Room) -> None:
    assert "/imagine" in (await shared_room.say("/history", person("new"))).text


async def test_history_lists_the_newest_first_and_only_ones_own(shared_room: Room) -> None:
    ann, ben = person("ann"), person("ben")
    for member, line in ((ann, "/imagine a cat"), (ben, "/imagine a secret"), (ann, "/imagine a dog")):
        await shared_room.say(line, member)

    first, second = (await shared_room.say("/history", ann)).text.splitlines()

    assert "a dog" in first
    assert "a cat" in second


async def test_history_goes_on_page_by_page(shared_room: Room) -> None:
    cleo = person("cleo")
    jobs = [await shared_room.accept(f"/imagine picture number {number}", cleo) for number in range(12)]
    for job_id in jobs:
        await shared_room.end(job_id)

    first_page = (await shared_room.say("/history", cleo)).text.splitlines()
    more = first_page[-1].removeprefix("More: ")
    second_page = (await shared_room.say(more, cleo)).text.splitlines()

    listed = [int(line.split()[0]) for line in first_page[:-1] + second_page]
    assert listed == sorted(jobs, reverse=True)


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("blue", ["a blue étoile", "a blue circle"]),
        ("circle blue", ["a blue circle"]),
        ("circ", ["a red circle", "a blue circle"]),
        ("ETOILE", ["a blue étoile"]),
        ("green", []),
        ('"blue', ["a blue étoile", "a blue circle"]),
        ("blue OR", []),
        ("!!!", []),
        ("NEAR(blue)", []),
    ],
)
async def test_history_finds_prompts_that_have_all_the_words(shared_room: Room, words: str, found: list[str]) -> None:
    dan = person("dan")
    if "nothing yet" in (await shared_room.say("/history", dan)).text:
        for prompt in ("a blue circle", "a red circle", "a blue étoile"):
            await shared_room.say(f"/imagine {prompt}", dan)

    view = await shared_room.say(f"/history {words}", dan)

    lines = [line for line in view.text.splitlines() if "seed" in line]
    assert [line.split("  ")[1] for line in lines] == found


async def test_nothing_found_names_the_words(shared_room: Room) -> None:
    assert "unicorn" in (await shared_room.say("/history unicorn", person("eve"))).text


async def test_show_brings_a_job_back_with_its_pictures(shared_room: Room) -> None:
    job_id = await shared_room.accept("/imagine a memory --count 2 --seed 3")
    end = await shared_room.end(job_id)

    assert await shared_room.say(f"/show {job_id}") == end
    assert await shared_room.say(f"/show #{job_id}") == end


async def test_show_tells_how_an_unfinished_job_stands(shared_room: Room) -> None:
    shared_room.hold()
    running = await shared_room.accept("/imagine the one that runs")
    await shared_room.platform.until(lambda view: view.text.startswith(f"Job {running}: step 1"))
    waiting = await shared_room.accept("/imagine the one that waits")

    texts = [(await shared_room.say(f"/show {job_id}")).text for job_id in (running, waiting)]

    shared_room.release()
    for job_id in (running, waiting):
        await shared_room.end(job_id)
    assert texts[0].startswith(f"Job {running} is being made now.\nthe one that runs")
    assert texts[1].startswith(f"Job {waiting} waits for its turn.\nthe one that waits")


async def test_jobs_of_another_place_are_as_if_they_were_not_there(shared_room: Room) -> None:
    job_id = await shared_room.accept("/imagine a secret", person("fay"), ELSEWHERE)
    await shared_room.end(job_id)

    texts = [(await shared_room.say(f"/{name} {job_id}", person("gil"))).text for name in ("show", "rerun")]

    assert set(texts) == {f"There is no job {job_id} here; /history lists yours."}
    assert (await shared_room.say(f"/show {job_id}", person("fay"))).tone is Tone.GOOD
    assert (await shared_room.say(f"/show {job_id}", ADMIN)).tone is Tone.GOOD


async def test_only_a_platform_on_this_machine_shows_files(shared_room: Room) -> None:
    end = await shared_room.say("/imagine a file")

    answer = await shared_room.say(f"/show {end.pictures[0]}")

    assert answer.tone is Tone.REFUSED
    assert "is not a job number" in answer.text


@pytest.mark.parametrize("line", ["/show", "/show nothing", "/show 999", "/history --before yesterday"])
async def test_bad_input_gets_one_sentence(shared_room: Room, line: str) -> None:
    answer = await shared_room.say(line)

    assert answer.tone is Tone.REFUSED
    assert "\n" not in answer.text
