"""How does the one parser read what people type?"""

from __future__ import annotations

import contextlib
import shlex
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.chat import Call, CommandError, View
from bot.command import Argument, Flag, collect, command
from bot.spelling import as_line
from bot.values import job_number, number, ratio, size, whole_number


class Easel:
    """A group whose commands answer with what the parser gave them."""

    @command("draw", "Draw.")
    async def draw(
        self,
        call: Call,
        prompt: Annotated[str, Argument("PROMPT", "a cat")],
        *,
        seed: Annotated[int | None, Flag("seed", "N", "the seed", whole_number)] = None,
        cfg: Annotated[float | None, Flag("cfg", "X", "the guidance", number)] = None,
        ar: Annotated[tuple[int, int] | None, Flag("ar", "W:H", "the ratio", ratio)] = None,
        size: Annotated[tuple[int, int] | None, Flag("size", "WxH", "the size", size)] = None,
        no: Annotated[str | None, Flag("no", "WORDS", "what to leave out", takes_words=True)] = None,
    ) -> View:
        given = {"prompt": prompt, "seed": seed, "cfg": cfg, "ar": ar, "size": size, "no": no}
        return View(text=repr({name: value for name, value in given.items() if value is not None}))

    @command("look", "Look.")
    async def look(self, call: Call, job_id: Annotated[int, Argument("ID", "12", job_number)]) -> View:
        return View(text=repr(job_id))

    @command("hang", "Hang.")
    async def hang(
        self,
        call: Call,
        job_id: Annotated[int, Argument("ID", "12", job_number)],
        wall: Annotated[str, Argument("WALL", "the north wall")] = "any wall",
        *,
        cfg: Annotated[float | None, Flag("cfg", "X", "the guidance", number)] = None,
    ) -> View:
        return View(text=repr((job_id, wall, cfg)))

    @command("wipe", "Wipe.")
    async def wipe(self, call: Call) -> View:
        return View(text="wiped")


COMMANDS = {found.name: found for found in collect(Easel())}


async def run(name: str, typed: str, call: Call) -> object:
    answer = await COMMANDS[name].run(call, typed)
    assert isinstance(answer, View)
    return eval(answer.text)  # the repr that this file's own group wrote


async def refusal(name: str, typed: str, call: Call) -> str:
    with pytest.raises(CommandError) as caught:
        await COMMANDS[name].run(call, typed)
    return str(caught.value)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("a red circle", {"prompt": "a red circle"}),
        ("a red circle --seed 7", {"prompt": "a red circle", "seed": 7}),
        ("--seed 7 a red circle", {"prompt": "a red circle", "seed": 7}),
        ("a red --seed 7 circle", {"prompt": "a red circle", "seed": 7}),
        ("a red circle --seed=7 --cfg 2,5", {"prompt": "a red circle", "seed": 7, "cfg": 2.5}),
        ("a red circle --SEED 7", {"prompt": "a red circle", "seed": 7}),
        ('"a red circle" --seed 7', {"prompt": "a red circle", "seed": 7}),
        ("“a red circle” --seed 7", {"prompt": "a red circle", "seed": 7}),
        ("a red circle —seed 7", {"prompt": "a red circle", "seed": 7}),
        ("a red circle –seed 7", {"prompt": "a red circle", "seed": 7}),
        ("a circle --ar 4:3", {"prompt": "a circle", "ar": (4, 3)}),
        ("a circle --size 256×192", {"prompt": "a circle", "size": (256, 192)}),
        ("a circle --no red, blue --seed 7", {"prompt": "a circle", "no": "red, blue", "seed": 7}),
        ('--no "red blue" a circle', {"prompt": "a circle", "no": "red blue"}),
    ],
)
async def test_flags_stand_before_behind_or_within_the_text(typed: str, expected: object, call: Call) -> None:
    assert await run("draw", typed, call) == expected


@pytest.mark.parametrize(
    "prompt",
    [
        "a cat — asleep",
        "a well—known cat",
        "a —mysterious cat",
        "black -- and white",
        'a sign that says "hello"',
        "a 5\" ruler beside a 7' pole",
        "it's a dog's life",
        "first line\nsecond line\n\nfourth line",
        "🎨 une pomme rouge 🍎",
        "دائرة حمراء على خلفية زرقاء",
        "עיגול אדום",
        "minus -5 degrees",
        "100% cotton; DROP TABLE job; $(reboot)",
    ],
)
async def test_whatever_else_is_typed_is_the_prompt_as_it_stands(prompt: str, call: Call) -> None:
    assert await run("draw", f"{prompt} --seed 7", call) == {"prompt": prompt, "seed": 7}


async def test_a_prompt_of_2000_characters_arrives_whole(call: Call) -> None:
    prompt = ("a tall blue tower and " * 100)[:2000].rstrip("d ") + "z"

    assert await run("draw", f"--seed 7 {prompt}", call) == {"prompt": prompt, "seed": 7}


