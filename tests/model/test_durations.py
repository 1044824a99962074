"""The schema of a manifest accepts the durations that the parser accepts, and no others."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.model.durations import MAX_DURATION, DurationError, format_exact, json_pattern, parse_duration

PATTERN = re.compile(json_pattern())
SECONDS = {"d": 86400, "h": 3600, "m": 60, "s": 1, "": 1}


def is_accepted(text):
    try:
        parse_duration(text)
    except DurationError:
        return False
    return True


@pytest.mark.parametrize("unit", SECONDS)
@pytest.mark.parametrize("change", [-1, 0, 1])
def test_the_limit_is_999_days_in_each_unit(unit, change):
    text = f"{MAX_DURATION // SECONDS[unit] + change}{unit}"
    assert is_accepted(text) is bool(PATTERN.match(text)) is (change <= 0)


@given(st.from_regex(r"\A[0-9]{0,9}(\.[0-9]{0,3})?[smhdw]?\Z"))
def test_the_schema_and_the_parser_agree(text):
    assert is_accepted(text) is bool(PATTERN.match(text))


@given(st.integers(1, MAX_DURATION) | st.floats(0.001, 1e6))
def test_a_written_duration_is_read_back(seconds):
    assert parse_duration(format_exact(seconds)) == pytest.approx(seconds, rel=1e-12)
