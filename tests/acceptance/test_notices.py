"""`notify`: one message at the first failure and one at the end, whatever sends it, and never a reason to fail."""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
from collections import Counter
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

# Appends the message and the environment as one line to a file.
RECORD = """
import json, os, sys
with open(sys.argv[1], "a") as out:
    out.write(json.dumps({"message": json.load(sys.stdin), "env": dict(os.environ)}) + "\\n")
"""
SHARE = 'test "$REPLICA_ID" = 1 || exit 0; echo "error: no flat"; exit 2\n'


@pytest.fixture
def noted(desk):
    """A project whose notices are lines of a file; gives a function that returns them."""
    (desk.folder / "record.py").write_text(RECORD)
    (desk.folder / "share.sh").write_text(SHARE)
    (desk.folder / "sleep.sh").write_text("sleep 600")
    received = desk.folder / "received"

    def read():
        return [json.loads(line) for line in received.read_text().splitlines()] if received.exists() else []

    desk.notify = {"command": [sys.executable, "record.py", str(received)]}
    return read


def write(desk, *sessions, **notify):
    shares = {"name": "reduce", "replicas": 3, "cmd": "bash", "args": ["share.sh"]}
    desk.write(*(sessions or (shares,)), notify=desk.notify | notify)


def events(received):
    return [one["message"]["event"] for one in received]


def test_a_wait_sends_one_notice_at_the_first_failure_and_one_at_the_end(desk, noted):
    write(desk)
    desk("lint")
    desk("plan")
    assert noted() == []
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    assert events(noted()) == ["failure", "end"]
    end = noted()[1]
    message = end["message"]
    assert (message["project"], message["total"], message["counts"]) == ("survey", 3, {"done": 2, "failed": 1})
    assert message["causes"] == [{"cause": "error: no flat", "count": 1, "names": ["reduce-1"]}]
    text = "survey: the work has ended: 2 of 3 done, 1 failed; reduce-1 failed: error: no flat"
    assert (message["text"], end["env"]["SKAHA_APPLY_TEXT"]) == (text, text)
    assert (end["env"]["SKAHA_APPLY_EVENT"], end["env"]["SKAHA_APPLY_FAILED"]) == ("end", "1")
    assert "SKAHA_TOKEN" not in end["env"]
    assert desk.sandbox.token not in json.dumps(end)
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    desk("refresh", check=False)
    assert len(noted()) == 2
    desk("mark", "rerun", "reduce", "--phase", "failed", "--yes")  # new work
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    assert events(noted()) == ["failure", "end"] * 2
    assert len({one["message"]["id"] for one in noted()}) == 4


def test_a_schedule_of_single_passes_sends_each_notice_once(desk, noted):
    write(desk)
    desk("apply", "--yes", "--settle", "0.5s", check=False)
    assert noted() == []
    desk.sandbox.wait_idle()
    for _ in range(2):
        desk("refresh", check=False)
        desk.apply(code=9)
    assert events(noted()) == ["failure", "end"]


def test_a_limit_of_sessions_does_not_end_the_work(desk, noted):
    write(desk, {"name": "reduce", "replicas": 3, "parallelism": 1, "cmd": "true"}, on="end")
    for _ in range(3):
        desk.apply()
        assert noted() == []
        desk.sandbox.wait_idle()
    desk.apply()
    assert events(noted()) == ["end"]


def test_a_running_notebook_is_not_work(desk, noted):
    write(desk, {"name": "desk", "kind": "notebook"})
    desk.apply("--wait", "ready", "--poll", "0.3s")
    desk.apply()
    assert noted() == []


def test_a_killed_process_leaves_the_notice_to_the_next_invocation(desk, noted):
    write(desk, {"name": "reduce", "cmd": "true"}, command=["bash", "-c", "echo $$ >started; exec sleep 600"])
    desk.apply()
    desk.sandbox.wait_idle()
    process = desk.start("apply", "--yes", "--settle", "0.5s")
    desk.sandbox.wait_until(lambda: (desk.folder / "started").exists() and (desk.folder / "started").read_text())
    process.send_signal(signal.SIGKILL)
    desk.finish(process, check=False)
    os.kill(int((desk.folder / "started").read_text()), signal.SIGKILL)
    write(desk, {"name": "reduce", "cmd": "true"})
    desk.apply()
    desk.apply()
    assert events(noted()) == ["end"]


