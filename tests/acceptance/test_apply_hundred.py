"""The main promise: a hundred replicas, exactly once, however often apply is called."""

from __future__ import annotations

import json

import pytest

NAMES = [f"reduce-{replica}" for replica in range(1, 101)]
REDUCE = {
    "name": "reduce",
    "replicas": 100,
    "cores": 8,
    "ram": 32,
    "cmd": "bash",
    "args": ["hold.sh", "--band", "r"],
    "env": {"NIGHT": "2026-11-22", "LONG": "x" * 2000},
}


@pytest.fixture
def hundred(desk, sandbox):
    """A hundred replicas, applied: the sessions by name."""
    sandbox.settings(grace=0)
    (desk.folder / "hold.sh").write_text("exec sleep 600\n")
    desk.write(REDUCE)
    desk.report = json.loads(desk.apply("-o", "json").out)
    made = {one["name"]: one for one in sandbox.sessions()}
    assert sorted(made) == sorted(NAMES)
    assert len(sandbox.sessions()) == 100
    return made


def test_a_hundred_replicas_are_made_exactly_once_as_asked(desk, sandbox, hundred):
    for replica in range(1, 101):
        one = hundred[f"reduce-{replica}"]
        own = {**REDUCE["env"], "REPLICA_ID": str(replica), "REPLICA_COUNT": "100"}
        ours = {"SKAHA_APPLY_PROJECT": "survey", "SKAHA_APPLY_ATTEMPT": "1"}
        assert one["argv"] == ["bash", "hold.sh", "--band", "r"]
        assert (own | ours).items() <= one["env"].items()
        assert (one["cores"], one["ram"], one["kind"]) == (8, 32, "headless")
    assert len(runs_of(hundred.values())) == 1
    assert (desk.report["applied"], desk.report["failed"]) == ({"create": 100}, [])
    reported = {row["name"]: (row["replica"], row["id"]) for row in desk.report["sessions"]}
    assert reported == {name: (int(name.split("-")[1]), one["id"]) for name, one in hundred.items()}

    posts = desk.posts()
    assert len(posts) == 100
    assert all(post["query"] == [] for post in posts)
    assert all(sum(name == "env" for name, _ in post["body"]) >= 7 for post in posts)

    sandbox.forget_requests()
    assert "No changes" in desk.apply().out
    assert desk.writes() == {}
    assert desk.plan("--detailed-exitcode")["has_changes"] is False


def test_two_deleted_by_hand_are_made_again_and_one_argument_replaces_all(desk, sandbox, hundred):
    for name in ("reduce-7", "reduce-93"):
        sandbox.delete(hundred[name]["id"])
    creates = [("create", "reduce-7"), ("create", "reduce-93")]
    assert [(action["action"], action["name"]) for action in desk.plan()["actions"]] == creates
    sandbox.forget_requests()
    desk.apply()
    assert desk.writes() == {"POST": 2}
    again = {one["name"]: one for one in sandbox.sessions() if one["listed"]}
    assert sorted(again) == sorted(NAMES)
    for name, one in again.items():
        assert (one["id"] == hundred[name]["id"]) == (("create", name) not in creates)
        assert one["env"]["REPLICA_ID"] == name.split("-")[1]
    assert runs_of(again.values()) == runs_of(hundred.values())

    desk.write({**REDUCE, "args": ["hold.sh", "--band", "g"]})
    plan = desk.plan()
    assert plan["summary"]["replace"] == 100
    change = {"path": "args[2]", "from": "r", "to": "g"}
    assert all(action["changes"] == [change] for action in plan["actions"])
    text = desk("plan").out
    assert "reduce [1-100]" in text
    assert 'args[2]: "r" -> "g"' in text
    sandbox.forget_requests()
    desk.apply()
    assert desk.writes() == {"DELETE": 100, "POST": 100}
    listed = [one for one in sandbox.sessions() if one["listed"]]
    assert sorted(one["name"] for one in listed) == sorted(NAMES)
    assert all(one["argv"] == ["bash", "hold.sh", "--band", "g"] for one in listed)
    assert runs_of(listed).isdisjoint(runs_of(hundred.values()))
    assert desk.plan()["has_changes"] is False


def runs_of(sessions):
    return {one["env"]["SKAHA_APPLY_RUN"] for one in sessions}


def test_only_replicas_that_left_the_manifest_are_deleted(desk, sandbox):
    stays = {"name": "stays", "replicas": 8, "cmd": "sleep", "args": ["600"]}
    goes = {"name": "reduce", "replicas": 2, "cmd": "sleep", "args": ["600"]}
    for name in ("reduce-1x", "reduce", "reduce-3", "redu"):  # started by hand, similar names
        assert sandbox.create(name=name, cmd="sleep", args="600").status_code == 200
    strangers = {name: row["id"] for name, row in desk.live().items()}
    desk.write(stays, goes)
    desk.apply()
    owned = {name: row["id"] for name, row in desk.live().items() if name not in strangers}
    assert len(owned) == 10

    desk.write(stays)
    sandbox.forget_requests()
    plan = desk.plan()
    assert [(action["action"], action["name"]) for action in plan["actions"]] == [
        ("delete", "reduce-1"),
        ("delete", "reduce-2"),
    ]
    desk.apply()
    assert desk.writes() == {"DELETE": 2}
    kept = {name: row["id"] for name, row in desk.live().items()}
    assert kept == {**strangers, **{name: owned[name] for name in owned if name.startswith("stays")}}
