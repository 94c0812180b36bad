"""By which numbers does the fair queue weigh fairness against what model switches and small calls would lose?"""

from __future__ import annotations

from dataclasses import dataclass

LIGHTEST, HEAVIEST = 0.5, 4.0  # weights: more would be strict priority, under which no bound and no forecast holds


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The parameters, in seconds of GPU time except `staleness`, which counts model loadings.

    The defaults are those of the queue's simulations: throughput changes by less than 3 points for windows from 15 to
    60 s and a staleness from 2 to 8.
    """

    window_s: float = 30.0
    staleness: float = 4.0
    longest_dispatch_s: float = 60.0
    interactive_s: float = 60.0
    boost_s_per_hour: float = 600.0
