"""What do the tests of the simulator share: fresh seeds at every run, and a report of what was measured?"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable

import pytest

from tests.conftest import MEASURED
from tests.simulator.bounds import Declared
from tests.simulator.gates import Verdict

SEED = "FAIRBRUSH_SEED"  # replays a run


@pytest.fixture(scope="session")
def seed(testrun_uid: str) -> int:
    """The seed of all worlds of this run; the same in all its processes."""
    drawn = hashlib.sha256(testrun_uid.encode()).hexdigest()
    return int(os.environ.get(SEED, int(drawn, 16) % 1_000_000))


@pytest.fixture(
    scope="module", params=[pytest.param(1, id="short"), pytest.param(8, id="long", marks=pytest.mark.slow)]
)
def size(request: pytest.FixtureRequest) -> int:
    """How many times as many worlds as in the default run."""
    size: int = request.param
    return size


@pytest.fixture(scope="session")
def declared() -> Declared:
    """What the shipped policy says of itself: W is 30 s, H is 60 s."""
    return Declared(window_s=30.0, longest_call_s=60.0)


@pytest.fixture
def judge(request: pytest.FixtureRequest, seed: int) -> Callable[[Verdict], None]:
    """Prints a verdict when all tests are over, and lets the test fail if it is against the policy."""

    def judge(verdict: Verdict) -> None:
        line = f"{verdict} ({SEED}={seed})"
        request.node.user_properties.append((MEASURED, line))
        assert verdict.holds, line

    return judge
