"""The table of what answers mean, and the delays, as pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.skaha.transport.retry import Answer, Effect, Lost, Verdict, delay, judge, retry_after

HTML = b"<html>Service Unavailable</html>"


@pytest.mark.parametrize(
    ("status", "body", "verdicts"),
    [
        (200, b"", "answered answered answered answered"),
        (200, HTML, "answered unsure unsure unsure"),
        (302, b"", "answered unsure unsure unsure"),
        (307, b"", "answered answered answered answered"),
        (400, b"no", "answered answered unsure answered"),
        (400, b"No active job for user me with session x", "answered answered answered answered"),
        (400, b'For input string: "connect"', "answered answered unsure answered"),
        (401, b"", "denied denied denied denied"),
        (403, b"", "answered answered answered answered"),
        (404, b"", "foreign answered answered answered"),
        (408, b"", "unsure unsure unsure unsure"),
        (429, b"", "busy busy busy busy"),
        (500, b"", "unsure unsure unsure unsure"),
        (502, b"", "busy unsure unsure unsure"),
        (503, HTML, "busy unsure unsure unsure"),
        (503, b"temporarily unavailable: /session", "busy busy busy busy"),
        (504, b"", "busy unsure unsure unsure"),
    ],
)
def test_what_a_status_means(status, body, verdicts):
    """The verdicts for a read, a delete, a renewal and a create."""
    answer = Answer(status, {}, body)
    assert [judge(effect, answer).value for effect in Effect] == verdicts.split()


@given(
    st.one_of(
        st.builds(
            Answer,
            st.integers(100, 599),
            st.dictionaries(st.sampled_from(["content-type", "retry-after"]), st.text()),
            st.binary(max_size=50),
        ),
        st.builds(Lost, st.booleans(), st.text(), st.booleans()),
    )
)
def test_a_create_that_may_have_happened_never_counts_as_refused(result):
    verdict = judge(Effect.ANOTHER, result)
    if isinstance(result, Lost) and result.sent and not result.hopeless:
        assert verdict is Verdict.UNSURE
    if isinstance(result, Answer) and result.status >= 500 and result.status != 503:
        assert verdict is Verdict.UNSURE


@given(st.integers(1, 10_000), st.floats(0, 0.999999), st.one_of(st.none(), st.floats(0, 1e6)))
def test_a_delay_is_at_least_what_is_asked_and_otherwise_at_most_30_s(attempt, draw, asked):
    waited = delay(attempt, draw, asked)
    assert waited >= (asked or 0)
    assert waited <= max(30, (asked or 0) + 1)


def test_delays_double_to_the_cap():
    assert [delay(attempt, 1.0) for attempt in (1, 2, 3, 6, 7, 8, 99)] == [0.5, 1, 2, 16, 30, 30, 30]


def test_a_short_retry_after_bounds_the_doubling():
    assert [delay(attempt, 1.0, 1.0) for attempt in (1, 2, 3, 4, 99)] == [1.1, 1.1, 2, 4, 4]
    assert [delay(attempt, 1.0, 0.0) for attempt in (1, 3, 99)] == [0.5, 2, 2]
    assert delay(99, 1.0, 30.0) == 31


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30", 30),
        (" 0 ", 0),
        ("Thu, 01 Jan 2026 00:01:00 GMT", 60),
        ("Thu, 01 Jan 2025 00:01:00 GMT", 0),
        ("", None),
        ("-3", None),
        ("soon", None),
        ("²", None),
        ("Xyz, 99 Jan 2026", None),
        ("9" * 400, 999_999_999),
    ],
)
def test_retry_after(text, seconds):
    assert retry_after(Answer(503, {"retry-after": text}, b""), 1767225600.0) == seconds
