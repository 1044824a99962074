"""The server's time comes from `Date` headers, and a slow response does not set it back."""

from __future__ import annotations

from email.utils import formatdate

import pytest

from skaha_apply.skaha.transport.clock import ServerTime


class Wall:
    """A wall clock that is set by hand."""

    def __init__(self, now):
        self.time = now

    def now(self):
        return self.time


@pytest.mark.parametrize(
    ("told", "took", "known"),
    [
        (1_000_000, 0.0, 1_000_000),
        (1_000_001, 0.1, 1_000_000),
        (999_941, 60.0, 1_000_000),
        (1_000_300, 60.0, 1_000_300.5),
        (999_700, 0.0, 999_700.5),
    ],
    ids=["equal", "rounded", "written long before it came", "ahead", "behind"],
)
def test_date_header_shifts_the_clock_only_beyond_the_time_of_its_response(told, took, known):
    time = ServerTime(Wall(1_000_000.0))
    time.record(formatdate(told, usegmt=True), took)
    assert time.now() == known
