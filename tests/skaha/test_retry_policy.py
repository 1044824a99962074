"""The table of the meanings of responses, and the delays, as pure functions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.skaha.transport.retry import (
    Effect,
    NoResponse,
    ReplyKind,
    Response,
    classify_reply,
    delay,
    retry_after,
)

HTML = b"<html>Service Unavailable</html>"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, b"", "final final final final"),
        (200, HTML, "final unconfirmed unconfirmed unconfirmed"),
        (302, b"", "final unconfirmed unconfirmed unconfirmed"),
        (307, b"", "final final final final"),
        (400, b"no", "final final unconfirmed final"),
        (400, b"No active job for user me with session x", "final final final final"),
        (400, b'For input string: "connect"', "final final unconfirmed final"),
        (401, b"", "denied denied denied denied"),
        (403, b"", "final final final final"),
        (404, b"", "not-Skaha final final final"),
        (408, b"", "unconfirmed unconfirmed unconfirmed unconfirmed"),
        (429, b"", "busy busy busy busy"),
        (500, b"", "unconfirmed unconfirmed unconfirmed unconfirmed"),
        (502, b"", "busy unconfirmed unconfirmed unconfirmed"),
        (503, HTML, "busy unconfirmed unconfirmed unconfirmed"),
        (503, b"temporarily unavailable: /session", "busy busy busy busy"),
        (504, b"", "busy unconfirmed unconfirmed unconfirmed"),
    ],
)
def test_what_a_status_means(status, body, expected):
    """The meanings for a read, a delete, a renewal and a create."""
    response = Response(status, {}, body)
    assert [classify_reply(effect, response).value.replace(" ", "-") for effect in Effect] == expected.split()


@given(
    st.one_of(
        st.builds(
            Response,
            st.integers(100, 599),
            st.dictionaries(st.sampled_from(["content-type", "retry-after"]), st.text()),
            st.binary(max_size=50),
        ),
        st.builds(NoResponse, st.booleans(), st.text(), st.booleans()),
    )
)
def test_a_create_that_may_have_happened_never_counts_as_refused(result):
    found = classify_reply(Effect.ANOTHER, result)
    if isinstance(result, NoResponse) and result.sent and result.can_retry:
        assert found is ReplyKind.UNCONFIRMED
    if isinstance(result, Response) and result.status >= 500 and result.status != 503:
        assert found is ReplyKind.UNCONFIRMED


@given(st.integers(1, 10_000), st.floats(0, 0.999999), st.one_of(st.none(), st.floats(0, 1e6)))
def test_a_delay_is_at_least_what_is_asked_and_otherwise_at_most_30_s(attempt, draw, asked):
    waited = delay(attempt, draw, asked)
    assert waited >= (asked or 0)
    assert waited <= max(30, (asked or 0) + 1)


def test_each_delay_is_twice_the_last_one_up_to_the_longest():
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
    assert retry_after(Response(503, {"retry-after": text}, b""), 1767225600.0) == seconds
