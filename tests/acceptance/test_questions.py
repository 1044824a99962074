"""The question before anything is changed: in a real terminal, without one, and with JSON output."""

from __future__ import annotations

import json
import signal

import pytest

SLEEP = {"name": "reduce", "replicas": 2, "cmd": "sleep", "args": ["600"]}


def test_terminal_declines_with_no_and_approves_with_yes(desk):
    desk.write(SLEEP)
    said_no = desk.in_terminal("apply", answer="n\n", code=1)
    assert "2 to create" in said_no.out
    assert "nothing was changed" in said_no.out
    assert desk.writes() == {}
    said_yes = desk.in_terminal("apply", "--settle", "0.5s", answer="yes\n")
    assert "2/2" in said_yes.err  # the progress bar
    assert sorted(desk.live()) == ["reduce-1", "reduce-2"]
    assert "No changes" in desk("apply").out  # an empty plan asks nothing
    assert desk.in_terminal("destroy", answer="\n", code=1).code == 1
    assert len(desk.live()) == 2
    desk.in_terminal("destroy", answer="y\n")
    assert desk.live() == {}


def test_without_a_terminal_nothing_is_sent_unless_yes(desk):
    desk.write(SLEEP)
    for command in ("apply", "destroy"):
        code = 4 if command == "apply" else 0  # nothing to destroy, nothing to ask
        ended = desk(command, code=code)
        assert ("--yes" in ended.err) == (code == 4)
    assert "--yes" in desk("apply", stdin="yes\n", code=4).err
    assert desk.writes() == {}


def test_json_stands_alone_on_standard_output(desk):
    desk.write(SLEEP)
    assert set(desk.plan()) >= {"format_version", "project", "server", "digest", "has_changes", "summary", "actions"}
    report = json.loads(desk.apply("-o", "json", "--wait", "ready", "--poll", "0.3s").out)
    assert set(report) >= {"format_version", "project", "applied", "failed", "sessions"}
    assert [row["phase"] for row in report["sessions"]] == ["running", "running"]
    assert [row["phase"] for row in desk("status", "-o", "json").json["sessions"]] == ["running", "running"]


@pytest.mark.parametrize("words", [("apply",), ("destroy",), ("mark", "rerun", "reduce", "--force")])
def test_ctrl_c_at_a_question_changes_nothing_and_prints_no_error(desk, words):
    desk.write(SLEEP)
    if words != ("apply",):
        desk.apply()
    before = desk.writes()
    ended = desk.in_terminal(*words, answer=signal.SIGINT, code=130)
    assert "interrupted: nothing was changed" in ended.err
    assert not any(line.startswith("error") for line in ended.err.splitlines())
    assert desk.writes() == before
