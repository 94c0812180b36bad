"""What does somebody see who types into a real terminal?"""

from __future__ import annotations

from pathlib import Path

from tests.bot.program import Program, fairbrush

ENTER, CTRL_C, CTRL_D, TAB = "\r", "\x03", "\x04", "\t"
# A terminal is sent only what has changed, so that tests wait for signs that stand for themselves.
BAR, HALF_BLOCK = "━", "▀"


def held(directory: Path) -> Path:
    """Switch that holds each picture at its first step while it is there."""
    switch = directory / "switches" / "hold"
    switch.parent.mkdir(exist_ok=True)
    switch.touch()
    return switch


def terminal(directory: Path, *arguments: str, **settings: str) -> Program:
    return Program(directory, *arguments, is_terminal=True, **settings)


def test_a_job_shows_its_progress_then_its_picture_and_its_path(tmp_path: Path) -> None:
    hold = held(tmp_path)
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type(f"/imagine a red circle --seed 7{ENTER}")
        program.until(BAR)
        program.until(HALF_BLOCK)  # the preview
        hold.unlink()
        program.until("done in")
        program.until("a red circle")
        program.until(HALF_BLOCK)
        program.until(str(tmp_path / "data" / "pictures"))
        program.until(".png")
        program.until("leaves")
        program.type(f"/quit{ENTER}")

        assert program.end() == 0
    assert "not over" not in program.output


def test_commands_flags_and_models_are_completed(tmp_path: Path) -> None:
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type("/imag")
        program.until("/imagine ")
        program.type(f"{TAB} a cat --co")
        program.until("--count ")
        program.type(f"{TAB} 2 --model flatt")
        program.until("flatter")
        program.type(f"{TAB}{ENTER}")
        program.until("done in")
        program.until("a cat")
        program.until("flatter · seed")
        program.until("2 pictures")


def test_answers_appear_while_a_job_runs(tmp_path: Path) -> None:
    held(tmp_path)
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type(f"/imagine a slow cat{ENTER}")
        program.until(BAR)
        program.type(f"/queue{ENTER}")
        program.until("Running: job 1 (a slow cat)")
        program.type(f"/cancel{ENTER}")
        program.until("Job 1 cancelled.")


def test_ctrl_c_and_ctrl_d_leave_at_once_and_say_what_becomes_of_the_jobs(tmp_path: Path) -> None:
    held(tmp_path)
    for key in (CTRL_D, CTRL_C):
        with terminal(tmp_path, "chat") as program:
            program.until("/help")
            if key == CTRL_D:
                program.type(f"/imagine a slow cat{ENTER}")
            program.until(BAR)
            program.type(key)

            assert program.end() == 0
        assert "Job 1 is not over, and will go on at the next start." in program.output


def test_what_was_typed_is_remembered(tmp_path: Path) -> None:
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type(f"/admin status{ENTER}")
        program.until("Loaded: no model")
        program.until("leaves")
        program.type(CTRL_D)
        program.end()
    up = "\x1b[A"
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type(up)
        program.until("/admin status")


def test_a_terminal_without_colours_gets_the_path_alone(tmp_path: Path) -> None:
    with terminal(tmp_path, "imagine", "a cat", TERM="dumb", COLORTERM="") as program:
        assert program.end() == 0
    assert HALF_BLOCK not in program.output
    assert program.output.strip().endswith(".png")


def test_imagine_shows_a_bar_and_ctrl_c_gives_the_picture_up(tmp_path: Path) -> None:
    held(tmp_path)
    with terminal(tmp_path, "imagine", "a cat") as program:
        program.until("Job 1: step 1 of 4")
        program.until(BAR)
        program.type(CTRL_C)
        program.until("Job 1 cancelled.")

        assert program.end() == 130
    assert "(cancelled)" in fairbrush(tmp_path, "chat", typed="/history\n").stdout
