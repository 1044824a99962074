"""Requests as Tomcat and SyncInput read them; users and tokens; methods, paths and headers."""

from __future__ import annotations

import socket
from email.utils import parsedate_to_datetime

import pytest

IMAGE = "images.canfar.net/skaha/astroml:24.07"
FORM = "application/x-www-form-urlencoded"
GOOD = f"image={IMAGE}&name=one"


def post(sandbox, query="", body="", kind=FORM, path="/session"):
    headers = {"Content-Type": kind} if kind else {}
    return sandbox.http.post(f"/skaha/v1{path}{'?' + query if query else ''}", content=body, headers=headers)


def test_urlencoded_reads_query_and_body_and_the_query_counts(sandbox):
    assert post(sandbox, "name=from-query", f"{GOOD}&cmd=true").status_code == 200
    assert sandbox.get().json()[0]["name"] == "from-query"


def test_env_of_query_and_body_add_up(sandbox):
    assert post(sandbox, f"{GOOD}&env=A=1", "env=B=2", f"{FORM};charset=UTF-8").status_code == 200
    given = sandbox.sessions()[0]["env"]
    assert (given["A"], given["B"]) == ("1", "2")


@pytest.mark.parametrize("kind", [None, "application/json", "text/plain"])
def test_any_other_content_type_has_no_parameters_at_all(sandbox, kind):
    reply = post(sandbox, GOOD, GOOD, kind)
    assert (reply.status_code, reply.text) == (400, "Missing parameter 'image'\n")


def test_multipart_reads_its_fields_only(sandbox):
    fields = {"image": (None, IMAGE), "name": (None, "parts"), "env": (None, "A=1")}
    reply = sandbox.http.post("/skaha/v1/session?env=B=2", files=fields)
    assert reply.status_code == 200
    given = sandbox.sessions()[0]["env"]
    assert given["A"] == "1"
    assert "B" not in given
    missing = sandbox.http.post(f"/skaha/v1/session?{GOOD}", files={"env": (None, "A=1")})
    assert missing.text == "Missing parameter 'image'\n"


def test_names_of_parameters_in_any_case_and_the_first_value_counts(sandbox):
    assert post(sandbox, body=f"IMAGE={IMAGE}&Name=first&Name=second").status_code == 200
    assert sandbox.get().json()[0]["name"] == "first"


def test_two_spellings_of_one_name_are_refused(sandbox):
    reply = post(sandbox, body=f"{GOOD}&env=A=1&ENV=B=2")
    assert (reply.status_code, reply.text) == (400, "null\n")


def test_form_above_two_mebibytes_is_not_parsed(sandbox):
    padding = "x" * (2 * 1024 * 1024)
    assert post(sandbox, body=f"{GOOD}&env=A={padding}").text == "Missing parameter 'image'\n"
    assert post(sandbox, GOOD, f"env=A={padding}").status_code == 200
    assert "A" not in sandbox.sessions()[0]["env"]


def test_large_body_below_the_limit_arrives(sandbox):
    assert post(sandbox, body=f"{GOOD}&env=A={'x' * 100_000}").status_code == 200
    assert len(sandbox.sessions()[0]["env"]["A"]) == 100_000


@pytest.mark.parametrize("where", ["query", "header"])
def test_head_above_8_kib_is_a_400_in_html(sandbox, where):
    padding = "x" * 8192
    if where == "query":
        reply = sandbox.get(padding=padding)
    else:
        reply = sandbox.http.get("/skaha/v1/session", headers={"X-Padding": padding})
    assert reply.status_code == 400
    assert reply.headers["content-type"].startswith("text/html")
    assert "Bad Request" in reply.text
    assert sandbox.get(padding="x" * 7000).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "/session", "GET, POST, DELETE"),
        ("HEAD", "/session", "GET, POST, DELETE"),
        ("TRACE", "/session/abc", "GET, POST, DELETE"),
        ("POST", "/context", "GET"),
        ("DELETE", "/image", "GET"),
        ("HEAD", "/repository", "GET"),
    ],
)
def test_methods_that_are_not_allowed(sandbox, method, path, allow):
    reply = sandbox.http.request(method, f"/skaha/v1{path}")
    assert (reply.status_code, reply.headers["allow"]) == (405, allow)


