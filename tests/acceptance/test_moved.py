"""`moved`: an entry is renamed in the manifest, its records follow, and nothing runs again."""

from __future__ import annotations

import pytest

TILES = {"name": "tile-${tile}", "matrix": {"tile": ["a", "b"]}, "cmd": "true", "args": ["${tile}"]}
REDUCE = {"name": "reduce", "replicas": 3, "cmd": "true"}


def test_a_session_with_replicas_and_a_matrix_are_renamed_and_nothing_runs_again(desk, sandbox):
    desk.write(TILES, {**REDUCE, "needs": ["tile-${tile}"]})
    desk.apply("--wait", "complete", "--poll", "0.3s")
    created = len(sandbox.sessions())
    moved = [{"from": "REDUCE", "to": "fit"}, {"from": "tile-${tile}", "to": "field-${tile}"}]
    field = {**TILES, "name": "field-${tile}"}
    desk.write(field, {**REDUCE, "name": "fit", "needs": ["field-${tile}"]}, moved=moved)
    before = desk.state
    for words in (("plan",), ("plan", "--offline")):
        shown = desk(*words).out
        assert "note: fit is moved from REDUCE: 3 replicas keep their records" in shown
        assert "note: field-${tile} is moved from tile-${tile}: 2 replicas keep their records" in shown
    assert not desk.plan()["has_changes"]
    assert desk.state == before  # a plan stores nothing
    assert {row["session"] for row in desk("status", "-o", "json").json["sessions"]} == {"fit", "field-a", "field-b"}
    desk.apply("--wait", "complete", "--poll", "0.3s")
    assert len(sandbox.sessions()) == created
    assert {one["session"] for one in desk.state["replicas"]} == {"fit", "field-a", "field-b"}
    serial = desk.state["serial"]
    assert "moved" not in desk("plan").out  # the line stays, and has no effect
    desk.apply()
    assert desk.state["serial"] == serial


def test_a_running_session_keeps_its_name_on_the_server(desk, sandbox):
    desk.write({"name": "tile", "cmd": "sleep", "args": ["600"]})
    desk.apply()
    desk.write({"name": "field", "cmd": "sleep", "args": ["600"]}, moved=[{"from": "tile", "to": "field"}])
    desk.apply()
    assert len(sandbox.sessions()) == 1
    assert desk.state["replicas"][0]["session"] == "field"


def test_a_chain_moves_states_of_every_age(desk, sandbox):
    chain = [{"from": "b", "to": "c"}, {"from": "a", "to": "b"}]
    for project, name in (("first", "a"), ("second", "b")):
        desk.write({"name": name, "cmd": "true"}, project=project)
        desk.apply("--wait", "complete", "--poll", "0.3s")
        desk.write({"name": "c", "cmd": "true"}, project=project, moved=chain)
        assert not desk.plan()["has_changes"]
    assert len(sandbox.sessions()) == 2


def test_a_state_with_both_names_is_refused_with_the_line(desk):
    desk.write({"name": "tile", "cmd": "true"}, {"name": "field", "cmd": "true"})
    desk.apply("--wait", "complete", "--poll", "0.3s")
    before = desk.state
    desk.write({"name": "field", "cmd": "true"}, moved=[{"from": "tile", "to": "field"}])
    for words in (("plan",), ("apply", "--yes")):
        ended = desk(*words, code=1)
        assert "m.yaml:5:" in ended.err
        assert "tile cannot be moved to field: the state of 'survey' has a session 'field' already" in ended.err
        assert "state forget" in ended.err
    assert desk.state == before


def test_other_axes_are_refused_with_the_line(desk):
    desk.write(TILES)
    desk.apply("--wait", "complete", "--poll", "0.3s")
    two = {**TILES, "name": "tile-${tile}-${band}", "matrix": {"tile": ["a", "b"], "band": ["r"]}}
    desk.write(two, moved=[{"from": "tile-${tile}", "to": "tile-${tile}-${band}"}])
    ended = desk("plan", code=1)
    assert "m.yaml:5:" in ended.err
    assert "has no value 'band'" in ended.err


@pytest.mark.parametrize(
    ("moved", "shown"),
    [
        ([{"from": "old", "to": "redcue"}], "`redcue` is not an entry of the manifest"),
        ([{"from": "fit", "to": "reduce"}], "`fit` is moved, and still an entry of the manifest"),
        ([{"from": "a", "to": "b"}, {"from": "b", "to": "a"}], "the move of `a` leads back to it"),
        ([{"from": "a", "to": "a"}], "the move of `a` leads back to it"),
        ([{"from": "a", "to": "reduce"}, {"from": "A", "to": "fit"}], "`A` is moved twice, first at m.yaml:"),
        ([{"from": "a", "to": "reduce"}, {"from": "b", "to": "reduce"}], "two entries are moved to `reduce`"),
        ([{"from": "a-${t}", "to": "reduce"}], "only one of the names has a reference"),
        ([{"from": "a"}], "moved[0] has no to"),
        ([{"from": "a", "to": "reduce", "x": 1}], "`x` is not a key of moved[0]"),
        (["a"], "moved[0] must be a mapping, not a plain value"),
        ({"a": "reduce"}, "moved must be a list, not a mapping"),
    ],
)
def test_moves_that_cannot_be_meant_are_errors_with_file_and_line(desk, moved, shown):
    desk.write(REDUCE, {"name": "fit", "cmd": "true"}, moved=moved)
    ended = desk("lint", code=1)
    assert shown in ended.out + ended.err
    assert "m.yaml:" in ended.out + ended.err


def test_a_combination_that_stays_in_its_matrix_is_not_moved_so_its_work_runs_once(desk, sandbox):
    desk.write(TILES)
    desk.apply("--wait", "complete", "--poll", "0.3s")
    moved = [{"from": "tile-a", "to": "other"}]
    desk.write(TILES, {"name": "other", "cmd": "true"}, moved=moved)
    ended = desk("apply", "--yes", code=1)
    assert "m.yaml:5:" in ended.err
    assert "`tile-a` is moved, and still a combination of a matrix" in ended.err
    desk.write({**TILES, "matrix": {"tile": ["b"]}}, {"name": "other", "cmd": "true"}, moved=moved)
    assert "other is moved from tile-a" in desk("plan").out
    assert len(sandbox.sessions()) == 2
