"""The form of the tables of server facts, and their comparison: a request, and the server's response to it.

docs/sandbox.md lists the module of the sandbox that implements each fact.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import httpx

IMAGE = "images.canfar.net/skaha/astroml:24.07"
FORM = "application/x-www-form-urlencoded"
UTF8 = f"{FORM}; charset=UTF-8"
JSON = "application/json"
TEXT = "text/plain"
NO_JOB = re.compile(r"unexpected exception: java\.lang\.RuntimeException: .*ApiException.*", re.DOTALL)
BAD_YAML = re.compile(r"unexpected exception: org\.yaml\.snakeyaml\..*")
TOMCAT = re.compile(r"<!doctype html>.*Apache Tomcat.*")
ANYTHING = re.compile(r".*", re.DOTALL)
ID = re.compile(r"[a-z][a-z0-9]{7}\n")


class Request(NamedTuple):
    """`line` is method and path below /skaha; `token` None sends the owner's token, "" no credentials."""

    line: str
    body: str | bytes = ""
    kind: str | None = UTF8
    token: str | None = None
    headers: tuple = ()


class Answer(NamedTuple):
    """Status, body (text, or a pattern of the whole body), headers; the value None means that a header is absent."""

    status: int
    body: str | re.Pattern = ""
    headers: tuple = ()


def send(sandbox, request):
    """Send one request exactly as it is written."""
    method, _, path = request.line.partition(" ")
    headers = dict(request.headers)
    token = sandbox.token if request.token is None else request.token
    if token:
        headers["Authorization"] = token if " " in token else f"Bearer {token}"
    if request.kind is not None and method == "POST":
        headers["Content-Type"] = request.kind
    content = request.body.encode() if isinstance(request.body, str) else request.body
    with httpx.Client(trust_env=False, timeout=60) as http:
        return http.request(method, f"{sandbox.origin}/skaha{path}", content=content or None, headers=headers)


def differences(reply, expected):
    """Return the differences between a reply and the expected one, as (what, actual, expected)."""
    found = []
    if reply.status_code != expected.status:
        found.append(("status", reply.status_code, expected.status))
    text = reply.content.decode()
    if not (text == expected.body if isinstance(expected.body, str) else expected.body.fullmatch(text)):
        found.append(("body", text, expected.body))
    found += [(name, reply.headers.get(name), one) for name, one in expected.headers if reply.headers.get(name) != one]
    return found


def names(rows):
    """Return the names of a table's rows, as IDs for pytest."""
    return [row[0] for row in rows]
