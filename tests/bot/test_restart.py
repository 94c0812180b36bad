"""Does everything that was accepted outlive the program, in order and once each?"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from bot.chat import Member, Tone
from generation import read_metadata
from storage import StorageError
from tests.bot.chatroom import ADMIN, RecordedPlatform, Room, settings

OTHER = Member(platform="recorded", id="other", name="Other")


def restarted(room: Room) -> Room:
    """The next start of the program, on the same data; the chat has kept its messages."""
    platform = RecordedPlatform(first=len(room.platform.messages) + 1)
    platform.messages.update(room.platform.messages)
    return Room(room.settings, platform)


async def test_unfinished_jobs_go_on_with_their_seeds_in_the_messages_they_have(room: Room) -> None:
    async with room:
        room.hold()
        jobs = [await room.accept(f"/imagine cat {number} --seed {number}") for number in (1, 2, 3)]
        await room.platform.until(lambda view: view.text.startswith(f"Job {jobs[0]}: step 1"))
    room.release()

    async with restarted(room) as room_then:
        ends = [await room_then.end(job_id) for job_id in jobs]

    assert [read_metadata(view.pictures[0]).seed for view in ends] == [1, 2, 3]
    assert [views[-1].is_final for views in room_then.platform.messages.values()] == [True, True, True]


async def test_messages_that_are_gone_are_shown_anew(room: Room) -> None:
    async with room:
        room.hold()
        job_id = await room.accept("/imagine a cat")
    room.release()

    async with Room(room.settings, RecordedPlatform(first=100)) as room_then:
        await room_then.end(job_id)

    assert list(room_then.platform.messages) == ["100"]


async def test_pictures_that_were_kept_are_not_made_again(room: Room) -> None:
    async with room:
        room.hold()
        job_id = await room.accept("/imagine two cats --count 2 --steps 1")
        room.release()
        await room.end(job_id)
    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:  # as after a kill before the second one
        database.execute("UPDATE job SET state = 'running', shown_rev = 1, want_rev = 1")
        database.execute('DELETE FROM picture WHERE "index" = 1')
    database.close()

    async with restarted(room) as room_then:
        end = await room_then.end(job_id)
        steps = [v.progress.picture for views in room_then.platform.messages.values() for v in views if v.progress]

    assert len(end.pictures) == 2
    assert set(steps[-1:]) == {2}


async def test_a_job_whose_last_picture_was_kept_ends_without_another_run(room: Room) -> None:
    async with room:
        job_id = await room.accept("/imagine a cat")
        before = await room.end(job_id)
    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:
        database.execute("UPDATE job SET state = 'running', shown_rev = 1, want_rev = 1")
    database.close()
    (room.switches / "error").touch()  # whatever runs now fails

    async with restarted(room) as room_then:
        assert await room_then.end(job_id) == before


async def test_an_end_that_nobody_was_shown_is_shown_at_the_next_start(room: Room) -> None:
    async with room:
        job_id = await room.accept("/imagine a cat")
        end = await room.end(job_id)
    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:
        database.execute("UPDATE job SET shown_rev = 1")
    database.close()

    async with Room(room.settings) as room_then:
        shown = await room_then.platform.until(lambda view: view.is_final)

    assert shown == end


async def test_an_end_that_was_shown_is_not_shown_again(room: Room) -> None:
    async with room:
        await room.say("/imagine a cat")

    async with Room(room.settings) as room_then:
        await room_then.say("/queue")

    assert len(room_then.platform.messages) == 1


async def test_a_pause_and_a_default_model_and_a_block_outlive_a_restart(room: Room) -> None:
    async with room:
        for line in ("/admin pause", "/admin model flatter", "/admin block recorded:other"):
            await room.type(line, ADMIN)
        job_id = await room.accept("/imagine a cat")

    async with restarted(room) as room_then:
        status = (await room_then.say("/admin status", ADMIN)).text
        blocked = (await room_then.say("/admin block recorded:other", ADMIN)).text
        await room_then.type("/admin resume", ADMIN)
        end = await room_then.end(job_id)

    assert "Queue: paused, 0 running, 1 waiting" in status
    assert "Default model here: flatter" in status
    assert blocked == "recorded:other was blocked already."
    assert end.tone is Tone.GOOD


async def test_a_model_that_left_the_catalogue_fails_its_jobs_and_is_no_default_any_more(room: Room) -> None:
    async with room:
        await room.type("/admin pause", ADMIN)
        await room.type("/admin model flatter", ADMIN)
        job_id = await room.accept("/imagine a cat")
    models = room.settings.generation.models_file
    assert models is not None
    models.write_text(models.read_text().replace("flatter", "flattest"))

    async with restarted(room) as room_then:
        end = await room_then.end(job_id)
        await room_then.type("/admin resume", ADMIN)
        fresh = await room_then.say("/imagine a cat")

    assert end.tone is Tone.FAILED
    assert "flatter" in end.text
    assert "\nflat · " in fresh.text


async def test_what_was_learned_of_speeds_outlives_a_restart(room: Room) -> None:
    async with room:
        request = await room.request(await room.accept("/imagine a cat"))
        guessed_s = room.app.service.expected_s(request)
        await room.say("/imagine another cat")
        learned_s = room.app.service.expected_s(request)

    async with restarted(room) as room_then:
        await room_then.say("/models")  # for which the worker tells its card
        known_s = room_then.app.service.expected_s(request)

    assert learned_s != guessed_s
    assert known_s == learned_s


async def test_how_a_forecast_came_out_is_kept(room: Room) -> None:
    async with room:
        await room.running("/imagine a cat")
        second = await room.accept("/imagine a dog --steps 3")
        await room.counted(second)
        room.release()
        await room.end(second)

    with sqlite3.connect(room.settings.data_dir / "fairbrush.db") as database:
        rows = database.execute("SELECT id, foretold_ms, started_ms - created_ms FROM job ORDER BY id").fetchall()
    database.close()
    foretold, waited = {row[0]: row[1] for row in rows}, {row[0]: row[2] for row in rows}
    assert foretold[second] is not None
    assert 0 <= foretold[second] < 10_000
    assert waited[second] > 0


async def test_people_keep_their_turns_over_a_restart(room: Room) -> None:
    async with room:
        for number in (1, 2):
            await room.say(f"/imagine cat {number}")
        await room.type("/admin pause", ADMIN)
        mine = await room.accept("/imagine one more cat")
        theirs = await room.accept("/imagine a first dog", OTHER)
        await room.type("/admin boost 4", ADMIN)

    async with restarted(room) as room_then:
        room_then.hold()
        await room_then.type("/admin resume", ADMIN)
        await room_then.platform.until(lambda view: view.text.startswith(f"Job {theirs}: step 1"))
        waits = await room_then.counted(mine)
        room_then.release()
        ends = [await room_then.end(job_id) for job_id in (mine, theirs)]

    assert waits.text.startswith(f"Job {mine} queued, 1 run before yours")
    assert [view.tone for view in ends] == [Tone.GOOD] * 2


async def test_a_second_program_on_the_same_data_is_refused(room: Room) -> None:
    async with room:
        with pytest.raises(StorageError, match="Another Fairbrush is using the data directory"):
            await Room(room.settings).__aenter__()

        assert (await room.say("/imagine a cat")).tone is Tone.GOOD


async def test_a_damaged_database_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    database = tmp_path / "data" / "fairbrush.db"
    database.write_bytes(b"this is no database" * 1000)

    with pytest.raises(StorageError, match="The database is damaged"):
        await Room(settings(tmp_path)).__aenter__()

    assert database.read_bytes() == b"this is no database" * 1000


async def test_a_database_that_another_program_locks_refuses_the_command_and_keeps_nothing(room: Room) -> None:
    async with room:
        intruder = sqlite3.connect(room.settings.data_dir / "fairbrush.db", isolation_level=None)
        intruder.execute("BEGIN IMMEDIATE")
        refused = await room.say("/imagine a cat")
        intruder.execute("ROLLBACK")
        intruder.close()

        assert refused.tone is Tone.FAILED
        assert refused.text.startswith("Another program holds the database.")
        assert "nothing yet" in (await room.say("/history")).text
        assert (await room.say("/imagine a cat")).tone is Tone.GOOD
