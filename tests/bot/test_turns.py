"""Is the time until a job starts said roughly, in words, and without promising too little?"""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.turns import Turn, about, between
from bot.wording import standing

UNITS = {"s": 1, "min": 60, "h": 3600}


def turn(runs_before: int | None, likely_s: float, latest_s: float, *, is_beyond: bool = False) -> Turn:
    return Turn(runs_before=runs_before, likely_s=likely_s, latest_s=latest_s, is_beyond=is_beyond)


@pytest.mark.parametrize(
    ("likely_s", "latest_s", "words"),
    [
        (0, 4, "a few seconds"),
        (1, 12, "at most 20 s"),
        (42, 61, "40 to 70 s"),
        (40, 40, "about 40 s"),
        (52, 121, "50 s to 3 min"),
        (240, 330, "4 to 6 min"),
        (3000, 3100, "50 to 55 min"),
        (3000, 9000, "50 min to 2.5 h"),
        (7000, 12000, "2 to 3.5 h"),
    ],
)
def test_a_range_is_said_as_people_would(likely_s: float, latest_s: float, words: str) -> None:
    assert between(likely_s, latest_s) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(2, "a few seconds"), (7, "about 10 s"), (94, "about 90 s"), (96, "about 2 min"), (7300, "about 2 h")],
)
def test_a_span_is_said_as_people_would(seconds: float, words: str) -> None:
    assert about(seconds) == words


@given(st.floats(min_value=0, max_value=1e6), st.floats(min_value=1, max_value=4))
def test_the_end_of_a_range_is_never_said_shorter_than_it_is(likely_s: float, factor: float) -> None:
    words = between(likely_s, likely_s * factor)

    if words != "a few seconds":
        number, unit = re.findall(r"([\d.]+) (s|min|h)$", words)[0]
        assert float(number) * UNITS[unit] >= likely_s * factor * 0.999999


@given(st.floats(min_value=5, max_value=1e6), st.floats(min_value=1, max_value=4))
def test_a_range_never_begins_after_its_end(likely_s: float, factor: float) -> None:
    words = between(likely_s, likely_s * factor)

    if found := re.fullmatch(r"([\d.]+)(?: (s|min))? to ([\d.]+) (s|min|h)", words):
        begin, its_unit, end, unit = found.groups()
        assert float(begin) * UNITS[its_unit or unit] < float(end) * UNITS[unit], words


@pytest.mark.parametrize(
    ("told", "words"),
    [
        (turn(0, 0, 10), "next in line"),
        (turn(1, 42, 61), "1 run before yours, starts in 40 to 70 s"),
        (turn(12, 240, 330), "12 runs before yours, starts in 4 to 6 min"),
        (turn(None, 41, 90), "starts in about 40 s"),
        (turn(500, 7300, 9000, is_beyond=True), "more than 500 runs before yours, starts in more than about 2 h"),
    ],
)
def test_the_place_is_said_with_what_is_known_of_the_time(told: Turn, words: str) -> None:
    assert standing(told, "yours") == words


@pytest.mark.parametrize("now", [turn(2, 45, 78), turn(2, 30, 60)])
def test_a_change_of_a_few_seconds_is_not_worth_saying(now: Turn) -> None:
    assert turn(2, 40, 70).is_like(now)


@pytest.mark.parametrize("now", [turn(1, 40, 70), turn(2, 20, 70), turn(2, 40, 95), turn(None, 40, 70)])
def test_another_place_or_a_clearly_different_time_is_worth_saying(now: Turn) -> None:
    assert not turn(2, 40, 70).is_like(now)


def test_of_a_long_wait_a_fifth_is_a_few_seconds() -> None:
    assert turn(90, 3000, 4000).is_like(turn(90, 2500, 3300))
    assert not turn(90, 3000, 4000).is_like(turn(90, 2300, 3300))


@pytest.mark.parametrize(
    ("told", "is_wide"),
    [
        (turn(2, 40, 70), False),
        (turn(2, 40, 100), True),
        (turn(1, 1, 9), False),
        (turn(0, 0, 60), False),
        (turn(None, 40, 100), False),
        (turn(500, 7300, 7300, is_beyond=True), True),
    ],
)
def test_who_has_runs_before_them_that_may_become_many_more_is_told_so(told: Turn, *, is_wide: bool) -> None:
    assert told.is_wide is is_wide