async def test_a_flag_in_quotes_is_text(call: Call) -> None:
    assert await run("draw", 'a sign that says "use --seed 5 here"', call) == {
        "prompt": 'a sign that says "use --seed 5 here"'
    }


async def test_a_negative_number_is_a_value_not_a_flag(call: Call) -> None:
    assert await run("draw", "a circle --seed -5", call) == {"prompt": "a circle", "seed": -5}


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("a circle --sed 7", ["--sed", "Did you mean --seed?", "--seed, --cfg, --ar, --size, --no"]),
        ("a circle —sed 7", ["--sed", "Did you mean --seed?"]),
        ("a circle --bright", ["--bright", "--seed, --cfg, --ar, --size, --no"]),
        ("a circle --seed seven", ['--seed "seven"', "whole number"]),
        ("a circle --seed 1.5", ['--seed "1.5"', "whole number"]),
        ("a circle --cfg nan", ['--cfg "nan"', "number"]),
        ("a circle --ar wide", ['--ar "wide"', "W:H"]),
        ("a circle --ar 0:3", ['--ar "0:3"', "W:H"]),
        ("a circle --size big", ['--size "big"', "WxH"]),
        ("a circle --seed", ["--seed needs a value", "--seed N"]),
        ("a circle --seed --cfg 3", ["--seed needs a value", "--seed N"]),
        ("a circle --seed 7 --seed 8", ["--seed is given twice"]),
        ("--seed 7", ["/draw needs PROMPT, such as: /draw a cat"]),
        ("", ["/draw needs PROMPT"]),
        ("--no red circle", ["/draw needs PROMPT", "--no took all the words", "quotes"]),
    ],
)
async def test_a_refusal_names_the_flag_the_value_and_what_is_allowed(typed: str, words: list[str], call: Call) -> None:
    text = await refusal("draw", typed, call)

    assert all(word in text for word in words), text


async def test_a_number_may_have_the_sign_that_lists_show_it_with(call: Call) -> None:
    assert await run("look", "#12", call) == 12


@pytest.mark.parametrize("typed", ["twelve", "1 2", "-1", "١٢x", "9" * 30])
async def test_what_is_no_job_number_is_told_so(typed: str, call: Call) -> None:
    assert "is not a job number" in await refusal("look", typed, call)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("12", (12, "any wall", None)),
        ("12 north", (12, "north", None)),
        ("12   the north  wall", (12, "the north  wall", None)),
        ("12\nthe north wall", (12, "the north wall", None)),
        ("--cfg 2 12 the north wall", (12, "the north wall", 2.0)),
        ("12 --cfg 2 the north wall", (12, "the north wall", 2.0)),
    ],
)
async def test_of_two_texts_the_first_takes_one_word_and_the_last_the_rest(
    typed: str, expected: object, call: Call
) -> None:
    assert await run("hang", typed, call) == expected


async def test_a_text_that_must_be_there_is_missed_beside_one_that_need_not(call: Call) -> None:
    assert await refusal("hang", "--cfg 2", call) == "/hang needs ID, such as: /hang 12"


async def test_a_command_without_text_refuses_text(call: Call) -> None:
    assert '"the board"' in await refusal("wipe", "the board", call)


def test_usage_marks_what_may_be_left_out() -> None:
    assert {name: found.usage for name, found in COMMANDS.items()} == {
        "draw": "/draw PROMPT",
        "look": "/look ID",
        "hang": "/hang ID [WALL]",
        "wipe": "/wipe",
    }


@pytest.mark.parametrize(
    ("shell", "expected"),
    [
        ("draw a red circle --seed 7", {"prompt": "a red circle", "seed": 7}),
        ("draw 'a red circle' --seed=7", {"prompt": "a red circle", "seed": 7}),
        ("draw --no 'red blue' 'a circle'", {"prompt": "a circle", "no": "red blue"}),
        ("draw --no red 'a circle'", {"prompt": "a circle", "no": "red"}),
        ("draw 'a sign with --seed 5 on it' --seed 7", {"prompt": "a sign with --seed 5 on it", "seed": 7}),
        ("draw 'two\nlines'", {"prompt": "two\nlines"}),
    ],
)
async def test_the_shells_words_are_read_as_the_shell_parted_them(shell: str, expected: object, call: Call) -> None:
    name, *words = shlex.split(shell)

    line = as_line(name, words)

    assert await run("draw", line.removeprefix("/draw"), call) == expected


LETTERS = st.characters(exclude_categories=["C", "Zl", "Zp"], exclude_characters="-—–―\"“”'")


@given(st.text(alphabet=LETTERS, min_size=1))
def test_any_text_without_dashes_and_quotes_is_kept(text: str) -> None:
    if not text.strip():
        return

    assert COMMANDS["draw"].read(f"{text} --seed 7") == {"prompt": text.strip(), "seed": 7}


@given(st.text(max_size=60))
def test_no_text_breaks_the_parser(text: str) -> None:
    with contextlib.suppress(CommandError):
        assert "prompt" in COMMANDS["draw"].read(text)