@pytest.mark.parametrize(
    ("authorization", "status", "text", "challenge"),
    [
        (None, 400, "cannot get group memberships for anonymous\n", None),
        ("Bearer token-denied", 403, "Not authorized to use the skaha system\n", None),
        (
            "Bearer token-expired",
            401,
            "Token has expired",
            'Bearer error="invalid_token", error_description="Token has expired"',
        ),
        (
            "Bearer nobody",
            401,
            "Token is not valid",
            'Bearer error="invalid_token", error_description="Token is not valid"',
        ),
        (
            "Basic abc",
            401,
            "Unsupported or malformed authorization",
            'Bearer error="invalid_request", error_description="Unsupported or malformed authorization"',
        ),
    ],
)
def test_who_may_ask(sandbox, authorization, status, text, challenge):
    with socket.create_connection(("127.0.0.1", sandbox.port)) as raw:
        line = f"Authorization: {authorization}\r\n" if authorization else ""
        raw.sendall(f"GET /skaha/v1/session HTTP/1.1\r\nHost: x\r\n{line}Connection: close\r\n\r\n".encode())
        reply = b"".join(iter(lambda: raw.recv(65536), b"")).decode()
    head, _, body = reply.partition("\r\n\r\n")
    assert head.split()[1] == str(status)
    assert body == text
    if challenge:
        assert f"www-authenticate: {challenge}".lower() in head.lower()


def test_accounts_see_only_their_own(sandbox):
    identifier = sandbox.create().text.strip()
    other = {"Authorization": "Bearer token-of-another"}
    assert sandbox.http.get("/skaha/v1/session", headers=other).json() == []
    reply = sandbox.http.get(f"/skaha/v1/session/{identifier}", headers=other)
    assert (reply.status_code, reply.text) == (404, f"session {identifier} not found\n")
    assert sandbox.http.delete(f"/skaha/v1/session/{identifier}", headers=other).status_code == 200
    assert len(sandbox.get().json()) == 1
    everybody = sandbox.http.get("/skaha/v1/session", params={"view": "all"}, headers=other).json()
    assert [one["userid"] for one in everybody] == ["sandbox"]
    assert {*everybody[0]} - {"startTime"} == {"userid", "type", "status"}


def test_control_routes_are_the_owners(sandbox):
    assert sandbox.http.get("/sandbox/sessions", headers={"Authorization": "Bearer nobody"}).status_code == 401
    assert (
        sandbox.http.get("/sandbox/sessions", headers={"Authorization": "Bearer token-of-another"}).status_code == 403
    )


@pytest.mark.parametrize("path", ["/skaha/v2/session", "/skaha/session", "/skaha/v1/sessions", "/"])
def test_paths_without_a_route(sandbox, path):
    reply = sandbox.http.get(path)
    assert reply.status_code == 404
    assert "text/html" in reply.headers["content-type"]


def test_older_version_responds_unless_it_is_switched_off(sandbox, fresh_sandbox):
    assert sandbox.http.get("/skaha/v0/session").json() == []
    assert fresh_sandbox("--no-v0").http.get("/skaha/v0/session").status_code == 404


@pytest.mark.parametrize("path", ["/capabilities", "/availability"])
def test_open_documents(sandbox, path):
    reply = sandbox.http.get(f"/skaha{path}", headers={"Authorization": ""})
    assert reply.status_code == 200
    assert reply.text.startswith("<?xml")


def test_date_is_of_the_sandboxs_clock(sandbox):
    before = parsedate_to_datetime(sandbox.get().headers["date"])
    sandbox.clock(86400)
    after = parsedate_to_datetime(sandbox.get().headers["date"])
    assert 86400 <= (after - before).total_seconds() < 86460


@pytest.mark.parametrize("claims", [False, True])
def test_a_token_with_an_end_works_until_then(sandbox, claims):
    token = sandbox.control("POST", "/tokens", json={"lifetime_s": 30, "claims": claims})["token"]
    headers = {"Authorization": f"Bearer {token}"}
    assert token.count(".") == (2 if claims else 0)
    assert sandbox.http.get("/skaha/v1/session", headers=headers).json() == []
    sandbox.clock(29)
    assert sandbox.http.get("/skaha/v1/session", headers=headers).status_code == 200
    sandbox.clock(2)
    reply = sandbox.http.get("/skaha/v1/session", headers=headers)
    assert (reply.status_code, reply.text) == (401, "Token has expired")
    assert "invalid_token" in reply.headers["www-authenticate"]


def test_tokens_with_an_end_can_be_ended_early(sandbox):
    token = sandbox.control("POST", "/tokens", json={"lifetime_s": 3600})["token"]
    sandbox.control("DELETE", "/tokens")
    assert sandbox.http.get("/skaha/v1/session", headers={"Authorization": f"Bearer {token}"}).status_code == 401
    assert sandbox.get().status_code == 200
