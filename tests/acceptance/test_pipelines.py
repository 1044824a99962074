"""A survey from one manifest to its end, on real processes: limits, retries, stages tile by tile, lists that grow."""

from __future__ import annotations

import signal
from collections import Counter

import pytest

POLL = ("--poll", "0.2s")
WAIT = ("--wait", "complete", *POLL)
DAY = 86_400


def tiles(desk, count, first=0):
    """Write the list of tiles, and give it."""
    names = [f"{270 + index // 100}.{index % 100:02}" for index in range(first, first + count)]
    (desk.folder / "tiles.txt").write_text("# the tiles\n" + "".join(f"{name}\n" for name in names))
    return names


def stage(name, *args, needs=(), **keys):
    """One session for each tile of the list."""
    need = {"needs": list(needs)} if needs else {}
    return {
        "name": f"{name}-${{tile}}",
        "matrix": {"tile": {"file": "tiles.txt"}},
        "cmd": "sh",
        "args": ["run.sh", name, "${tile}", *args],
        **need,
        **keys,
    }


def combine(*needs, **keys):
    return {"name": "combine", "cmd": "sh", "args": ["run.sh", "combine"], "needs": list(needs), **keys}


def stages(sessions):
    """How many sessions there are of each stage."""
    return Counter(one["name"].partition("-")[0] for one in sessions)


def most_active(sessions):
    """How many were active at once at the server, from the creation of each to its end."""
    steps = sorted((at, step) for one in sessions for at, step in ((one["created"], 1), (one["ended"], -1)))
    active = most = 0
    for _, step in steps:  # an end at the very moment of a creation comes first, as the server has it
        active += step
        most = max(most, active)
    return most


def test_three_hundred_tiles_under_a_limit_run_once_each_although_the_tool_is_killed(desk, sandbox):
    names = tiles(desk, 300)
    desk.script('echo "$2" >> ran.txt\n')
    desk.write(stage("tile", parallelism=8))
    process = desk.start("apply", "--yes", "--settle", "0.5s", *WAIT)
    sandbox.wait_until(lambda: len(sandbox.sessions()) > 60)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=30)
    half = len(sandbox.sessions())
    assert half < 300

    desk.apply(*WAIT)

    made = sandbox.sessions()
    assert Counter(one["name"] for one in made) == {f"tile-{name.replace('.', '-')}": 1 for name in names}
    assert Counter((desk.folder / "ran.txt").read_text().split()) == dict.fromkeys(names, 1)
    assert most_active(made) <= 8
    sandbox.clock(DAY)
    again = desk.plan()
    assert (again["summary"]["done"], again["has_changes"]) == (300, False)
    desk.apply()
    assert len(sandbox.sessions()) == 300


def test_a_list_that_grows_shrinks_to_nothing_and_comes_back(desk, sandbox):
    names = tiles(desk, 30)
    desk.script("true\n")
    desk.write(stage("find"), stage("measure", needs=["find-${tile}"]), combine("measure-${tile}"), max_active=12)
    desk.apply(*WAIT)
    made = sandbox.sessions()
    assert len(made) == 61
    (last,) = [one for one in made if one["name"] == "combine"]
    assert last["created"] >= max(one["ended"] for one in made if one is not last)

    (desk.folder / "tiles.txt").write_text("# oh dear\n\n")
    refused = desk.apply(code=7)
    assert "the list of" in refused.out + refused.err
    tiles(desk, 30)
    assert desk.plan()["has_changes"] is False

    tiles(desk, 40)
    plan = desk.plan()
    assert plan["summary"]["done"] == 60
    desk.apply(*WAIT)
    more = stages(sandbox.sessions()[61:])
    assert more == {"find": 10, "measure": 10, "combine": 1}
    assert desk.plan()["summary"]["done"] == 81
    assert len(names) == 30


