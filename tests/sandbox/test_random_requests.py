"""Random requests: the sandbox responds to every request, and never with a 5xx that the real server does not send."""

from __future__ import annotations

import os
import re
from urllib.parse import quote

import httpx
import pytest
from facts import BAD_YAML, FORM, IMAGE, NO_JOB, UTF8
from hypothesis import HealthCheck, Phase, event, given, settings
from hypothesis import strategies as st

EXAMPLES = 600 if os.environ.get("CI") else 150
NAMED = [
    BAD_YAML,
    NO_JOB,
    re.compile(r"unexpected exception: java\.lang\.IndexOutOfBoundsException: No group [1-9]"),
    re.compile(r"unexpected exception: java\.nio\.file\.NoSuchFileException: .*launch-desktop_app\.yaml"),
    re.compile(r"unexpected exception: java\.io\.IOException: failed to read input"),
]
METHODS = ["GET", "POST", "DELETE", "PUT", "HEAD", "OPTIONS", "PATCH", "TRACE", "LINK"]
WORDS = ["y", "-08", "$1", "${x}", '"', "\\", "\\\\x20", "a=b", "A", "NO", "-", "[", "'", "x" * 70, "\x85", "\u2028"]
NAMES = ["image", "name", "type", "cores", "ram", "gpus", "cmd", "args", "env", "ENV", "view", "action"]
VALUES = [IMAGE, "headless", "notebook", "desktop-app", "stats", "logs", "events", "all", "renew"]
SEGMENTS = ["session", "app", "image", "context", "abcd1234", "", ".", "..", "a!"]
KINDS = [UTF8, UTF8, FORM, "multipart/form-data; boundary=B", "multipart/form-data", "text/plain", ""]
BODIES = [b"--B\r\n\r\n", b"--B\r\n\r\n\r\n--B--", b"--B--", b"%zz=%", b"=&=&&"]
TOKENS = ["good"] * 5 + ["Bearer nobody", "Bearer token-denied", "Bearer token-expired", "Bearer", "Basic x", ""]


def encoded(drawn):
    return "&".join(f"{_quoted(name)}={_quoted(value)}" for name, value in drawn).encode()


def _quoted(text):
    return quote(text, safe="", errors="surrogatepass")


texts = st.text(max_size=6) | st.lists(st.sampled_from(WORDS), max_size=4).map("".join)
parts = st.lists(st.sampled_from(SEGMENTS) | texts, max_size=4)
paths = (
    st.just(["v1", "session"]) | st.just(["v1", "session"]) | parts.map(lambda below: ["v1", "session", *below]) | parts
)
values = texts | st.sampled_from(VALUES) | st.integers(-1, 200).map(str)
pairs = st.lists(st.tuples(st.sampled_from(NAMES) | texts, values), max_size=5)
good = pairs.map(lambda drawn: encoded([("image", IMAGE), ("name", "a"), *drawn]))
requests = st.fixed_dictionaries(
    {
        "method": st.sampled_from(["POST"] * 9 + METHODS),
        "path": paths,
        "query": pairs,
        "body": good | pairs.map(encoded) | st.sampled_from(BODIES) | st.binary(max_size=30),
        "kind": st.sampled_from(KINDS),
        "token": st.sampled_from(TOKENS),
    }
)


@pytest.fixture
def idle(sandbox):
    """A sandbox in which one long session takes the only slot, so that no other session starts; and a client."""
    sandbox.settings(slots=1)
    assert sandbox.create(name="blocker", cmd="sleep", args="600").status_code == 200
    with httpx.Client(base_url=sandbox.origin, trust_env=False, timeout=60) as http:
        yield sandbox, http


@given(requests)
@settings(
    deadline=None,
    max_examples=EXAMPLES,
    phases=[Phase.explicit, Phase.reuse, Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_no_request_ends_in_an_unnamed_failure(idle, drawn):
    sandbox, http = idle
    token = f"Bearer {sandbox.token}" if drawn["token"] == "good" else drawn["token"]
    headers = {name: value for name, value in (("Authorization", token), ("Content-Type", drawn["kind"])) if value}
    url = f"/skaha/{'/'.join(map(_quoted, drawn['path']))}?{encoded(drawn['query']).decode()}"
    reply = http.request(drawn["method"], url, content=drawn["body"], headers=headers)
    text = reply.content.decode("utf-8", "replace")
    event(f"{reply.status_code} {text[:60] if reply.status_code >= 500 else ''}")
    assert "Traceback" not in text
    if reply.status_code == 501:
        assert drawn["method"] in ("PATCH", "LINK")
    elif reply.status_code >= 500:
        assert drawn["method"] == "POST"
        assert [pattern for pattern in NAMED if pattern.fullmatch(text)], (reply.status_code, text)
