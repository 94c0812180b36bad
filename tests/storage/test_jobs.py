"""Is a job durable from its acceptance to its last picture, and never changed after its end?"""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from storage import Database, JobRecord, Jobs, Pictures, Settings, Usage
from tests.storage.conftest import new_job, new_picture, outcome, see_the_clock_move

LONG_PROMPT = "🐈‍⬛ חתול café\n" * 150


async def accept(jobs: Jobs, prompt: str = "a red circle") -> int:
    """Keep a job under a key of its own."""
    job_id, _ = await jobs.accept(f"event of {prompt} {object()}", new_job(prompt))
    return job_id


async def get(jobs: Jobs, job_id: int) -> JobRecord:
    """Find a job that is there."""
    record = await jobs.get(job_id)
    assert record is not None
    return record


async def end(jobs: Jobs, job_id: int, state: str = "done") -> None:
    """End a job."""
    await jobs.settle([outcome(job_id, state)], virtual_times_ms={})


@pytest.mark.parametrize("prompt", ["a red circle", LONG_PROMPT, "'; DROP TABLE job; --"], ids=["plain", "long", "sql"])
async def test_a_job_comes_back_as_it_was_accepted(jobs: Jobs, prompt: str) -> None:
    job_id = await accept(jobs, prompt)

    record = await get(jobs, job_id)

    assert (record.prompt, record.owner, record.state) == (prompt, "console:me", "queued")
    assert record.request == {"prompt": prompt, "seed": 2**32 - 1, "images": 2}
    assert (record.images, record.expected_ms) == (2, 2500)
    assert record.place == {"platform": "console", "channel": "chat"}
    assert (record.attempts, record.gpu_ms, record.pictures) == (0, 0, ())
    assert record.created_ms > 1_700_000_000_000
    assert (record.started_ms, record.passed_over_ms, record.boosted_ms, record.ended_ms) == (None,) * 4


async def test_a_repeated_event_gives_the_same_job_and_keeps_nothing(jobs: Jobs) -> None:
    first, is_new = await jobs.accept("discord:1", new_job("a"))
    again, is_new_again = await jobs.accept("discord:1", new_job("b"))
    other, _ = await jobs.accept("discord:2", new_job("b"))

    assert (is_new, is_new_again) == (True, False)
    assert again == first
    assert other == first + 1
    assert (await get(jobs, first)).prompt == "a"


async def test_events_repeated_at_the_same_moment_give_one_job(jobs: Jobs) -> None:
    answers = await asyncio.gather(*(jobs.accept("discord:1", new_job()) for _ in range(50)))

    assert len({job_id for job_id, _ in answers}) == 1
    assert sum(is_new for _, is_new in answers) == 1
    assert len(await jobs.unfinished()) == 1


async def test_a_job_that_is_not_there_is_none(jobs: Jobs) -> None:
    assert await jobs.get(99) is None
    assert await jobs.get(10**17) is None


async def test_a_number_is_never_given_twice(jobs: Jobs, database: Database) -> None:
    job_id = await accept(jobs)
    await database.write(lambda connection: connection.exec_driver_sql("DELETE FROM inbound"))
    await database.write(lambda connection: connection.exec_driver_sql("DELETE FROM job"))

    assert await accept(jobs) == job_id + 1


async def test_unfinished_jobs_are_those_that_wait_or_run_oldest_first(jobs: Jobs) -> None:
    numbers = [await accept(jobs, prompt) for prompt in "abcd"]
    await jobs.start(numbers[1])
    await end(jobs, numbers[0])
    await end(jobs, numbers[2], "cancelled")

    unfinished = await jobs.unfinished()

    assert [(record.id, record.state) for record in unfinished] == [(numbers[1], "running"), (numbers[3], "queued")]


async def test_the_first_start_of_a_job_is_kept_with_the_first_times_of_all_that_befell_it(jobs: Jobs) -> None:
    job_id = await accept(jobs)
    await jobs.pass_over(job_id)
    await jobs.boost(job_id, lambda _: None, since_ms=0)
    await jobs.start(job_id)
    first = await get(jobs, job_id)
    see_the_clock_move(first.started_ms)

    await jobs.settle([outcome(job_id, "queued", gpu_ms=0)], virtual_times_ms={})
    await jobs.pass_over(job_id)
    await jobs.boost(job_id, lambda _: None, since_ms=0)
    await jobs.start(job_id)

    assert first.created_ms <= (first.passed_over_ms or 0) <= (first.boosted_ms or 0) <= (first.started_ms or 0)
    assert await get(jobs, job_id) == first


async def test_an_admission_that_refuses_a_job_or_a_boost_leaves_nothing_behind(jobs: Jobs) -> None:
    def refuse(found: object) -> None:
        raise LookupError(f"no more than {found}")

    job_id = await accept(jobs)
    before = await jobs.unfinished()

    with pytest.raises(LookupError, match=r"Usage\(pending=1, images=2\)"):
        await jobs.accept("the event", new_job(), refuse)
    with pytest.raises(LookupError, match=r"no more than \(\)"):
        await jobs.boost(job_id, refuse, since_ms=0)

    assert await jobs.unfinished() == before
    assert (await jobs.accept("the event", new_job()))[1]  # the event was not kept either