def test_a_tile_that_fails_twice_and_one_that_always_does(desk, sandbox):
    tiles(desk, 6)
    desk.script(
        'echo "$1 $2 attempt $SKAHA_APPLY_ATTEMPT"\n'
        '[ "$1 $2" = "find 270.02" ] && [ "$SKAHA_APPLY_ATTEMPT" -lt 3 ] && exit 1\n'
        '[ "$1 $2" = "find 270.04" ] && exit 4\n'
        "true\n",
    )
    desk.write(
        stage("find", retries=2, retry_wait="1s"),
        stage("measure", needs=["find-${tile}"]),
        combine("measure-${tile}"),
    )
    ended = desk.apply(*WAIT, code=9)
    runs = Counter(one["name"] for one in sandbox.sessions())
    assert runs.pop("find-270-02") == 3
    assert runs.pop("find-270-04") == 3
    assert set(runs.values()) == {1}
    assert "measure-270-04" not in runs
    assert "combine" not in runs
    assert len(runs) == 4 + 5
    assert "find-270-04" in ended.out
    assert desk.plan()["summary"] | {"done": 10, "failed": 1, "blocked": 2} == desk.plan()["summary"]

    logs = sorted(desk.folder.glob(".skaha-apply/localhost/logs/survey/find-270-02/*.log"))
    assert [path.name.partition("-")[0] for path in logs] == ["1", "2", "3"]
    assert [path.read_text() for path in logs] == [f"find 270.02 attempt {attempt}\n" for attempt in (1, 2, 3)]


def test_the_second_stage_of_a_fast_tile_does_not_wait_for_a_slow_one(desk, sandbox):
    tiles(desk, 3)
    desk.script('[ "$1 $2" = "find 270.01" ] && while [ ! -e go ]; do sleep 0.05; done\ntrue\n')
    desk.write(stage("find"), stage("measure", needs=["find-${tile}"]), combine("measure-${tile}"))
    process = desk.start("apply", "--yes", "--settle", "0.5s", *WAIT)

    def fast_ones_are_through():
        done = {one["name"] for one in sandbox.sessions() if one["status"] == "Completed"}
        return {"measure-270-00", "measure-270-02"} <= done

    sandbox.wait_until(fast_ones_are_through)
    assert {one["status"] for one in sandbox.sessions() if one["name"] == "find-270-01"} == {"Running"}
    (desk.folder / "go").touch()
    desk.finish(process)
    assert stages(sandbox.sessions()) == {
        "find": 3,
        "measure": 3,
        "combine": 1,
    }


def test_another_first_stage_runs_the_second_again(desk, sandbox):
    tiles(desk, 4)
    desk.script("true\n")
    desk.write(stage("find"), stage("measure", needs=["find-${tile}"]), combine("measure-${tile}"))
    desk.apply(*WAIT)
    assert len(sandbox.sessions()) == 9
    desk.write(stage("find", "deeper"), stage("measure", needs=["find-${tile}"]), combine("measure-${tile}"))
    desk.apply(*WAIT)
    assert stages(sandbox.sessions()[9:]) == {
        "find": 4,
        "measure": 4,
        "combine": 1,
    }
    assert desk.plan()["summary"]["done"] == 9


def test_without_logs_none_is_asked_for(desk, sandbox):
    tiles(desk, 3)
    desk.script("true\n")
    desk.write(stage("find"))
    desk.apply(*WAIT, "--no-logs")
    assert not any("view=" in route or "{id}" in route for route in sandbox.requests(0)["counts"])
    assert not list(desk.folder.glob(".skaha-apply/localhost/logs/**/*.log"))


def test_several_projects_share_the_limit_of_the_account(desk, sandbox):
    tiles(desk, 8)
    desk.script("sleep 0.2\n")
    for project in ("north", "south"):
        name = {"name": f"{project}-${{tile}}"}
        desk.write(stage("x") | name, project=project, name=f"{project}.yaml", max_active={"account": 3})
    sandbox.faults(list_lag_s=0.4)
    desk.apply(*WAIT)
    assert len(sandbox.sessions()) == 16
    assert most_active(sandbox.sessions()) <= 3


def test_what_will_be_tried_again_has_not_failed_yet(desk, sandbox):
    tiles(desk, 1)
    desk.script("false\n")
    desk.write(stage("find", retries=1, retry_wait="1h"))
    desk.apply()
    sandbox.wait_idle()
    assert "next attempt in" in desk.apply().out
    sandbox.clock(3605)  # an hour and more: the times of the server are whole seconds
    retried = desk.apply(check=False)
    assert retried.code in (0, 9)  # the last attempt may fail before this apply ends
    assert "1 retried" in retried.out
    sandbox.wait_idle()
    desk.apply(code=9)


