"""Is what somebody made found again: newest first, by words, page by page?"""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from storage import Database, History, HistoryPage, Jobs
from tests.storage.conftest import new_job


@pytest.fixture
def history(database: Database) -> History:
    """The history of the test's own database."""
    return History(database)


async def keep(jobs: Jobs, *prompts: str, owner: str = "console:me") -> list[int]:
    """Accept a job for each prompt."""
    return [
        (await jobs.accept(f"{owner} {prompt} {i}", new_job(prompt, owner=owner)))[0]
        for i, prompt in enumerate(prompts)
    ]


def prompts(page: HistoryPage) -> list[str]:
    """Give the prompts of a page."""
    return [job.prompt for job in page.jobs]


async def test_pages_go_from_the_newest_to_the_oldest(jobs: Jobs, history: History) -> None:
    numbers = await keep(jobs, *(f"picture {number}" for number in range(25)))
    seen, cursor, sizes = [], None, []

    while True:
        page = await history.page("console:me", older_than=cursor)
        seen += [job.id for job in page.jobs]
        sizes.append(len(page.jobs))
        if (cursor := page.older_than) is None:
            break

    assert seen == numbers[::-1]
    assert sizes == [10, 10, 5]


@pytest.mark.parametrize("count", [0, 9, 10, 11])
async def test_only_a_page_with_more_behind_it_has_a_cursor(jobs: Jobs, history: History, count: int) -> None:
    await keep(jobs, *["x"] * count)

    page = await history.page("console:me")

    assert len(page.jobs) == min(count, 10)
    assert (page.older_than is not None) is (count > 10)


async def test_a_page_stays_the_same_while_new_jobs_come_in(jobs: Jobs, history: History) -> None:
    await keep(jobs, *(f"old {number}" for number in range(15)))
    first = await history.page("console:me")
    await keep(jobs, *(f"new {number}" for number in range(5)))

    second = await history.page("console:me", older_than=first.older_than)

    assert prompts(second) == [f"old {number}" for number in (4, 3, 2, 1, 0)]


async def test_everyone_sees_their_own_jobs_only(jobs: Jobs, history: History) -> None:
    await keep(jobs, "mine")
    await keep(jobs, "yours", owner="discord:1")

    assert prompts(await history.page("console:me")) == ["mine"]
    assert prompts(await history.page("discord:1", words="yours")) == ["yours"]
    assert prompts(await history.page("discord:1", words="mine")) == []


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("red", ["Red t-shirt", "a red circle"]),
        ("RED circ", ["a red circle"]),
        ("circle red", ["a red circle"]),
        ("t-shirt", ["Red t-shirt"]),
        ("foo_bar", ["foo_bar"]),
        ("cafe", ["un café"]),
        ("CAFÉ", ["un café"]),
        ("שחור", ["חתול שחור"]),
        ("猫", ["猫 in space"]),
        ("ci", ["a red circle"]),
        ("ircle", []),
        ("red OR cat", []),
        ("OR", ["gold OR silver"]),
        ("not there", []),
        ("🐈", []),
        ("   ", None),
        ("", None),
    ],
)
async def test_words_are_found_whole_or_by_their_beginning(
    jobs: Jobs, history: History, words: str, found: list[str] | None
) -> None:
    kept = [
        "a red circle",
        "Red t-shirt",
        "foo_bar",
        "un café",
        "חתול שחור",
        "猫 in space",
        "gold OR silver",
        "🐈 asleep",
    ]
    await keep(jobs, *kept)

    page = await history.page("console:me", words=words)

    assert prompts(page) == (kept[::-1] if found is None else found)


@pytest.mark.parametrize(
    "words",
    [
        '"',
        '""',
        '"red',
        'red"',
        "red*",
        "*",
        "(",
        ")",
        "red AND",
        "NEAR(red circle)",
        "prompt:red",
        "-red",
        "^red",
        "re\0d",
        "' OR 1=1 --",
        "{prompt}: x",
        "½ ² _ __ ·",
        "\u200f\u202e",
        "a" * 3000,
        "🐈‍⬛ " * 500,
        "+",
        "\\",
        "red\tcircle\n",
    ],
)
async def test_odd_words_are_no_query(jobs: Jobs, history: History, words: str) -> None:
    await keep(jobs, "a red circle", owner="discord:1")

    assert prompts(await history.page("console:me", words=words)) == []


@given(st.lists(st.text(st.characters(codec="utf-8"), min_size=1, max_size=40), min_size=10, max_size=30))
@settings(max_examples=10, deadline=None)
def test_any_words_give_a_page(tmp_path_factory: pytest.TempPathFactory, searches: list[str]) -> None:
    async def search() -> list[str]:
        async with Database(tmp_path_factory.getbasetemp() / "any words.db") as database:
            pages = [await History(database).page("console:me", words=words) for words in searches]
            return [prompt for page in pages for prompt in prompts(page)]

    assert asyncio.run(search()) == []  # of a loop of its own: hypothesis does not share one with pytest


async def test_a_search_has_pages_too(jobs: Jobs, history: History) -> None:
    await keep(jobs, *(f"{'red' if number % 2 else 'blue'} {number}" for number in range(30)))

    first = await history.page("console:me", words="red")
    second = await history.page("console:me", words="red", older_than=first.older_than)

    assert prompts(first) == [f"red {number}" for number in range(29, 9, -2)]
    assert prompts(second) == [f"red {number}" for number in range(9, 0, -2)]
    assert second.older_than is None


async def test_favourites_are_each_members_own_whoever_made_them(jobs: Jobs, history: History) -> None:
    mine, other = await keep(jobs, "a red circle", "a blue star")
    (theirs,) = await keep(jobs, "a red cat", owner="discord:1")

    marks = [await history.toggle_favourite("console:me", job_id) for job_id in (mine, theirs)]

    page = await history.page("console:me", is_favourite=True)
    assert marks == [True, True]
    assert [job.id for job in page.jobs] == [theirs, mine]
    assert prompts(await history.page("console:me", words="red cat", is_favourite=True)) == ["a red cat"]
    assert prompts(await history.page("console:me", words="star", is_favourite=True)) == []
    assert (await history.page("discord:1", is_favourite=True)).jobs == ()
    assert [job.id for job in (await history.page("console:me")).jobs] == [other, mine]


async def test_a_mark_that_is_made_twice_is_taken_away(jobs: Jobs, history: History) -> None:
    (job_id,) = await keep(jobs, "a red circle")

    marks = [await history.toggle_favourite("console:me", job_id) for _ in range(3)]

    assert marks == [True, False, True]


async def test_favourites_have_pages_too(jobs: Jobs, history: History) -> None:
    numbers = await keep(jobs, *(f"picture {number}" for number in range(13)))
    for job_id in numbers[:12]:
        await history.toggle_favourite("console:me", job_id)

    first = await history.page("console:me", is_favourite=True)
    second = await history.page("console:me", is_favourite=True, older_than=first.older_than)

    assert [job.id for job in (*first.jobs, *second.jobs)] == numbers[11::-1]
    assert (len(first.jobs), second.older_than) == (10, None)


async def test_a_deleted_job_is_nobodys_favourite(jobs: Jobs, history: History) -> None:
    (job_id,) = await keep(jobs, "a red circle")
    for member in ("console:me", "discord:1"):
        await history.toggle_favourite(member, job_id)

    await jobs.delete(job_id)

    assert (await history.page("console:me", is_favourite=True)).jobs == ()
    assert (await history.page("discord:1", is_favourite=True)).jobs == ()