async def test_of_two_jobs_at_the_same_moment_a_limit_that_has_room_for_one_lets_one_in(jobs: Jobs) -> None:
    def admit(usage: Usage) -> None:
        if usage.pending:
            raise LookupError

    asked = [jobs.accept(f"event {number}", new_job(), admit) for number in range(20)]
    answers = await asyncio.gather(*asked, return_exceptions=True)

    assert sum(isinstance(answer, LookupError) for answer in answers) == 19
    assert len(await jobs.unfinished()) == 1


async def test_a_repeat_of_an_event_is_admitted_however_much_its_owner_has_asked_for(jobs: Jobs) -> None:
    def refuse(usage: Usage) -> None:
        raise LookupError(usage)

    first, _ = await jobs.accept("the event", new_job())

    assert await jobs.accept("the event", new_job(), refuse) == (first, False)


async def test_a_message_is_owed_until_it_shows_the_end(jobs: Jobs) -> None:
    job_id = await accept(jobs)
    await jobs.note_shown(job_id, 1, "message 5")
    await end(jobs, job_id)
    (owed,) = await jobs.owed()

    await jobs.note_shown(job_id, owed.want_rev, "message 5")

    assert owed.message_id == "message 5"
    assert await jobs.owed() == ()


async def test_of_a_job_whose_message_nobody_knows_the_key_is_known(jobs: Jobs) -> None:
    job_id, _ = await jobs.accept("discord:12", new_job())
    known, _ = await jobs.accept("discord:13", new_job())
    await jobs.note_shown(known, 0, "message 5")

    assert await jobs.keys() == {job_id: "discord:12"}


@pytest.mark.parametrize(("shown", "kept"), [((2, 1), 2), ((1, 2), 2), ((9,), 2), ((0,), 0)])
async def test_what_a_message_shows_never_goes_back_nor_beyond_what_is_wanted(
    jobs: Jobs, shown: tuple[int, ...], kept: int
) -> None:
    job_id = await accept(jobs)
    await end(jobs, job_id)

    for revision in shown:
        await jobs.note_shown(job_id, revision, None)

    assert (await get(jobs, job_id)).shown_rev == kept


async def test_pictures_come_back_by_index_with_their_files(jobs: Jobs, pictures: Pictures) -> None:
    job_id = await accept(jobs)

    names = [await jobs.add_picture(new_picture(job_id, index, b"pixels %d" % index)) for index in (1, 0)]

    found = (await get(jobs, job_id)).pictures
    assert [(picture.index, picture.seed, picture.sha256) for picture in found] == [(0, 7, names[1]), (1, 8, names[0])]
    assert (found[0].width, found[0].height, found[0].provenance) == (64, 48, {"torch": "2"})
    assert pictures.path(names[0]).read_bytes() == b"pixels 1"


async def test_a_second_picture_of_an_index_is_dropped(jobs: Jobs) -> None:
    job_id = await accept(jobs)

    first = await jobs.add_picture(new_picture(job_id, 0, b"first"))
    await jobs.add_picture(new_picture(job_id, 0, b"second"))

    assert [picture.sha256 for picture in (await get(jobs, job_id)).pictures] == [first]


async def test_more_jobs_than_a_statement_has_room_for_come_back_with_their_pictures(
    jobs: Jobs, database: Database
) -> None:
    first = await accept(jobs)
    many = (
        "INSERT INTO job (owner, place, state, model, prompt, request, created_ms) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000) "
        "SELECT 'a:b', '{}', 'queued', 'demo', 'p', '{}', 0 FROM n"
    )
    await database.write(lambda connection: connection.exec_driver_sql(many))
    await jobs.add_picture(new_picture(first + 40_000))

    unfinished = await jobs.unfinished()

    assert len(unfinished) == 40_001
    assert len(unfinished[-1].pictures) == 1


async def test_the_last_job_of_somebody_is_the_newest_that_gave_pictures(jobs: Jobs) -> None:
    assert await jobs.last("console:me") is None
    first, second, failed, waiting = [await accept(jobs, prompt) for prompt in "abcd"]
    await end(jobs, second)
    await end(jobs, first)
    await end(jobs, failed, "failed")

    last = await jobs.last("console:me")

    assert waiting > failed > second > first
    assert last is not None
    assert last.id == second
    assert await jobs.last("discord:1") is None


async def test_a_channel_that_moves_takes_its_jobs_its_threads_and_its_settings_along(
    jobs: Jobs, database: Database
) -> None:
    settings = Settings(database)
    places = [
        {"platform": "telegram", "channel": "-1"},
        {"platform": "telegram", "channel": "-1", "thread": "7"},
        {"platform": "telegram", "channel": "-12"},
        {"platform": "discord", "channel": "-1"},
    ]
    numbers = [(await jobs.accept(f"event {place}", replace(new_job(), place=place)))[0] for place in places]
    await settings.put("model", "demo", scope="telegram:-1")
    await settings.put("model", "demo-fast", scope="telegram:-100")  # as somebody chose there already
    await settings.put("adult", "yes", scope="telegram:-1")
    await settings.put("model", "sdxl", scope="telegram:-12")

    await jobs.move_place(places[0], {"platform": "telegram", "channel": "-100"})

    assert [(await get(jobs, job_id)).place for job_id in numbers] == [
        {"platform": "telegram", "channel": "-100"},
        {"platform": "telegram", "channel": "-100", "thread": "7"},
        *places[2:],
    ]
    assert await settings.all("model") == {"telegram:-100": "demo", "telegram:-12": "sdxl"}
    assert await settings.all("adult") == {"telegram:-100": "yes"}
