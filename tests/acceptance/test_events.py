"""`--events FILE`: every change of phase at least once, whatever kills the tool."""

from __future__ import annotations

import json
import signal
import time
from datetime import datetime
from pathlib import Path

import pytest

POLL = ("--poll", "0.3s")
KEYS = ["time", "project", "session", "group", "replica", "name", "id", "attempt", "from", "to", "note"]


def lines(desk, name="run.jsonl"):
    """The file's lines; each has to be whole."""
    text = (desk.folder / name).read_text()
    assert text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


def paths(events):
    """What each replica went through: pairs of attempt and phase, repetitions of the same left out."""
    found = {}
    for event in events:
        path = found.setdefault(event["name"], [])
        if (event["attempt"], event["to"]) not in path[-1:]:
            path.append((event["attempt"], event["to"]))
    return found


def test_one_line_a_change_from_the_first_attempt_to_the_last(desk, sandbox):
    desk.script('sleep 0.5; [ "$SKAHA_APPLY_ATTEMPT" = 2 ]\n')
    desk.write(
        {
            "name": "tile-${tile}", "matrix": {"tile": ["t1", "t2"]}, "cmd": "bash", "args": ["run.sh"],
            "retries": 1, "retry_wait": "1s",
        },
        {"name": "merge", "cmd": "true", "needs": ["tile-${tile}"]},
    )  # fmt: skip
    desk.apply("--wait", "complete", *POLL, "--events", "run.jsonl")
    events = lines(desk)
    assert all(list(event) == KEYS for event in events)
    found = paths(events)
    for name in ("tile-t1", "tile-t2"):
        assert found[name][0] == (1, "accepted")
        assert found[name].index((1, "failed")) < found[name].index((2, "accepted")) < found[name].index((2, "done"))
        assert found[name][-1] == (2, "done")
    assert found["merge"][-1] == (1, "done")
    first = events[0]
    assert (first["project"], first["session"], first["group"]) == ("survey", "tile-t1", "tile-${tile}")
    assert (first["from"], first["to"], first["replica"]) == (None, "accepted", 1)
    assert {event["id"] for event in events} == {one["id"] for one in sandbox.sessions()}
    steps = [event for event in events if event["name"] == "tile-t1"]
    assert [one["from"] for one in steps[1:]] == [one["to"] for one in steps[:-1]]
    times = [datetime.fromisoformat(event["time"]) for event in events]
    assert times == sorted(times)
    assert times[0].utcoffset().total_seconds() == 0
    # appended to, and only by what changes
    desk.apply("--events", "run.jsonl")
    assert lines(desk) == events


def test_refresh_writes_the_changes_since_the_last_invocation(desk, sandbox):
    desk.script("until [ -e go ]; do sleep 0.05; done\n")
    desk.write({"name": "tile", "cmd": "bash", "args": ["run.sh"]})
    desk.apply()
    (desk.folder / "go").touch()
    sandbox.wait_idle()
    desk("refresh", "--events", "run.jsonl")
    assert [(event["name"], event["to"]) for event in lines(desk)][-1] == ("tile", "done")


def test_a_file_that_cannot_be_written_is_one_error_and_nothing_is_sent(desk, sandbox, one_line):
    desk.write({"name": "tile", "cmd": "true"})
    sandbox.forget_requests()
    for words in (["apply", "--yes"], ["refresh"]):
        one_line(
            desk(*words, "--events", "no/such/run.jsonl", code=1), r"event file cannot be written: no/such/run\.jsonl"
        )
    assert sandbox.requests()["total"] == 0


def test_a_line_that_was_cut_short_is_ended_before_the_next_begins(desk):
    desk.write({"name": "tile", "cmd": "true"})
    (desk.folder / "run.jsonl").write_text('{"time": "2026')
    desk.apply("--events", "run.jsonl")
    cut, *whole = (desk.folder / "run.jsonl").read_text().splitlines()
    assert cut == '{"time": "2026'
    assert json.loads(whole[0])["to"] == "accepted"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a disk that is always full")
def test_full_disk_stops_no_work_and_is_reported(desk):
    desk.write({"name": "tile", "cmd": "true"})
    ended = desk.apply("--wait", "complete", *POLL, "--events", "/dev/full", code=1)
    assert "No space left" in ended.err
    assert "missing in /dev/full" in ended.err
    assert "1 created" in ended.out
    assert desk.plan()["summary"]["done"] == 1


def test_each_change_is_written_at_least_once_although_the_tool_is_killed(desk, sandbox):
    sandbox.settings(slots=4)
    desk.write({"name": "tile", "replicas": 24, "cmd": "sleep", "args": ["0.3"]})
    words = ("apply", "--yes", "--settle", "0.3s", "--wait", "complete", "--poll", "0.1s", "--events", "run.jsonl")
    for pause in (0.2, 0.5, 0.9, 0.3):
        seen = (desk.folder / "run.jsonl").stat().st_size if (desk.folder / "run.jsonl").exists() else 0
        process = desk.start(*words)
        file = desk.folder / "run.jsonl"
        sandbox.wait_until(lambda: process.poll() is not None or (file.exists() and file.stat().st_size > seen))  # noqa: B023
        time.sleep(pause)
        process.send_signal(signal.SIGKILL)
        desk.finish(process, check=False)
    desk(*words)
    found = paths(lines(desk))
    assert sorted(found) == sorted(f"tile-{replica}" for replica in range(1, 25))
    assert {path[-1] for path in found.values()} == {(1, "done")}
    told = {event["id"] for event in lines(desk) if event["to"] == "done"}
    assert told == {one["id"] for one in sandbox.sessions()}
