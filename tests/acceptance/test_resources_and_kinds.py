"""Values that the server rounds, hides or limits are not a drift, and are shown."""

from __future__ import annotations


def test_rounded_and_flexible_resources_are_not_drift(desk):
    desk.write(
        {"name": "fixed", "cores": 8, "ram": 32, "cmd": "sleep", "args": ["600"]},
        {"name": "Small", "cores": 1, "ram": 4, "cmd": "sleep", "args": ["600"]},
        {"name": "flexible", "cmd": "sleep", "args": ["600"]},
    )
    desk.apply()
    live = desk.live()
    assert live["fixed"]["requestedRAM"] == "34.36"
    assert live["small"]["requestedRAM"] == "4.29"
    assert "requestedRAM" not in live["flexible"]
    assert live["flexible"]["isFixedResources"] is False
    sandbox_writes = desk.writes()
    assert desk.plan("--detailed-exitcode")["summary"]["unchanged"] == 3
    desk.apply()
    assert desk.writes() == sandbox_writes

    # other resources replace what is active
    desk.write(
        {"name": "fixed", "cores": 8, "ram": 64, "cmd": "sleep", "args": ["600"]},
        {"name": "Small", "cores": 1, "ram": 4, "cmd": "sleep", "args": ["600"]},
        {"name": "flexible", "cmd": "sleep", "args": ["600"]},
    )
    (action,) = desk.plan()["actions"]
    assert (action["action"], action["changes"]) == ("replace", [{"path": "ram", "from": 32, "to": 64}])


def test_interactive_kinds_are_made_shown_and_limited(desk, sandbox):
    kinds = [
        {"name": "note", "kind": "notebook", "cores": 2, "ram": 8},
        {"name": "desk", "kind": "Desktop", "image": "images.canfar.net/skaha/desktop:1.1.2"},
        {"name": "view", "kind": "carta", "image": "images.canfar.net/skaha/carta:4.0", "cores": 2, "ram": 8},
    ]
    desk.write(*kinds, {"name": "batch", "cmd": "sleep", "args": ["600"]})
    ended = desk.apply("--wait", "ready", "--poll", "0.3s", "--show-ids")
    live = desk.live()
    assert {name: row["type"] for name, row in live.items()} == {
        "note": "notebook", "desk": "desktop", "view": "carta", "batch": "headless",
    }  # fmt: skip
    for name in ("note", "desk", "view"):
        assert f"open {name}: {live[name]['connectURL']}" in ended.out
    status = {row["name"]: row for row in desk("status", "-o", "json", "--show-ids").json["sessions"]}
    assert status["note"]["connect_url"] == live["note"]["connectURL"]
    assert live["view"]["connectURL"] in desk("status", "--show-ids").out
    assert desk.plan()["has_changes"] is False
    sent = {post["session"]: dict(post["body"]) for post in desk.posts()}
    assert "env" not in sent[live["note"]["id"]]

    # the server lets a user have five; the sixth and seventh wait and nothing is sent for them
    more = [{"name": f"more-{index}", "kind": "notebook", "cores": 1, "ram": 4} for index in range(4)]
    desk.write(*kinds, *more)
    sandbox.forget_requests()
    ended = desk.apply()
    assert "limit of 5 interactive sessions" in ended.out
    assert desk.writes() == {"POST": 2, "DELETE": 1}
    assert desk.plan()["summary"]["wait"] == 2
