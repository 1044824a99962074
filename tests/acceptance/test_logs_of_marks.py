"""A mark replaces records of ended sessions, so it saves their logs, events and causes first, as `refresh` does."""

from __future__ import annotations

import pytest


@pytest.fixture
def failed(desk, sandbox):
    """A session that failed while no `apply` ran."""
    (desk.folder / "fail.sh").write_text('until test -e go; do sleep 0.05; done; echo "error: no flat"; exit 2\n')
    desk.write({"name": "reduce", "cmd": "bash", "args": ["fail.sh"]})
    desk.apply()
    (desk.folder / "go").touch()
    sandbox.wait_until(lambda: [one["status"] for one in sandbox.sessions()] == ["Failed"])


def saved(desk):
    return sorted(path.suffix for path in desk.folder.glob(".skaha-apply/localhost/logs/survey/reduce/*"))


def test_a_mark_keeps_log_and_cause_of_what_failed_while_no_apply_ran(desk, failed):
    ended = desk("mark", "rerun", "--phase", "failed", "--yes")
    assert "error: no flat" in ended.err
    assert desk.state["replicas"][0]["earlier"][0]["cause"] == "error: no flat"
    assert saved(desk) == [".events", ".log"]
    assert desk("logs", "reduce").out == "error: no flat\n"


def test_a_mark_with_no_logs_saves_none(desk, failed):
    desk("mark", "rerun", "reduce", "--no-logs", "--yes")
    assert saved(desk) == []
