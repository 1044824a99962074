"""Servers on a bad day: one clear message, the documented exit code, and nothing changed anywhere."""

from __future__ import annotations

import base64
import json
import socket
import time
from http.server import BaseHTTPRequestHandler

import pytest

SLEEP = {"name": "reduce", "replicas": 2, "cmd": "sleep", "args": ["600"]}
COMMANDS = (["plan"], ["apply", "--yes"])
SOON = {"SKAHA_APPLY_RETRY_TIME": "1s"}  # requests are repeated for a second, not for ten


@pytest.fixture
def bad(desk, one_line):
    """A function that checks plan and apply: they are refused with this text, and nothing is sent or written."""
    desk.write(SLEEP)

    def check(*said, code=1, commands=COMMANDS, hint=True, **environment):
        before = desk.files()
        for words in commands:
            one_line(desk(*words, code=code, **environment), *said, hint=hint)
        assert desk.writes() == {}
        kept = {name: text for name, text in desk.files().items() if not name.endswith((".lock", ".gitignore"))}
        assert kept == before

    return check


def test_nobody_listens(bad):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and not listening: connections are refused
        url = f"http://127.0.0.1:{taken.getsockname()[1]}/skaha/v1"
        bad(r"127\.0\.0\.1:\d+", "refused", commands=[["plan"]], SKAHA_URL=url, **SOON)


def test_a_wrong_an_expired_and_a_forbidden_token(bad):
    for token, said in (("nonsense", "401|not valid"), ("token-expired", "expired"), ("token-denied", "403|not auth")):
        bad(f"(?i){said}", SKAHA_TOKEN=token, commands=[["plan"]])
    bad("(?i)401|not valid", SKAHA_TOKEN="nonsense", commands=[["apply", "--yes"], ["refresh"], ["status"]])


def test_no_credential_at_all(bad):
    bad("no credential", "`canfar login`", SKAHA_TOKEN="")


def test_a_token_past_its_date_is_not_even_sent(bad, sandbox):
    claims = {"exp": time.time() - 3600, "sub": "me", "iss": "https://idp.example.org"}
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip("=")
    sandbox.forget_requests()
    bad("token from SKAHA_TOKEN expired on", "renew", SKAHA_TOKEN=f"e30.{body}.c2ln")
    assert sandbox.requests()["total"] == 0


def test_a_certificate_past_its_date(bad, tmp_path, sandbox):
    pem = tmp_path / "home" / "cadcproxy.pem"
    pem.write_text(EXPIRED_CERTIFICATE)
    sandbox.forget_requests()
    bad("expired on 2020-", "`canfar login`", SKAHA_TOKEN="", SKAHA_CERTIFICATE=str(pem))
    pem.write_text("not a certificate")
    bad("certificate", SKAHA_TOKEN="", SKAHA_CERTIFICATE=str(pem))
    bad("does not exist", SKAHA_TOKEN="", SKAHA_CERTIFICATE=str(pem) + ".gone")
    assert sandbox.requests()["total"] == 0


