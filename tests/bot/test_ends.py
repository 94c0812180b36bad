"""What becomes of accepted jobs when the program, its worker, its disk or its reader goes away?"""

from __future__ import annotations

import contextlib
import os
import signal
import sqlite3
import subprocess
from pathlib import Path

import pytest

from generation import read_metadata
from tests.bot.program import COMMAND, ROOT, Program, environment, fairbrush, switch


def test_sigkill_loses_no_accepted_job_and_makes_none_twice(tmp_path: Path) -> None:
    hold = switch(tmp_path, "hold")
    hold.touch()
    with Program(tmp_path, "chat") as program:
        for number in (1, 2, 3):
            program.type(f"/imagine cat {number} --seed {number}\n")
            program.until(f"Job {number} queued")
        program.until("cat 3")
        worker = program.worker()
        libraries = {Path(mapped.path).name for mapped in worker.memory_maps()}
        program.kill()
    hold.unlink()

    done = fairbrush(tmp_path, "chat", typed="/wait\n/history\n")

    assert not [name for name in libraries if "torch" in name]
    ends = [line.split(" done")[0] for line in done.stdout.splitlines() if " done in " in line]
    assert ends == ["Job 1", "Job 2", "Job 3"]
    history = done.stdout.strip().split("\n\n")[-1].splitlines()
    assert history == [f"{number}  cat {number}  · flat · seed {number}" for number in (3, 2, 1)]
    pictures = [Path(line) for line in done.stdout.splitlines() if line.endswith(".png")]
    assert [read_metadata(path).seed for path in pictures] == [1, 2, 3]
    assert len(list((tmp_path / "data" / "pictures").glob("*/*"))) == 3


@pytest.mark.slow
def test_kills_at_any_moment_leave_each_accepted_job_with_one_end_and_its_own_pictures(tmp_path: Path) -> None:
    moments = (["queued"], ["done in"], ["queued", "queued", "queued"])
    for words in moments:
        with Program(tmp_path, "chat") as program:
            program.type("/imagine a cat --count 2\n" * 3)
            for word in words:
                program.until(word)
            program.kill()

    fairbrush(tmp_path, "chat")

    with contextlib.closing(sqlite3.connect(tmp_path / "data" / "fairbrush.db")) as database:
        jobs = database.execute("SELECT id, state, shown_rev = want_rev FROM job").fetchall()
        pictures = database.execute(
            "SELECT job_id, count(*), count(DISTINCT sha256) FROM picture GROUP BY 1"
        ).fetchall()
    assert len(jobs) >= len(moments)
    assert jobs == [(job_id, "done", 1) for job_id, *_ in jobs]
    assert pictures == [(job_id, 2, 2) for job_id, *_ in jobs]


def test_a_worker_that_does_not_start_is_told_and_not_waited_for(tmp_path: Path) -> None:
    fairbrush(tmp_path, "chat", typed="/admin pause\n/imagine a cat\n")

    done = fairbrush(tmp_path, "chat", typed="/admin resume\n/imagine a dog\n", FAIRBRUSH_GENERATION__DEVICE="cuda:99")

    assert done.returncode == 0
    assert "There is no device cuda:99 here" in done.stdout.split("\n\n")[2]
    assert "Job 1 is not over. There is no device cuda:99 here" in done.stdout


def test_a_full_disk_refuses_jobs_in_words_and_loses_none_that_was_accepted(tmp_path: Path) -> None:
    fairbrush(tmp_path, "chat")
    room = (tmp_path / "data" / "fairbrush.db").stat().st_size + 64_000

    full = fairbrush(tmp_path, "chat", typed="/imagine a cat\n" * 8, largest_file=room)
    then = fairbrush(tmp_path, "chat", typed="/wait\n/history\n")

    accepted = {line.split()[1] for line in full.stdout.splitlines() if " queued" in line}
    history = [line for line in then.stdout.split("\n\n")[-1].splitlines() if "a cat" in line]
    assert (full.returncode, full.stderr) == (0, "")
    assert full.stdout.count("The disk is full") >= 8 - len(accepted) > 0
    assert {line.split()[0] for line in history} == accepted
    assert not [line for line in history if "(" in line]


@pytest.mark.parametrize("how", ["/quit", "/exit", "SIGTERM", "SIGINT"])
def test_leaving_does_not_wait_and_says_what_becomes_of_the_jobs(tmp_path: Path, how: str) -> None:
    switch(tmp_path, "hold").touch()
    with Program(tmp_path, "chat") as program:
        program.type("/imagine a cat\n/imagine a dog\n")
        program.until("a dog")
        if how.startswith("/"):
            program.type(f"{how}\n")
        else:
            program.process.send_signal(signal.Signals[how])
        status = program.end()

    assert program.output.endswith("Jobs 1, 2 are not over, and will go on at the next start.\n")
    assert status == (0 if how.startswith("/") else 130)


def test_a_job_that_was_just_cancelled_is_not_said_to_go_on(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "chat", typed="/admin pause\n/imagine a cat\n/cancel\n/quit\n")

    assert "not over" not in done.stdout


def test_a_reader_who_goes_away_ends_the_program_without_a_word(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    program = subprocess.Popen(
        [*COMMAND, "chat"],
        stdin=subprocess.PIPE,
        stdout=writing,
        stderr=subprocess.PIPE,
        env=environment(tmp_path),
        cwd=ROOT,
    )
    os.close(writing)
    os.close(reading)

    _, complaints = program.communicate(b"/imagine a cat\n/queue\n" * 5, timeout=30)

    assert (program.returncode, complaints) == (1, b"")
