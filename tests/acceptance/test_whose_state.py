"""A state belongs to one server, one account and one project; a rehearsal never marks real work as done."""

from __future__ import annotations

import json
import subprocess

import pytest

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}


@pytest.fixture
def applied(desk):
    desk.write(SLEEP)
    desk.apply()
    return desk


@pytest.mark.parametrize("command", ["plan", "apply"])
def test_another_accounts_credential_is_refused_when_it_lists_sessions(applied, desk_at, sandbox, one_line, command):
    other = {"Authorization": "Bearer token-of-another"}
    form = {"name": "theirs", "image": "images.canfar.net/skaha/astroml:24.07", "cmd": "sleep", "args": "600"}
    assert sandbox.http.post("/skaha/v1/session", data=form, headers=other).status_code == 200
    refused(applied, sandbox, one_line, command, r"account 'sandbox'", r"'another'")


@pytest.mark.parametrize("command", ["plan", "apply", "refresh", "status", "mark"])
def test_another_accounts_credential_is_refused_when_its_list_is_empty(applied, sandbox, one_line, command):
    refused(applied, sandbox, one_line, command, r"account 'sandbox'", r"'another'")


def refused(desk, sandbox, one_line, command, *said):
    before = desk.files()
    sandbox.forget_requests()
    words = {"apply": ["apply", "--yes"], "mark": ["mark", "hold", "reduce", "--yes"]}.get(command, [command])
    ended = desk(*words, code=1, SKAHA_TOKEN="token-of-another")
    one_line(ended, *said)
    assert desk.writes() == {}
    assert desk.files() == before
    assert desk.plan()["has_changes"] is False  # with the right credential all is as it was


def test_another_server_is_refused_and_names_both(applied, one_line):
    before = applied.files()
    ended = applied("plan", "--state", applied.state_path, "--server", "https://skaha.example.org/skaha/v1", code=1)
    one_line(ended, r"localhost", r"skaha\.example\.org")
    assert applied.files() == before


def test_a_state_of_another_project_is_refused_and_names_both(applied, one_line, sandbox):
    applied.write(SLEEP, project="other")
    before = applied.files()
    sandbox.forget_requests()
    ended = applied("apply", "--yes", "--state", applied.state_path, code=1)
    one_line(ended, r"project 'survey'", r"'other'", r"state mv")
    assert applied.files() == before
    assert applied.writes() == {}


def test_sandbox_state_is_not_used_for_another_server(desk_at, sandbox, tmp_path):
    """A checkout, its manifest applied with --sandbox, then planned against a server: all sessions would be new."""
    checkout = tmp_path / "checkout"
    desk = desk_at(checkout, sandbox)
    subprocess.run(["git", "init", "-q", str(checkout)], check=True)
    desk.write(
        {"name": "observe", "cmd": "bash", "args": ["observe.sh"]},
        {"name": "find", "replicas": 3, "cmd": "bash", "args": ["find.sh"], "needs": ["observe"]},
        {"name": "merge", "cmd": "bash", "args": ["merge.sh"], "needs": ["find"]},
        name="manifests/quick/quick.yaml",
    )
    (checkout / "observe.sh").write_text("echo observed > raw\n")
    (checkout / "find.sh").write_text("cat raw > found-$REPLICA_ID-of-$REPLICA_COUNT\n")
    (checkout / "merge.sh").write_text("cat found-* > merged\n")
    inside = checkout / "manifests"
    desk.environment["PYTHONWARNINGS"] = ""  # the sandbox outlives the command that starts it, as it should
    try:
        ended = desk(
            "apply", "quick", "--sandbox", "--wait", "complete", "--poll", "0.3s", "--yes", "-o", "json", cwd=inside
        )
        assert {row["phase"] for row in ended.json["sessions"]} == {"done"}
        assert (checkout / "merged").read_text() == "observed\n" * 3
        assert (checkout / ".skaha-apply" / "sandbox" / "survey.state.json").exists()
        listed = subprocess.check_output(["git", "status", "--porcelain", "-uall"], cwd=checkout, text=True)
        assert ".skaha-apply" not in listed
        assert desk.writes() == {}  # the other server has seen nothing

        plan = json.loads(desk("plan", "-o", "json").out)
        assert {action["action"] for action in plan["actions"]} == {"create", "wait"}
        assert len(plan["actions"]) == 5
        assert json.loads(desk("plan", "-o", "json", "--sandbox").out)["summary"]["done"] == 5
    finally:
        assert "stopped" in desk("sandbox", "stop").out