def answers(status, content_type, body, **headers):
    """A handler that gives every request this response."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(status)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    return Handler


@pytest.mark.parametrize(
    ("handler", "said"),
    [
        (
            answers(200, "text/html", b"<html><body>Please log in</body></html>"),
            "is not from a Skaha server.*Please log in",
        ),
        (answers(200, "application/json", b'{"sessions": []}'), "not a list of sessions"),
        (answers(200, "application/json", b'[{"id": "abc'), "JSON"),
        (answers(302, "text/html", b"", Location="https://login.example.org/"), r"login\.example\.org"),
        (answers(404, "text/plain", b"not found\n"), "404|/v1"),
    ],
    ids=["html", "other-json", "cut-json", "redirect", "not-found"],
)
def test_server_that_is_not_skaha_is_refused(bad, odd_server, handler, said):
    bad(said, commands=[["plan"]], SKAHA_URL=f"{odd_server(handler)}/skaha/v1")


def test_a_list_that_stops_in_the_middle_does_not_hang(bad, odd_server):
    class Stalled(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", "900")
            self.end_headers()
            self.wfile.write(b"[")
            self.wfile.flush()
            time.sleep(5)

        def log_message(self, *_):
            pass

    bad(r"not complete after [1-3] s", commands=[["plan"]], SKAHA_URL=f"{odd_server(Stalled)}/skaha/v1", **SOON)


def test_malformed_retry_time_is_refused(bad):
    bad("SKAHA_APPLY_RETRY_TIME: 'soon' is not a duration", code=4, SKAHA_APPLY_RETRY_TIME="soon")


def test_the_address_of_a_resource_is_refused(bad, sandbox):
    bad("is a resource of the server", code=4, commands=[["plan"]], SKAHA_URL=f"{sandbox.url}/session")


def test_a_token_is_not_sent_in_clear_to_another_host(bad):
    bad("https", code=4, SKAHA_URL="http://skaha.example.org/skaha/v1")


def test_server_that_responds_with_html_during_an_apply(desk, sandbox):
    """A create without a usable response is an open intent; the next apply completes it, and nothing runs twice."""
    desk.write({**SLEEP, "replicas": 10})
    sandbox.faults(only=["POST /session"], rate_html=0.5, seed=1, count=8)
    ended = desk.apply(check=False)
    assert ended.code in (0, 1, 8)
    assert "Traceback" not in ended.err
    sandbox.faults()
    desk.apply()
    assert len(desk.live()) == 10
    assert len(sandbox.sessions()) == 10


@pytest.mark.parametrize("dies", [True, False], ids=["gone", "busy"])
def test_wait_for_an_unavailable_server_ends_at_the_timeout(desk_at, fresh_sandbox, tmp_path, dies):
    """It goes in the middle of the creates; what was begun is known to the run that finds it back."""
    server = fresh_sandbox()
    desk = desk_at(tmp_path, server)
    desk.write({**SLEEP, "replicas": 40})
    server.faults(latency_ms=50, only=["POST /session"])
    process = desk.start("apply", "--yes", "--settle", "0.5s", "--timeout", "3s", "--concurrency", "4")
    server.wait_until(lambda: server.requests(0)["counts"].get("POST /session", 0) >= 10)
    if dies:
        server.process.kill()
    else:
        server.faults(rate_503=1.0, retry_after=1)
    ended = desk.finish(process, code=10)
    assert "Not carried out" in ended.out
    assert len(desk.state["replicas"]) >= 5


def test_server_that_stops_after_the_creates_leaves_a_report(desk, sandbox):
    """Accepted sessions are reported and recorded, although no listing confirms them."""
    desk.write(SLEEP)
    lists = {"match": {"method": "GET", "route": "/session"}, "nth": 3, "times": 1000, "fault": "503"}
    sandbox.faults(script=[lists], retry_after=1)
    ended = desk.apply("--timeout", "2s", code=10)
    assert "survey: 2 created" in ended.out
    assert "503 Service Unavailable" in ended.out
    sandbox.faults()
    assert desk.plan()["has_changes"] is False
    assert len(desk.live()) == 2


# Unsigned, and with a key that is none: what is tested is its date, 2020-01-31.
EXPIRED_CERTIFICATE = """\
-----BEGIN CERTIFICATE-----
MIIC/jCCAeagAwIBAgIBATANBgkqhkiG9w0BAQsFADAqMQswCQYDVQQGDAJjYTEMMAoGA1UECgwD
aGlhMQ0wCwYDVQQLDARjYWRjMB4XDTcwMDEwMTAwMDAwMFoXDTIwMDEzMTEyMDAwMFowPTELMAkG
A1UEBgwCY2ExDDAKBgNVBAoMA2hpYTENMAsGA1UECwwEY2FkYzERMA8GA1UEAwwIamFuZV9hYmMw
ggFAMA0GCSqGSIb3DQEBCwUAA4IBLQBra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr
a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr
a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr
a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr
a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tr
a2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2tra2swDQYJKoZIhvcNAQELBQADggEB
AHNzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz
c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz
c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz
c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nz
c3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3M=
-----END CERTIFICATE-----
-----BEGIN PRIVATE KEY-----
bm90IGEga2V5
-----END PRIVATE KEY-----
"""
