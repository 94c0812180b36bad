"""What holds for all tests."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.standins.authority import authority_file
from tests.standins.specs import DISCORD_SPEC, TELEGRAM_SPEC
from tests.standins.violations import check_all

# Read by torch's OpenMP when it is loaded: threads that wait for each other by spinning take a hundred times as long on
# a machine that does something else as well. The worker process sets it for itself.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

MEASURED = "measured"  # the property of a test's report that holds a line to print in the end

# aiohttp makes its TLS context when it is imported, so the stand-ins' authority has to be named before that.
os.environ["SSL_CERT_FILE"] = str(authority_file())


def pytest_report_header() -> list[str]:
    """Says once what cannot be checked here."""
    absent = [spec.name for spec in (DISCORD_SPEC, TELEGRAM_SPEC) if not spec.exists()]
    return [f"no schema check: {', '.join(absent)} is not here"] if absent else []


@pytest.fixture(autouse=True)
def no_rule_of_a_platform_was_broken() -> Iterator[None]:
    """Fails the test that sent what a platform's schema or rules forbid, however long the stand-in lives."""
    yield
    check_all()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the soaks, the longest of all files: at the end, the other workers would wait for them."""
    items.sort(key=lambda item: "tests/soak/" not in item.path.as_posix())


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what tests have measured, whether they passed or not; it comes with their reports, from any process."""
    reports = [report for outcome in ("passed", "failed") for report in terminalreporter.stats.get(outcome, [])]
    for report in reports:
        for name, line in report.user_properties:
            if name == MEASURED:
                terminalreporter.write_line(line)
