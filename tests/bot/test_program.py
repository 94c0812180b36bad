"""Does the command line do what it says, to people and to scripts?"""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from generation import read_metadata
from tests.bot.program import Program, fairbrush, switch


def test_imagine_makes_one_picture_and_says_all_about_it(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "imagine", "a red circle on a blue background", "--seed", "7")

    assert (done.returncode, done.stderr) == (0, "")
    first, prompt, settings, path = done.stdout.splitlines()
    assert first.startswith("Job 1 done in ")
    assert prompt == "a red circle on a blue background"
    assert settings.startswith("flat · seed 7 · 4 steps")
    assert [Path(path)] == list((tmp_path / "data" / "pictures").glob("*/*.png"))
    assert read_metadata(Path(path)).seed == 7


def test_imagine_takes_words_without_quotes_and_flags_anywhere(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "imagine", "--count=2", "a", "red", "circle", "--no", "blue sky", "--seed", "7")

    *_, first, second = done.stdout.splitlines()
    request = read_metadata(Path(first)).request
    assert request is not None
    assert (request.prompt, request.negative_prompt, request.images) == ("a red circle", "blue sky", 2)
    assert first != second


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (["a cat", "--steps", "0"], "--steps 0 is out of range: from 1 to 150 is allowed."),
        (["a cat", "--sed", "7"], "Did you mean --seed?"),
        ([], "/imagine needs PROMPT"),
    ],
)
def test_imagine_answers_bad_input_with_one_sentence_and_status_2(
    tmp_path: Path, words: list[str], complaint: str
) -> None:
    done = fairbrush(tmp_path, "imagine", *words)

    assert (done.returncode, done.stdout) == (2, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_imagine_has_status_1_when_the_picture_fails(tmp_path: Path) -> None:
    switch(tmp_path, "error").touch()

    done = fairbrush(tmp_path, "imagine", "a cat")

    assert (done.returncode, done.stdout) == (1, "")
    assert "Job 1 failed: The model failed on this request." in done.stderr
    assert "Traceback" not in done.stderr


def test_imagine_does_not_wait_in_a_paused_queue(tmp_path: Path) -> None:
    fairbrush(tmp_path, "chat", typed="/admin pause\n")

    done = fairbrush(tmp_path, "imagine", "a cat")

    assert done.returncode == 1
    assert done.stderr == "Job 1 is not over. An admin has paused the queue, which /admin resume undoes.\n"


@pytest.mark.parametrize("arguments", [["--help"], ["imagine", "--help"], ["chat", "--help"], ["models", "--help"]])
def test_every_command_has_help(tmp_path: Path, arguments: list[str]) -> None:
    done = fairbrush(tmp_path, *arguments)

    assert done.returncode == 0
    assert "Usage: fairbrush" in done.stdout
    assert not (tmp_path / "data").exists()


def test_help_for_imagine_lists_its_flags(tmp_path: Path) -> None:
    text = fairbrush(tmp_path, "imagine", "--help").stdout

    assert all(f"--{flag} " in text for flag in ("model", "seed", "steps", "cfg", "ar", "size", "no", "count"))


def test_models_lists_the_catalogue(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "models")

    assert done.returncode == 0
    assert "flat (default here)" in done.stdout
    assert "demo-fast" in done.stdout


@pytest.mark.parametrize(
    ("settings", "status", "complaint"),
    [
        ({"FAIRBRUSH_DATA_DIR": "/proc/nowhere"}, 1, "The data directory /proc/nowhere cannot be used"),
        ({"FAIRBRUSH_ADMINS": "me, you"}, 2, "The setting FAIRBRUSH_ADMINS is wrong: it must be JSON"),
        ({"FAIRBRUSH_GENERATION__DEFAULT_MODEL": "nosuch"}, 2, "There is no model 'nosuch'"),
        ({"FAIRBRUSH_GENERATION__COMPILE": "tensorrt"}, 2, "Compiling by tensorrt needs the extra of that name"),
    ],
)
def test_a_start_that_cannot_work_says_why(
    tmp_path: Path, settings: dict[str, str], status: int, complaint: str
) -> None:
    done = fairbrush(tmp_path, "chat", typed="/queue\n", largest_file=None, **settings)

    assert (done.returncode, done.stdout) == (status, "")
    assert complaint in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_script_gets_its_answers_in_order_and_all_jobs_finished(tmp_path: Path) -> None:
    lines = ["/imagine a red circle --seed 7", "", "hello", "/quti", "/wait", "/rerun 1", "/wait", "/history"]

    done = fairbrush(tmp_path, "chat", typed="\n".join(lines))

    assert (done.returncode, done.stderr) == (0, "")
    parts = done.stdout.split("\n\n")
    assert [part.split("\n")[0] for part in parts[:3]] == [
        "Job 1 queued, next in line.",
        "To have that drawn, put a command before it: /imagine hello",
        "There is no command /quti. Did you mean /quit? /help lists them all.",
    ]
    assert parts[3].startswith("Job 1 done in ")
    assert parts[4].startswith("Job 2 queued, next in line.")
    assert "The same, byte for byte, as job 1." in parts[5]
    assert parts[6].splitlines()[0].startswith("2  a red circle")
    assert "\x1b" not in done.stdout


def test_a_script_need_not_be_valid_text(tmp_path: Path) -> None:
    done = fairbrush(tmp_path, "chat", typed=b"\xef\xbb\xbf/queue\r\n/imagine a\xff\xfe\x00 cat\r\n\xc3")

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Nobody waits and nothing runs.\n")
    assert "\na�� cat\n" in done.stdout


def test_show_reads_back_what_a_picture_file_says(tmp_path: Path) -> None:
    path = fairbrush(tmp_path, "imagine", "a red circle", "--seed", "7").stdout.splitlines()[-1]
    (tmp_path / "no.png").write_bytes(b"no picture")

    done = fairbrush(tmp_path, "chat", typed=f"/show {path}\n/show {tmp_path}/no.png\n/show {tmp_path}/gone.png\n")

    shown, broken, gone = done.stdout.split("\n\n")
    assert "was made by Fairbrush from:\na red circle\nflat · seed 7 · 4 steps · cfg 3 · 64x64" in shown
    assert shown.endswith(path)
    assert broken == "no.png is not a PNG file that can be read."
    assert "neither the number of a job nor a picture file" in gone


def test_show_cuts_short_what_a_foreign_file_says(tmp_path: Path) -> None:
    info = PngInfo()
    info.add_text("parameters", "a castle " * 1000)
    Image.new("RGB", (8, 8)).save(tmp_path / "theirs.png", pnginfo=info)

    done = fairbrush(tmp_path, "chat", typed=f"/show {tmp_path}/theirs.png\n")

    assert done.stdout.startswith("theirs.png was not made by Fairbrush, but says:\na castle a castle")
    assert len(done.stdout) < 2200


def test_a_second_program_on_the_same_data_says_so(tmp_path: Path) -> None:
    with Program(tmp_path, "chat") as program:
        program.type("/queue\n")
        program.until("Nobody waits")

        done = fairbrush(tmp_path, "imagine", "a cat")

    assert done.returncode == 1
    assert "Another Fairbrush is using the data directory" in done.stderr


def test_logs_go_to_a_file_and_secrets_nowhere(tmp_path: Path) -> None:
    switch(tmp_path, "error").touch()

    done = fairbrush(tmp_path, "chat", typed="/imagine a cat\n", FAIRBRUSH_DISCORD__TOKEN="hunter2hunter2")

    logs = {path.name: path.read_text() for path in (tmp_path / "data").glob("*.log")}
    assert "job ended" in logs["fairbrush.log"]
    assert "the fake was told to fail" in logs["worker.log"]
    assert "the fake was told to fail" not in done.stdout + done.stderr
    assert "hunter2" not in "".join(logs.values()) + done.stdout + done.stderr
