"""Lets the tests of this folder import its modules, and prints totals at the end."""

import sys
from collections import Counter
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
TALLY = Counter()


@pytest.fixture
def tally():
    """Counts over all tests: seeds, sessions, requests, faults."""
    return TALLY


def pytest_terminal_summary(terminalreporter):
    if TALLY:
        terminalreporter.write_line("chaos: " + ", ".join(f"{count} {name}" for name, count in TALLY.items()))