class Hook(BaseHTTPRequestHandler):
    """Responds with the next of `statuses` of the server, and keeps each request."""

    def do_POST(self):
        content = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.received.append((self.path, dict(self.headers), json.loads(content)))
        status = self.server.statuses.pop(0) if self.server.statuses else 200
        self.send_response(status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


@contextmanager
def hook(*statuses):
    with ThreadingHTTPServer(("127.0.0.1", 0), Hook) as server:
        server.received, server.statuses = [], [*statuses]
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def test_an_address_gets_a_post_without_credentials_again_after_an_error(desk):
    with hook(503) as server:
        url = f"http://127.0.0.1:{server.server_port}/${{var.key}}"
        desk.write({"name": "reduce", "cmd": "true"}, notify={"url": url}, variables={"key": {"sensitive": True}})
        ended = desk.apply("--wait", "complete", "--poll", "0.3s", SKAHA_VAR_key="hook-secret")
        assert [path for path, _, _ in server.received] == ["/hook-secret"] * 2
        first, second = (content for _, _, content in server.received)
        assert first == second
        assert first["text"] == "survey: the work has ended: 1 of 1 done"
        assert not any("authorization" in map(str.lower, headers) for _, headers, _ in server.received)
        assert "hook-secret" not in ended.out + ended.err + json.dumps(desk.state)


@pytest.mark.parametrize(
    ("status", "requests"), [(302, 1), (404, 1), (500, 3)], ids=["redirect", "refused", "server error"]
)
def test_a_notice_that_cannot_be_sent_is_a_note_of_each_invocation_that_tries_for_a_day(desk, status, requests):
    with hook(*[status] * 20) as server:
        desk.write({"name": "reduce", "cmd": "true"}, notify={"url": f"http://127.0.0.1:{server.server_port}/secret"})
        first = desk.apply("--wait", "complete", "--poll", "0.3s")
        assert f"the notice of the end was not sent: notify.url: the address responded with {status}" in first.err
        assert "secret" not in first.err
        assert len(server.received) == requests
        assert "notices" in desk.state
        for _ in range(2):
            assert "the notice of the end was not sent" in desk.apply().err
        assert "notice" not in desk.apply().err  # the third one has tried just now
        desk.sandbox.clock(301)
        assert "the notice of the end was not sent" in desk.apply().err
        desk.sandbox.clock(86_400)
        last = "no later invocation sends this notice to notify.url: for a day, 5 have failed"
        assert last in desk.apply().err
        desk.sandbox.clock(301)
        assert "notice" not in desk.apply().err
        assert len(server.received) == 5 * requests


def test_a_notice_arrives_after_an_outage_of_hours_although_each_round_of_a_controller_tries(desk):
    with hook(*[404] * 3) as server:
        desk.write({"name": "reduce", "cmd": "true"}, notify={"url": f"http://127.0.0.1:{server.server_port}/"})
        with (desk.folder / "run.log").open("w") as log:
            process = desk.start("run", "--interval", "0.1s", stdout=log, stderr=log)
            try:
                desk.sandbox.wait_until(lambda: len(server.received) == 3)
                desk.sandbox.clock(90_000)
                desk.sandbox.wait_until(lambda: desk.state["notices"]["end"])
            finally:
                process.send_signal(signal.SIGTERM)
                desk.finish(process)
        assert [content["event"] for _, _, content in server.received] == ["end"] * 4
        assert len({content["id"] for _, _, content in server.received}) == 1


def test_a_command_gets_a_notice_once_while_an_address_refuses_it(desk, noted):
    with hook(*[404] * 20) as server:
        write(desk, {"name": "reduce", "cmd": "true"}, url=f"http://127.0.0.1:{server.server_port}/")
        first = desk.apply("--wait", "complete", "--poll", "0.3s")
        assert "notify.url: the address responded with 404" in first.err
        assert "notify.command" not in first.err
        desk.apply()
        desk.sandbox.clock(86_401)
        assert "no later invocation sends this notice to notify.url" in desk.apply().err
        assert "notice" not in desk.apply().err
        assert events(noted()) == ["end"]
        assert len(server.received) == 3


def test_new_work_gives_a_command_new_notices_while_an_address_refuses_the_last_one(desk, noted):
    with hook(*[404] * 20) as server:
        write(desk, {"name": "reduce", "cmd": "true"}, url=f"http://127.0.0.1:{server.server_port}/")
        desk.apply("--wait", "complete", "--poll", "0.3s")
        desk("mark", "rerun", "reduce", "--yes")
        desk.apply("--wait", "complete", "--poll", "0.3s")
        assert events(noted()) == ["end", "end"]
        assert len({one["message"]["id"] for one in noted()}) == 2


def test_an_address_gets_a_notice_once_while_a_command_fails(desk):
    with hook() as server:
        targets = {"command": ["false"], "url": f"http://127.0.0.1:{server.server_port}/"}
        desk.write({"name": "reduce", "cmd": "true"}, notify=targets)
        desk.apply("--wait", "complete", "--poll", "0.3s")
        desk.write({"name": "reduce", "cmd": "true"}, notify=targets | {"command": ["true"]})
        assert "notice" not in desk.apply().err
        desk.apply()
        assert [content["event"] for _, _, content in server.received] == ["end"]


def test_each_event_has_tries_of_its_own(desk, noted):
    with hook(*[404] * 20) as server:
        write(desk, url=f"http://127.0.0.1:{server.server_port}/")
        desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
        for _ in range(4):
            desk.apply(code=9)
        assert Counter(content["event"] for _, _, content in server.received) == {"failure": 3, "end": 3}
        assert events(noted()) == ["failure", "end"]


def test_a_process_that_is_killed_while_an_address_hangs_leaves_the_command_its_one_notice(desk, noted):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        write(desk, {"name": "reduce", "cmd": "true"}, url=f"http://127.0.0.1:{silent.getsockname()[1]}/")
        desk.apply()
        desk.sandbox.wait_idle()
        process = desk.start("apply", "--yes", "--settle", "0.5s")
        desk.sandbox.wait_until(lambda: "targets" in desk.state.get("notices", {}))
        process.send_signal(signal.SIGKILL)
        desk.finish(process, check=False)
    with hook() as server:
        write(desk, {"name": "reduce", "cmd": "true"}, url=f"http://127.0.0.1:{server.server_port}/")
        desk.apply()
        assert len(server.received) == 1
    assert events(noted()) == ["end"]


def test_the_count_of_failed_invocations_in_an_earlier_state_is_read_and_not_used(desk):
    with hook(*[404] * 20) as server:
        desk.write({"name": "reduce", "cmd": "true"}, notify={"url": f"http://127.0.0.1:{server.server_port}/"})
        desk.apply("--wait", "complete", "--poll", "0.3s")
        since = desk.state["notices"]["since"]
        desk.state_path.write_text(json.dumps(desk.state | {"notices": {"since": since, "failed": 2}}))
        assert "no later invocation" not in desk.apply().err
        assert desk.state["notices"]["failed"] == 0
        (target,) = desk.state["notices"]["targets"]
        assert (target["event"], target["target"], target["sent"], target["failed"]) == ("end", "url", None, 1)


def test_a_line_of_a_log_calls_nobody_in_a_chat(desk, noted):
    write(desk)
    (desk.folder / "share.sh").write_text("""echo 'error: <!channel> & "more"'; exit 2\n""")
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    sent = noted()[-1]
    assert sent["message"]["text"].endswith('3 failed: error: &lt;!channel&gt; &amp; "more" (reduce-1 and 2 more)')
    assert sent["env"]["SKAHA_APPLY_TEXT"].endswith('3 failed: error: <!channel> & "more" (reduce-1 and 2 more)')
    assert [one["cause"] for one in sent["message"]["causes"]] == ['error: <!channel> & "more"']


def test_a_sensitive_value_in_a_recorded_cause_is_masked_before_causes_are_compared(desk, noted):
    (desk.folder / "share.sh").write_text("echo error: key part-$REPLICA_ID; exit 2\n")
    shares = {"name": "reduce", "replicas": 2, "cmd": "bash", "args": ["share.sh"]}
    desk.write(shares)
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    sessions = (shares, {"name": "next", "cmd": "true"})
    desk.write(*sessions, notify=desk.notify | {"on": "end"}, variables={"key": {"sensitive": True}})
    desk.apply("--wait", "complete", "--poll", "0.3s", code=9, SKAHA_VAR_key="key part-1")
    (end,) = noted()
    causes = {"error: (sensitive)": ["reduce-1"], "error: key part-2": ["reduce-2"]}
    assert {one["cause"]: one["names"] for one in end["message"]["causes"]} == causes
    assert "reduce-1 failed: error: (sensitive)" in end["message"]["text"]


def test_a_variable_without_a_value_stops_no_session(desk):
    desk.write(
        {"name": "reduce", "cmd": "true"}, notify={"url": "${var.hook}"}, variables={"hook": {"sensitive": True}}
    )
    ended = desk.apply("--wait", "complete", "--poll", "0.3s")
    assert "notify.url: the sensitive variable hook has no value" in ended.err


def test_a_notice_of_the_sandbox_names_it(desk, noted):
    write(desk)
    try:
        desk("apply", "--yes", "--pretend=0.1", "--wait", "complete", "--poll", "0.3s", check=False, SKAHA_URL="")
    finally:
        desk("sandbox", "stop", SKAHA_URL="")
    (end,) = noted()
    assert end["message"]["text"] == "survey (sandbox): the work has ended: 3 of 3 done"
