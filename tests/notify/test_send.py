"""One notice: what a command receives, and the bounds of time and tries."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from skaha_apply.model.project import Notice, NoticeEvent, NoticeTargets
from skaha_apply.model.report import SharedCause
from skaha_apply.notify.send import SendLimits, send_notice

NOTICE = Notice("l-1-end", NoticeEvent.END, "survey", "example.org/skaha", "survey: ended", {"done": 2, "failed": 1})
QUICK = SendLimits(tries=2, seconds=60.0, wait=0.01)


def send(targets, secrets=None, environ=None, limits=QUICK):
    environ = {"PATH": os.environ["PATH"]} if environ is None else environ
    return asyncio.run(send_notice(targets, NOTICE, secrets or {}, environ, limits))


def script(text, *words):
    return NoticeTargets((sys.executable, "-c", text, *words))


def test_a_command_gets_json_the_counts_and_no_credential(tmp_path):
    out = tmp_path / "out"
    text = "import json, os, sys; open(sys.argv[1], 'w').write(json.dumps([json.load(sys.stdin), dict(os.environ)]))"
    environ = {"PATH": os.environ["PATH"], "SKAHA_TOKEN": "t", "CANFAR_TOKEN": "t", "TF_HTTP_PASSWORD": "t", "A": "b"}
    targets = script(text, str(out))
    assert send(targets, environ=environ, limits=SendLimits()) == ()
    message, given = json.loads(out.read_text())
    assert (message["event"], message["counts"], message["total"]) == ("end", {"done": 2, "failed": 1}, 3)
    assert given["A"] == "b"
    assert {name: given[name] for name in given if name.startswith("SKAHA_APPLY")} == {
        "SKAHA_APPLY_EVENT": "end",
        "SKAHA_APPLY_NOTICE_ID": "l-1-end",
        "SKAHA_APPLY_PROJECT": "survey",
        "SKAHA_APPLY_TEXT": "survey: ended",
        "SKAHA_APPLY_TOTAL": "3",
        "SKAHA_APPLY_DONE": "2",
        "SKAHA_APPLY_FAILED": "1",
    }
    assert not {"SKAHA_TOKEN", "CANFAR_TOKEN", "TF_HTTP_PASSWORD"} & given.keys()


def test_a_sensitive_value_is_an_argument_and_in_no_problem():
    targets = script("import sys; sys.exit(3 if sys.argv[1] == 'secret; id' else 4)", "${var.key}")
    assert send(targets, {"key": "secret; id"}) == ("notify.command: it failed with exit code 3 (2 tries)",)
    assert send(targets) == ("notify.command: the sensitive variable key has no value",)


def test_a_sensitive_value_is_in_no_part_of_a_notice(tmp_path):
    out = tmp_path / "out"
    text = "import json, os, sys; open(sys.argv[1], 'w').write(json.dumps([json.load(sys.stdin), dict(os.environ)]))"
    notice = replace(NOTICE, text="survey: error: key-1", causes=(SharedCause("error: key-1", 1, ("reduce-1",)),))
    secrets, environ = {"key": "key-1"}, {"PATH": os.environ["PATH"]}
    assert asyncio.run(send_notice(script(text, str(out)), notice, secrets, environ)) == ()
    assert "key-1" not in out.read_text()
    message, given = json.loads(out.read_text())
    assert message["text"] == given["SKAHA_APPLY_TEXT"] == "survey: error: (sensitive)"
    assert message["causes"] == [{"cause": "error: (sensitive)", "count": 1, "names": ["reduce-1"]}]


def test_a_command_that_hangs_is_killed_with_the_processes_that_it_started(tmp_path):
    pid, seconds = tmp_path / "pid", 0.25
    while not pid.exists():  # on a busy machine, bash needs more time to start
        seconds *= 2
        command = ("bash", "-c", f"sleep 600 & echo $! >{pid}.new; mv {pid}.new {pid}; wait")
        assert send(NoticeTargets(command), limits=SendLimits(2, seconds, 0.01)) == (
            f"notify.command: no end within {seconds:g} s (2 tries)",
        )
    stat = Path(f"/proc/{int(pid.read_text())}/stat")
    until = time.monotonic() + 20
    while stat.exists() and " Z " not in stat.read_text():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("targets", "problem"),
    [
        (NoticeTargets(("/no/such/program",)), "notify.command: it cannot run: No such file or directory"),
        (NoticeTargets(url="ftp://example.org/"), "notify.url: the address is not an http or https address"),
        (NoticeTargets(url="http://127.0.0.1:9/"), "notify.url: no response (ConnectError) (2 tries)"),
        (NoticeTargets(url="http://[::1"), "notify.url: the address is not valid"),
        (NoticeTargets(url="http://127.0.0.1:99999/"), "notify.url: the address has no valid port"),
    ],
)
def test_what_cannot_succeed_is_a_problem_without_the_address(targets, problem):
    assert send(targets) == (problem,)


def test_a_program_need_not_read_its_standard_input():
    assert send(NoticeTargets(("true",)), limits=SendLimits()) == ()


@pytest.mark.parametrize(
    ("variable", "value"),
    [("ALL_PROXY", "socks5://127.0.0.1:9"), ("ALL_PROXY", "other://127.0.0.1"), ("SSL_CERT_FILE", "/no/such/file")],
)
def test_a_wrong_setting_of_the_machine_is_a_problem_and_no_crash(monkeypatch, variable, value):
    for name in ("ALL_PROXY", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv(variable, value)
    (problem,) = send(NoticeTargets(url="http://127.0.0.1:9/"))
    assert problem.startswith("notify.url: the proxy or the certificates of the environment cannot be used (")


def test_half_of_a_surrogate_pair_in_a_cause_stops_no_notice(tmp_path):
    out = tmp_path / "out"
    targets = script("import json, sys; open(sys.argv[1], 'w').write(json.load(sys.stdin)['text'])", str(out))
    notice = replace(NOTICE, text="a\ud800b")
    environ = {"PATH": os.environ["PATH"]}
    assert asyncio.run(send_notice(targets, notice, {}, environ)) == ()
    assert out.read_text() == "a?b"


def test_an_endless_response_is_not_read():
    async def respond(reader, writer):
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
        while await reader.read(1000):  # no end of the body: until the client closes the connection
            pass
        writer.close()

    async def post_to_it():
        async with await asyncio.start_server(respond, "127.0.0.1", 0) as server:
            url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
            return await send_notice(NoticeTargets(url=url), NOTICE, {}, {}, QUICK)

    assert asyncio.run(post_to_it()) == ()
