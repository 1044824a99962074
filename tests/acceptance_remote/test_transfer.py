"""`state pull` and `state push`: byte by byte out, and in only where nothing newer or other is."""

from __future__ import annotations

import json

import pytest

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}


@pytest.fixture
def applied(desk):
    desk.write(SLEEP)
    desk.apply()
    return desk


def pulled(desk, *words):
    """What is printed, in bytes."""
    done = desk.prepared.run(["state", "pull", *words], cwd=desk.folder, env=desk.environment, text=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def edited(desk, name="edited.json", **changes):
    """A copy of the state with some members changed."""
    path = desk.folder / name
    path.write_text(json.dumps(desk.state | changes))
    return path


def test_pull_prints_the_stored_bytes(applied, remote_desk):
    applied.state_path.write_bytes(applied.state_path.read_bytes() + b"\n \n")
    assert pulled(applied) == applied.state_path.read_bytes()
    assert pulled(applied, "--project", "survey") == applied.state_path.read_bytes()


def test_a_remote_state_is_pulled_byte_by_byte(plain_desk):
    plain_desk.write(SLEEP)
    plain_desk.apply()
    plain_desk.store.state += b"\n "
    assert pulled(plain_desk) == plain_desk.store.state


def test_damaged_state_is_printed_and_reported_as_damaged(applied):
    data = applied.state_path.read_bytes()
    applied.state_path.write_bytes(data[:-40])
    ended = applied("state", "pull", code=1)
    assert ended.out.encode() == data[:-40]
    assert "error: the state that was printed is incomplete" in ended.err


def test_without_a_state_there_is_nothing_to_pull(desk, one_line):
    desk.write(SLEEP)
    one_line(desk("state", "pull", code=1), r"project 'survey' has no state at", hint=False)


def test_a_state_moves_to_another_store_and_nothing_runs_again(applied, remote_desk):
    """`remote_desk` works in the same folder: what was in a file is from now on in its store."""
    data = pulled(applied)
    (applied.folder / "survey.json").write_bytes(data)
    said = remote_desk("state", "push", "survey.json").out
    assert "pushed to" in said
    assert remote_desk.store.stored.serial == json.loads(data)["serial"]
    assert remote_desk.store.lock is None
    applied.state_path.unlink()
    assert remote_desk.plan()["summary"]["unchanged"] == 3
    assert "holds this state already" in remote_desk("state", "push", "survey.json").out
    assert "holds this state already" in remote_desk("state", "push", "-", stdin=data.decode()).out


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"lineage": "another"}, r"another lineage \(another\)"),
        ({"serial": 1}, r"not newer than the stored state.*serial is 1, "),
        ({"written": "2001-01-01T00:00:00.000Z", "serial": 900}, r"is older than the stored state"),
        ({"server": "other.example.org/skaha/v1", "serial": 900}, r"other\.example\.org.*localhost"),
        ({"project": "other", "serial": 900}, r"'other'.*'survey'"),
    ],
    ids=["lineage", "serial", "written", "server", "project"],
)
def test_state_that_does_not_follow_is_refused_and_nothing_is_written(applied, one_line, changes, said):
    path = edited(applied, **changes)
    before = applied.files()
    words = ["--state", applied.state_path] if "project" in changes else []
    one_line(applied("state", "push", path, *words, code=1), said)
    assert applied.files() == before


def test_a_state_changed_by_hand_is_taken_with_the_next_serial(applied):
    before = applied.state
    path = edited(applied, serial=before["serial"] + 1, writer="me")
    applied("state", "push", path)
    assert applied.state["serial"] == before["serial"] + 1
    assert applied.state["writer"] == "me"
    assert applied.plan()["has_changes"] is False


def test_a_push_that_names_another_project_is_refused(applied, one_line):
    path = edited(applied)
    one_line(applied("state", "push", path, "--project", "other", code=4), r"project 'survey', not of 'other'")


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"<html>", b'{"version": 4, "serial": 3, "lineage": "x"}', None])
def test_file_that_is_not_a_state_is_one_clear_message(applied, one_line, content):
    path = applied.folder / "x.json"
    if content is not None:
        path.write_bytes(content)
    before = applied.files()
    one_line(applied("state", "push", path, code=4 if content is None else 1), r"x\.json", hint=content is not None)
    assert applied.files() == before


def test_a_locked_state_refuses_a_push_and_not_a_pull(plain_desk, one_line):
    plain_desk.write(SLEEP)
    plain_desk.apply()
    path = plain_desk.folder / "x.json"
    path.write_bytes(pulled(plain_desk))
    plain_desk.store.lock = {"ID": "another", "Who": "bob@ci"}
    one_line(plain_desk("state", "push", path, code=6), r"bob@ci")
    assert pulled(plain_desk) == plain_desk.store.state
