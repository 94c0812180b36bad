"""How does somebody press a button who can only type?"""

from __future__ import annotations

import re
from pathlib import Path

from generation import read_metadata
from tests.bot.program import fairbrush
from tests.bot.test_terminal import CTRL_D, ENTER, TAB, terminal


def answers(output: str) -> list[str]:
    """Part what a script reads into messages."""
    return output.strip().split("\n\n")


def test_a_script_reads_under_each_message_what_it_can_press(tmp_path: Path) -> None:
    output = fairbrush(tmp_path, "chat", typed="/imagine a cat --seed 7\n").stdout

    queued, done = answers(output)
    assert queued.splitlines()[-1] == "/press cancel:1 Cancel | why:1 Why?"
    assert done.splitlines()[-1].startswith("/press vary:1:0 V1 | ")
    assert "delete:1 🗑️" in done


def test_a_script_presses_fills_forms_in_and_is_told_what_went_wrong(tmp_path: Path) -> None:
    lines = [
        "/imagine a cat --seed 7",
        "/wait",
        "/press again:1",
        "/wait",
        "/press same:1",
        "/press same:1 a dog --seed 7",
        "/wait",
        "/PRESS   info:3",
        "/press",
        "/press again",
        "/press dance:1",
        "/press again:99",
        "/pres again:1",
        "/press delete:1",
        "/show 1",
    ]

    said = answers(fairbrush(tmp_path, "chat", typed="\n".join(lines)).stdout)

    form, info = said[4], said[7]
    assert [text.split(" ")[:3] for text in said[:4]] == [
        ["Job", "1", "queued,"],
        ["Job", "1", "done"],
        ["Job", "2", "queued,"],
        ["Job", "2", "done"],
    ]
    assert form == (
        "Same seed, with edits: job 1. Change what stands here and type it:\n"
        "/press same:1 a cat --model flat --steps 4 --cfg 3 --size 64x64 --seed 7"
    )
    assert info.startswith("Job 3: done\na dog\nflat · seed 7")
    needed = "/press needs a button, as they are listed under messages, such as: /press again:12"
    assert said[8:] == [
        needed,
        needed,
        "This button is not known any more.",
        "There is no job 99 here; /history lists yours.",
        "There is no command /pres. Did you mean /press? /help lists them all.",
        "Job 1 is deleted.",
        "There is no job 1 here; /history lists yours.",
    ]


def test_a_form_of_several_lines_is_one_that_can_be_typed(tmp_path: Path) -> None:
    lines = ["/imagine a cat --no dogs,  birds", "/wait", "/press edit:1"]
    form = answers(fairbrush(tmp_path, "chat", typed="\n".join(lines)).stdout)[-1].splitlines()[1]

    said = answers(fairbrush(tmp_path, "chat", typed=form).stdout)

    assert said[-1].startswith("Job 2 done")


def test_help_explains_how_to_press(tmp_path: Path) -> None:
    listed, one = answers(fairbrush(tmp_path, "chat", typed="/help\n/help press\n").stdout)

    assert "/press BUTTON [TEXT]" in listed
    assert one.startswith("/press BUTTON [TEXT]\nPress a button")


def test_one_picture_from_the_command_line_offers_nothing_to_press(tmp_path: Path) -> None:
    assert "/press" not in fairbrush(tmp_path, "imagine", "a cat").stdout


def test_in_a_terminal_a_form_stands_on_the_line_to_be_changed(tmp_path: Path) -> None:
    with terminal(tmp_path, "chat") as program:
        program.until("/help")
        program.type(f"/imagine a cat --seed 7{ENTER}")
        program.until("/press vary:1:0 V1")
        program.until("leaves")
        program.type("/pre")
        program.until("/press ")
        program.type(f"{TAB} same:1{ENTER}")
        program.until("change the line below and press Enter")
        program.until("--seed 7")
        program.type(f"0 --count 2{ENTER}")
        program.until("Job 2 done")
        program.until("2 pictures")
        program.until("delete:2")
        program.until("leaves")
        program.type(CTRL_D)
        assert program.end() == 0

    pictures = {Path(path) for path in re.findall(r"\S+\.png", program.output)}
    assert sorted(read_metadata(picture).seed for picture in pictures) == [7, 70, 71]
