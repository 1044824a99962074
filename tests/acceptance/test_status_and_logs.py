"""`status`, `logs`, `events`, `refresh`, `destroy`: while the server has a session, and after it dropped it."""

from __future__ import annotations

SAY = {"name": "say", "replicas": 2, "cmd": "bash", "args": ["say.sh"]}


def test_logs_and_events_live_and_saved(desk, sandbox):
    (desk.folder / "say.sh").write_text('echo "hello from $REPLICA_ID of $REPLICA_COUNT"; sleep 600\n')
    desk.write(SAY)
    assert "matches no replica" in desk("logs", "say", code=4).err
    desk.apply("--wait", "ready", "--poll", "0.3s")
    sandbox.wait_until(
        lambda: all(sandbox.get(f"/session/{row['id']}", view="logs").text for row in desk.live().values())
    )
    assert desk("logs", "say/1").out == "hello from 1 of 2\n"
    both = desk("logs", "say").out
    assert both.index("hello from 1 of 2") < both.index("hello from 2 of 2")
    assert "Started" in desk("events", "say/1").out
    # its log is kept when a session is deleted, and long after the server has forgotten it
    desk("destroy", "--yes")
    assert desk.live() == {}
    sandbox.clock(2 * 86400)
    assert desk("logs", "say/2").out == "hello from 2 of 2\n"
    assert "Started" in desk("events", "say-2").out
    assert "no-such" in desk("logs", "no-such", code=4).err


def test_refresh_saves_what_would_vanish(desk, sandbox):
    (desk.folder / "say.sh").write_text('echo "hello from $REPLICA_ID of $REPLICA_COUNT"\n')
    desk.write(SAY)
    desk.apply()
    sandbox.wait_idle()
    sandbox.forget_requests()
    assert "up to date with the server" in desk("refresh").out
    assert desk.writes() == {}
    sandbox.clock(2 * 86400)
    assert desk.live() == {}
    assert desk("logs", "say/1").out == "hello from 1 of 2\n"
    rows = desk("status", "-o", "json").json["sessions"]
    assert [(row["name"], row["replica"], row["phase"]) for row in rows] == [("say-1", 1, "done"), ("say-2", 2, "done")]
    text = desk("status").out
    assert all(name in text for name in ("say-1", "say-2", "done"))


def test_destroy_deletes_what_is_owned_and_keeps_what_is_protected_or_done(desk, sandbox):
    desk.write(
        {"name": "long", "replicas": 12, "cmd": "sleep", "args": ["600"]},
        {"name": "short", "cmd": "true"},
        {"name": "kept", "kind": "notebook", "protect": True},
    )
    stranger = sandbox.create(name="long-13", cmd="sleep", args="600").text.strip()
    desk.apply()
    sandbox.wait_until(lambda: desk.live()["short"]["status"] == "Completed")
    ended = desk("destroy", "--yes")
    assert "12 to delete" in ended.out
    assert "protected" in ended.out
    live = desk.live()
    assert sorted(live) == ["kept", "long-13", "short"]
    assert live["long-13"]["id"] == stranger
    # the record of finished work stays
    plan = desk.plan()
    assert (plan["summary"]["create"], plan["summary"]["done"], plan["summary"]["unchanged"]) == (12, 1, 1)
