"""Does a promised wait hold as often as promised, judged by the waits of late?"""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from generation.queue.calibration import Calibration

spans = st.floats(0, 10_000)


def test_forecasts_that_came_true_are_promised_as_they_are() -> None:
    calibration = Calibration([(float(seconds), float(seconds)) for seconds in range(40)])

    assert calibration.range(100) == (100, 100)


def test_waits_twice_as_long_as_foretold_widen_the_promise() -> None:
    calibration = Calibration([(90.0, 90.0)] * 80 + [(90.0, 190.0)] * 20)

    assert calibration.range(40) == (40, 90)


def test_too_few_waits_say_nothing_yet() -> None:
    calibration = Calibration([(0.0, 1000.0)] * 19)
    few = calibration.range(50)

    calibration.learn(0.0, 1000.0)

    assert few == (50, 110)
    assert calibration.range(50).p50_s > 1000


def test_what_happened_long_ago_is_forgotten() -> None:
    calibration = Calibration([(0.0, 1000.0)] * 500)
    for _ in range(150):
        calibration.learn(20.0, 20.0)

    assert calibration.range(60) == (60, 60)


@given(st.lists(st.tuples(spans, spans), max_size=200), spans)
def test_the_promise_is_never_shorter_than_what_is_likely_and_never_in_the_past(
    waits: list[tuple[float, float]], seconds: float
) -> None:
    promised = Calibration(waits).range(seconds)

    assert 0 <= promised.p50_s <= promised.p90_s


@pytest.mark.parametrize("spread", [0.1, 0.5, 1.0])
def test_a_promise_holds_in_about_nine_of_ten_cases(spread: float) -> None:
    chance = Random(20)
    calibration = Calibration()
    kept = 0
    for number in range(1200):
        foretold_s = chance.uniform(5, 500)
        waited_s = (foretold_s + 10) * chance.lognormvariate(0.2, spread) - 10
        kept += number >= 200 and waited_s <= calibration.range(foretold_s).p90_s
        calibration.learn(foretold_s, waited_s)

    assert 0.86 < kept / 1000 < 0.94
