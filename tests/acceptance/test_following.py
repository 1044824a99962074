"""Following a run from outside: `status` of large projects and as a number, `--watch`, attempts and their logs."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler

POLL = ("--poll", "0.3s")


def tiles(desk, count=25, **more):
    desk.write(
        {"name": "tile", "replicas": count, "cmd": "bash", "args": ["run.sh"], **more},
        {"name": "merge", "cmd": "true", "needs": ["tile"]},
    )


def test_large_project_is_counted_and_replicas_that_need_attention_are_listed(desk):
    desk.script('if [ "$REPLICA_ID" = 7 ]; then exit 3; fi\n')
    tiles(desk)
    assert desk("status", "--exit-code", code=2).out
    desk.apply("--wait", "complete", *POLL, code=9)
    shown = desk("status", "--exit-code", code=9).out.splitlines()
    assert shown[0].split() == ["entry", "pending", "running", "done", "failed", "waiting", "blocked", "total"]
    assert shown[1].split() == ["tile", "-", "-", "24", "1", "-", "-", "25"]
    assert shown[2].split() == ["merge", "-", "-", "-", "-", "-", "1", "1"]
    assert shown[3].startswith("92% done, took ")
    assert "core-hours used" in shown[4]
    assert shown[5].startswith("x merge: 1 blocked: needs tile")
    assert [row.split()[0] for row in shown[6:]] == ["NAME", "tile-7"]
    every = desk("status", "--all").out.splitlines()
    assert len(every) == 29  # the heading, the replicas, the pace and the core-hours
    found = desk("status", "-o", "json").json
    assert len(found["sessions"]) == 26
    assert found["entries"][0]["counts"] == {"done": 24, "failed": 1}
    assert found["entries"][0]["median_is_upper_bound"] is False  # the wait saw the ends
    desk("mark", "complete", "tile/7", "--yes")
    desk.apply("--wait", "complete", *POLL)
    assert desk("status", "--exit-code").out
    assert desk("status").code == 0


def test_a_status_states_what_an_apply_would_change(desk):
    sleep = {"name": "long", "replicas": 2, "cmd": "sleep", "args": ["600"]}
    desk.write(sleep)

    def stated():
        document, text = desk("status", "-o", "json").json, desk("status", "--project", "survey").out
        lines = text.splitlines()[-2:] if "Changes to apply" in text else []
        return document["changes"], lines

    assert stated() == ({"create": 2}, ["Changes to apply: 2 to create.", "  skaha-apply apply --project survey"])
    desk.apply("--wait", "ready", *POLL)
    assert stated() == ({}, [])
    desk.write({**sleep, "args": ["601"], "replicas": 2}, {"name": "other", "cmd": "true", "needs": ["long"]})
    assert stated()[0] == {"replace": 2}  # `other` waits
    desk.write({"name": "other", "cmd": "true"})
    assert stated()[1][0] == "Changes to apply: 1 to create, 2 to delete."


def test_a_conflict_is_8_and_an_interactive_session_that_runs_is_as_desired(desk, sandbox):
    desk.write({"name": "desk", "kind": "notebook"})
    desk.apply("--wait", "ready", *POLL)
    desk("status", "--exit-code")
    sandbox.create(name="other", cmd="sleep", args="600")
    desk.write({"name": "desk", "kind": "notebook"}, {"name": "other", "cmd": "true"})
    desk("status", "--exit-code", code=8)


def test_each_attempt_of_a_replica_has_its_log(desk):
    desk.script('echo "attempt $SKAHA_APPLY_ATTEMPT"; [ "$SKAHA_APPLY_ATTEMPT" = 3 ]\n')
    desk.write({"name": "tile", "cmd": "bash", "args": ["run.sh"], "retries": 2, "retry_wait": "1s"})
    desk.apply("--wait", "complete", *POLL)
    record = desk.state["replicas"][0]
    assert [one["attempt"] for one in record["earlier"]] == [1, 2]
    assert "3 of 3" in desk("status").out
    assert desk("logs", "tile").out == "attempt 3\n"
    assert desk("logs", "tile", "--attempt", "1").out == "attempt 1\n"
    ids = [one["id"] for one in record["earlier"]] + [record["id"]]
    for gone in (False, True):
        if gone:
            desk.sandbox.clock(2 * 86400)
            assert desk.live() == {}
        assert desk("logs", "tile", "--attempt", "all").out.splitlines() == [
            f"==> tile ({ids[0]}), attempt 1 of 3, failed <==",
            "attempt 1",
            f"==> tile ({ids[1]}), attempt 2 of 3, failed <==",
            "attempt 2",
            f"==> tile ({ids[2]}), attempt 3 of 3, done <==",
            "attempt 3",
        ]
        assert "Started" in desk("events", "tile", "--attempt", "2").out
    assert "no attempt 4" in desk("logs", "tile", "--attempt", "4", code=4).err
    assert "is not an attempt: write a number from 1, or all" in desk("logs", "tile", "--attempt", "0", code=4).err


def test_a_saved_log_that_the_state_has_forgotten_is_an_attempt_too(desk):
    desk.script("echo now\n")
    desk.write({"name": "tile", "cmd": "bash", "args": ["run.sh"]})
    desk.apply("--wait", "complete", *POLL)
    (folder,) = desk.folder.glob(".skaha-apply/localhost/logs/survey/tile")
    (folder / "1-abcd2345.log").write_text("long ago\n")
    both = desk("logs", "tile", "--attempt", "all").out
    assert both.index("long ago") < both.index("now")


EVENTS = """\
TYPE      REASON            MESSAGE                        FIRST-TIME   LAST-TIME
Normal    Created           nothing special                14m          14m
Warning   FailedScheduling  0/30 nodes: not enough memory  14m          1m
"""


def relay(sandbox, events=(404, b"not found"), meanwhile=lambda: None, metrics=None):
    """A server in front of the sandbox, which holds sessions in a queue without a pod, that does have `events`.

    `meanwhile` is called before each list. `metrics` are fields that running sessions have, as from a metrics server.
    """

    class Relay(BaseHTTPRequestHandler):
        def do_GET(self):
            if self.path.endswith("/session"):
                meanwhile()
            theirs = sandbox.http.get(self.path)
            status, body = events if "view=events" in self.path else (theirs.status_code, theirs.content)
            if metrics and self.path.endswith("/session"):
                rows = json.loads(body)
                body = json.dumps([row | (metrics if row["status"] == "Running" else {}) for row in rows]).encode()
            self.send_response(status)
            for name in ("content-type", "date"):
                self.send_header(name, theirs.headers[name])
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def send_header(self, name, value):
            if name != "Date":  # the sandbox's own counts: its clock may have been moved
                super().send_header(name, value)

        def log_message(self, *_):
            pass

    return Relay


def test_the_peak_of_ram_and_cores_is_kept_without_a_write_of_its_own(desk, sandbox, odd_server):
    desk.write({"name": "long", "cores": 8, "ram": 64, "cmd": "bash", "args": ["run.sh"]})
    desk.script("until [ -e go ]; do sleep 0.05; done\n")
    metrics = {"ramInUse": "2.15", "cpuCoresInUse": "0.250"}
    desk.apply("--wait", "ready", *POLL)
    desk.environment["SKAHA_URL"] = f"{odd_server(relay(sandbox, metrics=metrics))}/skaha/v1"
    desk("refresh")
    serial = desk.state["serial"]
    metrics |= {"ramInUse": "5.37", "cpuCoresInUse": "1.500"}
    desk("refresh")
    assert desk.state["serial"] == serial
    shown = desk("status")
    assert "used at most 5 of 64 GB and 1.5 of 8 cores" in shown.out
    for ram in ("5.37", "1.07"):
        metrics |= {"ramInUse": ram}
        sandbox.clock(130)  # so that the times are written, and with them the peaks
        desk("refresh")
    assert desk.state["replicas"][0]["cores_used"] == 1.5
    (desk.folder / "go").touch()
    desk.environment["SKAHA_URL"] = sandbox.url
    desk.apply("--wait", "complete", *POLL)
    assert "used at most 5 of 64 GB and 1.5 of 8 cores" in " ".join(desk("show", "long").out.split())
    assert desk("status", "-o", "json").json["sessions"][0]["used"]["cores"] == 1.5


def test_replica_that_is_pending_for_long_shows_the_reason(desk, sandbox, odd_server):
    sandbox.settings(slots=1)
    sandbox.create(name="other", cmd="sleep", args="600")
    desk.write({"name": "long", "cmd": "sleep", "args": ["600"]})
    desk.apply()
    at = {"SKAHA_URL": f"{odd_server(relay(sandbox, (200, EVENTS.encode())))}/skaha/v1"}
    assert "pending for" not in desk("status", **at).out
    sandbox.clock(930)
    assert (
        "pending for 15 min: Warning FailedScheduling 0/30 nodes: not enough memory 14m 1m" in desk("status", **at).out
    )
    assert "FailedScheduling" in desk("status", "-o", "json", **at).json["sessions"][0]["event"]
    # neither a session without events (it has no pod yet) nor a server without events is an error
    assert desk("status", "-o", "json").json["sessions"][0]["event"] is None
    at = {"SKAHA_URL": f"{odd_server(relay(sandbox, (500, b'no')))}/skaha/v1"}
    assert "long" in desk("status", **at).out


def test_session_that_an_apply_creates_during_a_status_is_not_unmanaged(desk, sandbox, odd_server):
    desk.write({"name": "tile", "cmd": "sleep", "args": ["600"]})
    applied = []

    def apply_once():
        if not applied:
            applied.append(desk.start("apply", "--yes", "--settle", "0.5s", "--wait", "ready", *POLL))
            desk.finish(applied[0])

    at = {"SKAHA_URL": f"{odd_server(relay(sandbox, meanwhile=apply_once))}/skaha/v1"}
    assert desk("status", "--exit-code", code=2, **at).out.splitlines()[1].split()[2] == "running"
    assert applied


def test_watch_prints_changes_survives_an_outage_and_ends_with_the_work(desk, sandbox, watched):
    desk.script("until [ -e go ]; do sleep 0.1; done\n")
    tiles(desk, 2)
    desk.apply("--wait", "ready", *POLL)
    seen = watched("status", "--watch", "--exit-code", *POLL, terminal=False)
    seen.until("merge")
    sandbox.faults(refuse={"GET": {"status": 500, "text": "no"}})
    seen.until("the command tries again at each refresh")
    sandbox.faults()
    seen.until("the server responds again")
    (desk.folder / "go").touch()
    seen.until("survey: 2 done, 1 to create")
    desk.apply("--wait", "complete", *POLL)
    seen.until(": wait -> ")
    assert "Traceback" not in seen.screen
    assert seen.wait() == 0
    assert seen.screen.count("NAME") == 1


def test_a_watch_in_a_terminal_is_drawn_over_itself(desk, watched):
    desk.write({"name": "tile", "replicas": 3, "cmd": "sleep", "args": ["600"]})
    desk.apply("--wait", "ready", *POLL)
    seen = watched("status", "--watch", "--no-color", terminal=True)
    seen.until("tile-3")
    assert seen.stop() == 0
    assert "\x1b[J" in seen.screen
    assert "\x1b[2J" not in seen.screen


def test_ctrl_c_is_the_way_to_end_a_watch(desk, watched):
    tiles(desk, 2)
    for terminal in (True, False):
        seen = watched("status", "--watch", *POLL, terminal=terminal)
        seen.until("merge")
        assert seen.stop() == 0
        assert "error" not in seen.screen
        assert "interrupted" not in seen.screen
    code = watched("status", "--watch", "--exit-code", *POLL, terminal=False)
    code.until("merge")
    assert code.stop() == 130  # 0 would state that nothing is left to do
