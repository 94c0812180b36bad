"""How far may a forecast be trusted: judged by the latest waits, what holds in half of the cases and in nine of ten?

A dry run knows no future arrivals, so what it says is often too little. Each wait that ended tells by how much; ten
seconds on either side keep the short ones from deciding. Pure.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

MEMORY = 150  # waits
FEWEST = 20  # of them, before they are believed
FIRST_FACTORS = (1.0, 2.0)  # until then: in simulations the range was up to twice as wide as the forecast
CUSHION_S = 10.0


class Range(NamedTuple):
    """Seconds that suffice in half of the cases, and in nine of ten."""

    p50_s: float
    p90_s: float


class Calibration:
    """The latest waits, as (foretold, waited) in seconds, the newest last."""

    def __init__(self, waits: Iterable[tuple[float, float]] = ()) -> None:
        self._factors = deque((_factor(foretold_s, waited_s) for foretold_s, waited_s in waits), maxlen=MEMORY)

    def learn(self, foretold_s: float, waited_s: float) -> None:
        """Take in how a forecast came out."""
        self._factors.append(_factor(foretold_s, waited_s))

    def range(self, seconds: float) -> Range:
        """Widen a forecast to what can be promised."""
        low, high = FIRST_FACTORS
        if len(self._factors) >= FEWEST:
            factors = sorted(self._factors)
            low, high = _quantile(factors, 0.5), _quantile(factors, 0.9)
        return Range(*(max(0.0, (seconds + CUSHION_S) * factor - CUSHION_S) for factor in (low, high)))


def _factor(foretold_s: float, waited_s: float) -> float:
    return (waited_s + CUSHION_S) / (foretold_s + CUSHION_S)


def _quantile(factors: list[float], share: float) -> float:
    """Give the least factor that holds for the next wait with this probability, if it is like the others."""
    return factors[min(len(factors), math.ceil(share * (len(factors) + 1))) - 1]
