"""The campaign's counts, printed at its end: `pytest -m campaign -n 0`."""

from __future__ import annotations

from collections import Counter

import pytest

COUNTS: Counter[str] = Counter()


@pytest.fixture
def count() -> Counter[str]:
    """What was tried and what came of it, over the whole campaign."""
    return COUNTS


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if COUNTS:
        terminalreporter.section("campaign")
        for what, number in COUNTS.items():
            terminalreporter.write_line(f"{number:6,} {what}")
