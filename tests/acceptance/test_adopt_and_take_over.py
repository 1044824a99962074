"""Sessions that somebody started by hand: not touched, adopted, or taken over, as the user chooses."""

from __future__ import annotations

import json

SLEEP = {"name": "reduce", "replicas": 3, "cores": 2, "ram": 8, "cmd": "sleep", "args": ["600"]}
LIKE = {"cmd": "sleep", "args": "600", "cores": 2, "ram": 8}


def test_unmanaged_session_of_the_same_name_is_a_conflict_and_the_rest_continues(desk, sandbox):
    desk.write(SLEEP)
    stranger = sandbox.create(name="Reduce-2", **LIKE).text.strip()
    ended = desk.apply(code=8)
    assert "1 in conflict" in ended.out
    assert "--adopt" in ended.out
    assert "--take-over" in ended.out
    planned = desk("plan", "--target", "reduce").out
    assert planned.endswith("To delete and replace it:\n  skaha-apply plan --target reduce --take-over\n")
    again = "skaha-apply apply --yes --settle 0.5s --target reduce"
    ended = desk.apply("--target", "reduce", code=8)
    assert f"To record 1 unmanaged session in the state, if it matches:\n  {again} --adopt\n" in ended.out
    assert f"To delete and replace it:\n  {again} --take-over\n" in ended.out
    live = desk.live()
    assert sorted(live) == ["reduce-1", "reduce-2", "reduce-3"]
    assert live["reduce-2"]["id"] == stranger
    assert desk.writes() == {"POST": 3}  # one by hand, and two by apply

    # destroy leaves it as well
    desk("destroy", "--yes")
    assert [row["id"] for row in desk.live().values()] == [stranger]


def test_adopt_records_what_matches_and_refuses_what_does_not(desk, sandbox):
    desk.write(SLEEP)
    matching = sandbox.create(name="reduce-1", **LIKE).text.strip()
    other = sandbox.create(name="reduce-2", **(LIKE | {"ram": 4})).text.strip()
    ended = desk.apply("--adopt", code=8)
    assert "could not be compared" in ended.out
    live = desk.live()
    assert (live["reduce-1"]["id"], live["reduce-2"]["id"]) == (matching, other)
    assert {one["name"] for one in desk.state["replicas"]} == {"reduce-1", "reduce-3"}
    # it is managed from now on
    plan = desk.plan()
    assert [(action["action"], action["name"]) for action in plan["actions"]] == [("conflict", "reduce-2")]
    desk.apply("--take-over")
    live = desk.live()
    assert sorted(live) == ["reduce-1", "reduce-2", "reduce-3"]
    assert live["reduce-2"]["id"] != other
    assert live["reduce-1"]["id"] == matching
    assert desk.plan()["has_changes"] is False


def test_the_record_of_an_adopted_session_has_the_ram_of_its_attempt(desk, sandbox):
    desk.write({**SLEEP, "retries": 2, "retry_ram": [16, 32]})
    for number, ram in enumerate((8, 16, 32), start=1):
        sandbox.create(name=f"reduce-{number}", **(LIKE | {"ram": ram}))
    desk.apply("--adopt")
    assert desk.writes() == {"POST": 3}  # by hand
    assert [one["ram"] for one in desk.state["replicas"]] == [8, 16, 32]
    assert [row["ram"] for row in desk("status", "-o", "json").json["sessions"]] == [8, 16, 32]


def test_ended_unmanaged_sessions_are_adopted_only_on_request(desk, sandbox):
    desk.write({**SLEEP, "replicas": 1})
    stranger = sandbox.create(name="reduce", **(LIKE | {"cmd": "true", "args": None})).text.strip()
    sandbox.wait_idle()
    for option in ("--adopt", "--adopt=active"):
        (action,) = desk.plan(option)["actions"]
        assert action["action"] == "conflict"
    (action,) = desk.plan("--adopt=ended")["actions"]
    assert (action["action"], action["id"]) == ("adopt", stranger)
    desk.apply("--adopt=ended")
    assert desk.writes() == {"POST": 1}
    sandbox.clock(2 * 86400)
    assert json.loads(desk("plan", "-o", "json").out)["summary"]["done"] == 1