@pytest.mark.parametrize("way", ["mark", "rerun", "complete"])
def test_vanished_replica_is_unknown_until_it_is_marked(desk, sandbox, way):
    tiles(desk, 3)
    desk.script('[ "$1 $2" = "find 270.01" ] && [ ! -e go ] && sleep 600\ntrue\n')
    desk.write(stage("find"), combine("find-${tile}"))
    desk.apply()
    sandbox.wait_until(lambda: sandbox.status()["active"] == 1)
    desk("refresh")
    (slow,) = [one["id"] for one in sandbox.sessions() if one["name"] == "find-270-01"]
    sandbox.clock(3600)
    sandbox.expire(slow)

    (unknown,) = [one for one in desk.plan()["actions"] if one["action"] == "unknown"]
    assert unknown["name"] == "find-270-01"
    desk.apply(code=9)
    assert len(sandbox.sessions()) == 3
    (desk.folder / "go").touch()
    if way == "mark":
        desk("mark", "complete", "--phase", "unknown", "--yes")
        desk.apply(*WAIT)
    else:
        desk.write(stage("find", vanished=way), combine("find-${tile}"))
        desk.apply(*WAIT)
    more = {"rerun": ["find-270-01", "combine"]}.get(way, ["combine"])
    assert [one["name"] for one in sandbox.sessions()[3:]] == more
    assert desk.plan()["summary"]["done"] == 4


@pytest.mark.parametrize(("way", "sessions"), [("complete", 1), ("hold", 2)])
def test_one_that_a_script_removes_between_two_listings(desk, sandbox, way, sessions):
    desk.write({"name": "find", "cmd": "sleep", "args": ["600"], "vanished": way})
    desk.apply()
    desk("refresh")
    (first,) = sandbox.sessions()
    sandbox.delete(first["id"])
    sandbox.wait_idle()
    (action,) = desk.plan("--all")["actions"]
    assert "after it was last seen running" in action["reason"]
    desk.apply()
    assert len(sandbox.sessions()) == sessions
    assert desk.plan()["summary"]["done"] == 2 - sessions


def test_what_was_finished_before_the_first_apply_is_brought_in(desk, sandbox):
    names = tiles(desk, 20)
    desk.script("true\n")
    desk.write(stage("find"))
    (desk.folder / "ok.txt").write_text("".join(f"{name}\n" for name in names[:15]))
    desk("mark", "complete", "--from", "ok.txt", "--axis", "tile", "--yes")
    desk.apply(*WAIT)
    assert sorted(one["name"] for one in sandbox.sessions()) == [
        f"find-{name.replace('.', '-')}" for name in names[15:]
    ]
    assert desk.plan()["summary"]["done"] == 20


def test_account_limit_counts_unmanaged_sessions(desk, sandbox):
    tiles(desk, 6)
    desk.script("true\n")
    for index in range(3):
        assert sandbox.create(name=f"by-hand-{index}", cmd="sleep", args="600").status_code == 200
    desk.write(stage("tile"), max_active={"account": 5})
    desk.apply(*WAIT)
    made = [one for one in sandbox.sessions() if one["name"].startswith("tile")]
    assert len(made) == 6
    assert most_active(made) <= 2


def test_a_pilot_goes_first_and_a_bad_script_costs_ten_jobs(desk, sandbox):
    tiles(desk, 40)
    desk.script("[ -e mended ]\n")
    desk.write(stage("tile", pilot=2))
    desk.apply(*WAIT, code=9)
    assert len(sandbox.sessions()) == 2
    desk.write(stage("tile", stop_after=5, parallelism=1))
    desk.apply(*WAIT, code=9)
    assert len(sandbox.sessions()) <= 6
    (desk.folder / "mended").touch()
    desk("mark", "rerun", "--phase", "failed", "--yes")
    desk.write(stage("tile", stop_after=5))
    desk.apply(*WAIT)
    assert desk.plan()["summary"]["done"] == 40


def test_what_runs_too_long_has_failed_and_its_log_is_kept(desk, sandbox):
    tiles(desk, 2)
    desk.script('echo "begun $2"\n[ "$2" = 270.01 ] && [ "$SKAHA_APPLY_ATTEMPT" = 1 ] && sleep 600\ntrue\n')
    desk.write(stage("tile", retries=1, retry_wait="1s", timeout="2s"))
    desk.apply(*WAIT)
    assert Counter(one["name"] for one in sandbox.sessions()) == {"tile-270-00": 1, "tile-270-01": 2}
    assert desk.plan()["summary"]["done"] == 2
    (first,) = desk.folder.glob(".skaha-apply/localhost/logs/survey/tile-270-01/1-*.log")
    assert first.read_text() == "begun 270.01\n"
