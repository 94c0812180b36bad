"""Does a deletion take away what it should, nothing else, and survive being broken off?"""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from storage import Database, History, JobRecord, Jobs, Pictures, StorageError
from tests.storage.conftest import new_job, new_picture, outcome

EVENTS = itertools.count()


async def made(jobs: Jobs, *pngs: bytes, prompt: str = "a red circle", start_image: str = "", mask: str = "") -> int:
    """Keep a job that has made these pictures and is over."""
    job_id, _ = await jobs.accept(f"event {next(EVENTS)}", replace(new_job(prompt), start_image=start_image, mask=mask))
    for index, png in enumerate(pngs):
        await jobs.add_picture(new_picture(job_id, index, png))
    await jobs.settle([outcome(job_id)], virtual_times_ms={})
    await jobs.note_shown(job_id, 2, "m1")
    return job_id


async def get(jobs: Jobs, job_id: int) -> JobRecord:
    record = await jobs.get(job_id)
    assert record is not None
    return record


def kept(pictures: Pictures, *pngs: bytes) -> list[bool]:
    """Tell which of these pictures are files."""
    return [pictures.path(hashlib.sha256(png).hexdigest()).is_file() for png in pngs]


async def test_what_a_job_said_and_its_pictures_are_gone(jobs: Jobs, database: Database, pictures: Pictures) -> None:
    job_id = await made(jobs, b"one", b"two")

    await jobs.delete(job_id)

    record = await get(jobs, job_id)
    assert (record.is_deleted, record.prompt, record.request, record.pictures) == (True, "", {}, ())
    assert kept(pictures, b"one", b"two") == [False, False]
    history = History(database)
    assert (await history.page("console:me")).jobs == ()
    assert (await history.page("console:me", words="red")).jobs == ()
    assert await jobs.last("console:me") is None


async def test_the_search_forgets_the_words(jobs: Jobs, tmp_path: Path) -> None:
    await jobs.delete(await made(jobs, prompt="a peculiar zebra"))

    with sqlite3.connect(tmp_path / "fairbrush.db") as connection:
        found = connection.execute("SELECT count(*) FROM prompt_search WHERE prompt_search MATCH 'zebra'").fetchone()
        connection.execute("INSERT INTO prompt_search(prompt_search) VALUES ('integrity-check')")
    connection.close()
    assert found == (0,)


async def test_a_picture_that_another_job_shows_stays_until_that_one_goes_too(jobs: Jobs, pictures: Pictures) -> None:
    first, second = await made(jobs, b"shared", b"own"), await made(jobs, b"shared")

    await jobs.delete(first)
    after_one = kept(pictures, b"shared", b"own")
    await jobs.delete(second)

    assert after_one == [True, False]
    assert kept(pictures, b"shared") == [False]


async def test_a_picture_that_another_job_starts_from_stays_until_that_one_goes_too(
    jobs: Jobs, pictures: Pictures
) -> None:
    first = await made(jobs, b"start")
    second = await made(jobs, b"end", start_image=(await get(jobs, first)).pictures[0].sha256)

    await jobs.delete(first)
    after_one = kept(pictures, b"start", b"end")
    await jobs.delete(second)

    assert after_one == [True, True]
    assert kept(pictures, b"start", b"end") == [False, False]


async def test_an_uploaded_start_picture_goes_with_its_job(jobs: Jobs, pictures: Pictures) -> None:
    job_id = await made(jobs, b"end", start_image=pictures.save(b"upload"))

    await jobs.delete(job_id)

    assert kept(pictures, b"upload", b"end") == [False, False]


async def test_a_mask_stays_as_long_as_a_job_has_it(jobs: Jobs, pictures: Pictures) -> None:
    start_image, mask = pictures.save(b"upload"), pictures.save(b"mask")
    first, second = [await made(jobs, png, start_image=start_image, mask=mask) for png in (b"one", b"two")]

    await jobs.delete(first)
    after_one = kept(pictures, b"upload", b"mask")
    await jobs.delete(second)

    assert after_one == [True, True]
    assert kept(pictures, b"upload", b"mask") == [False, False]


async def test_a_job_cannot_have_a_mask_that_was_deleted(jobs: Jobs, pictures: Pictures) -> None:
    start_image, mask = pictures.save(b"upload"), pictures.save(b"mask")
    pictures.remove(mask)

    with pytest.raises(StorageError, match="The mask was deleted"):
        await jobs.accept("the event", replace(new_job(), start_image=start_image, mask=mask))


async def test_a_job_cannot_start_from_a_picture_that_was_deleted(jobs: Jobs) -> None:
    job_id = await made(jobs, b"start")
    start_image = (await get(jobs, job_id)).pictures[0].sha256
    await jobs.delete(job_id)

    with pytest.raises(StorageError, match="The picture to start from was deleted"):
        await jobs.accept("the event", replace(new_job(), start_image=start_image))

    again, is_new = await jobs.accept("the event", new_job())  # the refusal kept nothing, not even the event
    assert is_new
    assert again == job_id + 1


async def test_a_deleted_job_is_owed_until_its_message_is_gone(jobs: Jobs) -> None:
    job_id = await made(jobs, b"one")

    await jobs.delete(job_id)
    owed = await jobs.owed()
    await jobs.note_shown(job_id, 2**31, None)

    assert [(record.id, record.message_id) for record in owed] == [(job_id, "m1")]
    assert await jobs.owed() == ()


async def test_deleting_twice_does_no_harm(jobs: Jobs) -> None:
    job_id = await made(jobs, b"one")
    await jobs.delete(job_id)
    first = await get(jobs, job_id)

    await jobs.delete(job_id)

    assert await get(jobs, job_id) == first


async def test_a_deletion_that_was_broken_off_is_taken_up_where_it_stopped(
    jobs: Jobs, pictures: Pictures, tmp_path: Path
) -> None:
    job_id = await made(jobs, b"one", start_image=pictures.save(b"upload"))
    with sqlite3.connect(tmp_path / "fairbrush.db") as connection:  # as after a kill before the files were gone
        connection.execute("UPDATE job SET deleted_ms = 1, prompt = '', request = '{}', want_rev = want_rev + 1")
    connection.close()

    (owed,) = await jobs.owed()
    await jobs.delete(owed.id)

    assert owed.id == job_id
    assert kept(pictures, b"one", b"upload") == [False, False]
    assert (await get(jobs, job_id)).want_rev == 3


async def test_a_picture_that_comes_while_its_like_is_deleted_keeps_its_file(jobs: Jobs, pictures: Pictures) -> None:
    for number in range(20):
        png = f"picture {number}".encode()
        old = await made(jobs, png)
        new, _ = await jobs.accept(f"new {number}", new_job())

        await asyncio.gather(jobs.delete(old), jobs.add_picture(new_picture(new, png=png)))

        assert kept(pictures, png) == [True]


async def test_a_rerun_of_a_deleted_job_remains(jobs: Jobs) -> None:
    first = await made(jobs, b"one")
    second, _ = await jobs.accept("rerun", new_job(rerun_of=first))

    await jobs.delete(first)

    assert (await get(jobs, second)).rerun_of == first
