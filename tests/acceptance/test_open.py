"""`open`: the browser gets the address of an interactive session; nobody else does."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import ClassVar

import pytest

SLEEP = {"cmd": "sleep", "args": ["600"]}


@pytest.fixture
def browser(desk):
    """The variable BROWSER with a program that writes its argument to the file `opened`."""
    program = desk.folder / "browser"
    program.write_text(f'#!/bin/sh\nprintf %s "$1" > {desk.folder}/opened\n')
    program.chmod(0o755)
    return {"BROWSER": str(program)}


@pytest.mark.parametrize("name", ["desk-2", "Desk-2", "desk/2"])
def test_the_browser_gets_the_address_and_a_pipe_does_not(desk, browser, name):
    desk.write({"name": "desk", "kind": "notebook", "replicas": 2})
    desk.apply("--wait", "ready", "--poll", "0.2s")
    row = desk.live()["desk-2"]
    ended = desk("open", name, **browser)
    assert (desk.folder / "opened").read_text() == row["connectURL"]
    assert (ended.out, ended.err) == ("", "opened desk-2 in the browser\n")


def test_a_terminal_shows_the_address_and_a_job_does_not(desk, browser, watched):
    desk.write({"name": "desk", "kind": "notebook"})
    desk.apply("--wait", "ready", "--poll", "0.2s")
    row = desk.live()["desk"]
    for job, is_shown in ({}, True), ({"CI": "1"}, False):
        desk.environment |= browser | job
        shown = watched("open", "desk", terminal=True)
        assert shown.wait() == 0
        assert (row["connectURL"] in shown.screen) is is_shown


def test_a_wrong_name_and_a_headless_session_are_usage_errors_with_the_right_command(desk, browser):
    desk.write({"name": "desk", "kind": "notebook"}, {"name": "reduce", "replicas": 2, **SLEEP})
    desk.apply()
    unknown = desk("open", "dask", code=4, **browser).err
    assert "the interactive sessions are desk" in unknown
    assert "`skaha-apply ps`" in unknown
    assert "`skaha-apply logs reduce/2`" in desk("open", "reduce-2", code=4, **browser).err
    assert not (desk.folder / "opened").exists()


class OneNotebook(BaseHTTPRequestHandler):
    """A server that lists one notebook."""

    status: ClassVar[str] = ""
    address: ClassVar[str] = "https://example.org/desk"

    def do_GET(self):
        row = {"id": "abcdefgh", "type": "notebook", "name": "desk", "status": self.status, "connectURL": self.address}
        body = json.dumps([row]).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        (("Pending", ""), "does not run yet"),
        (("Failed", "https://example.org/"), "does not run any more"),
        (("Running", "file:///etc/passwd"), "lists no web address"),
        (("Running", "--help"), "lists no web address"),
    ],
)
def test_a_session_that_cannot_be_opened_is_not_waited_for(desk, browser, odd_server, listed, said):
    origin = odd_server(type("Handler", (OneNotebook,), dict(zip(("status", "address"), listed, strict=True))))
    ended = desk("open", "desk", code=1, SKAHA_URL=f"{origin}/skaha/v1", **browser)
    assert said in ended.err
    assert "`skaha-apply ps`" in ended.err
    assert not (desk.folder / "opened").exists()
