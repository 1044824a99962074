"""Plans of matrices: one line an entry, kind and reason, however many combinations it has."""

from __future__ import annotations

import json

import pytest

from skaha_apply.model.plan import Change
from skaha_apply.model.spec import DesiredReplica, SessionSpec
from skaha_apply.render.plan.documents import plan_document
from skaha_apply.render.plan.markdown import plans_markdown
from skaha_apply.render.plan.text import plan_text

NEW = "not in the state and not live"


@pytest.fixture
def tile(action):
    """A function that makes the action of one combination of `tile-${tile}`."""

    def make(kind, value, reason=NEW, replica=1, replicas=1, **more):
        name = f"tile-{value.lower()}"
        spec = SessionSpec(
            name=name, image="i", replicas=replicas, group="tile-${tile}", values={"tile": value, "band": "r"}
        )
        desired = DesiredReplica(spec, replica, spec.live_name(replica), "1:a", "1:b", 0, "tag")
        return action(kind, name, replica, replicas, reason, group="tile-${tile}", desired=desired, **more)

    return make


def tiles(count):
    return [f"T{number:04}" for number in range(1, count + 1)]


def test_thousands_of_combinations_are_one_line(tile, plan):
    made = [tile("done" if number % 500 == 0 else "create", value) for number, value in enumerate(tiles(5000), 1)]
    assert "+   create  tile-${tile}  4,990 of 5,000  (t0001 … t4999)  not in the state and not live\n" in (
        plan_text(plan(*made)).replace("+  ", "+  ")
    )
    assert len(plan_text(plan(*made)).splitlines()) < 10


def test_few_combinations_are_named_and_one_is_itself(tile, plan):
    text = plan_text(plan(tile("create", "T1"), tile("create", "T3"), tile("failed", "T2", "failed in attempt 1")))
    assert "tile-${tile}  2 of 3  (t1, t3)  not in" in text
    assert "!   failed  tile-t2  failed in attempt 1\n" in text


def test_replicas_of_one_combination_are_ranges_and_of_several_are_counted(tile, plan):
    one = [tile("create", "T1", replica=number, replicas=4) for number in (1, 2, 4)]
    assert "tile-t1 [1-2,4]" in plan_text(plan(*one))
    two = [tile("create", value, replica=number, replicas=4) for value in ("T1", "T2") for number in (1, 2)]
    assert "tile-${tile}  4 of 4  (t1, t2)" in plan_text(plan(*two))


def test_reasons_that_name_the_own_combination_are_one_line(tile, plan):
    waits = [tile("wait", value, f"needs reduce-{value.lower()}, which is running") for value in tiles(300)]
    blocked = [tile("blocked", value, f"needs reduce-{value.lower()}, which failed") for value in tiles(400)[300:]]
    lines = plan_text(plan(*waits, *blocked)).splitlines()
    assert [" ".join(row.split()) for row in lines[2:4]] == [
        "* wait tile-${tile} 300 of 400 (t0001 … t0300) needs reduce-${tile}, which is running",
        "x blocked tile-${tile} 100 of 400 (t0301 … t0400) needs reduce-${tile}, which failed",
    ]


def test_changes_that_differ_in_their_own_values_are_one_line(tile, plan):
    replaced = [
        tile("replace", value, "spec changed", changes=(Change("args[1]", f"old/{value}.fits", f"new/{value}.fits"),))
        for value in tiles(300)
    ]
    lines = plan_text(plan(*replaced)).splitlines()
    assert "300 of 300" in lines[2]
    assert lines[3] == '      args[1]: "old/${tile}.fits" -> "new/${tile}.fits"  # forces replacement'
    assert len(lines) < 10


def test_a_few_lines_show_what_stands_there(tile, plan):
    changes = [(Change("args[1]", "x", value),) for value in ("T1", "T2")]
    text = plan_text(
        plan(*(tile("replace", value, changes=one) for value, one in zip(("T1", "T2"), changes, strict=True)))
    )
    assert '"x" -> "T1"' in text
    assert '"x" -> "T2"' in text


def test_a_value_within_a_longer_word_is_not_taken_for_the_value(tile, plan):
    made = [tile("wait", value, f"{value} of 12.{value}, {value}th, {value}.5") for value in ("5", "6", "7", "8")]
    assert "${tile} of 12.5-8, 5-8th, 5-8.5" in plan_text(plan(*made))


def test_two_entries_stay_apart(tile, plan, action):
    other = [action("create", f"map-{n}", replicas=1, reason=NEW, group="map-${n}") for n in range(1, 6)]
    text = plan_text(plan(*(tile("create", value) for value in tiles(6)), *other))
    assert "tile-${tile}  6 of 6  (t0001 … t0006)" in text
    assert "map-${n}  5 of 5  (1 … 5)" in text


def test_removed_combinations_are_one_line_too(plan, action):
    gone = [
        action("delete", f"tile-{value}", replicas=1, reason="no longer in the manifest", group="tile-${tile}", id="a")
        for value in ("a", "b", "c", "d")
    ]
    assert "tile-${tile}  4 of 4  (a … d)  no longer" in plan_text(plan(*gone))


def test_the_way_out_names_the_entry_as_the_shell_takes_it(tile, plan):
    text = plan_text(plan(*(tile("failed", value) for value in tiles(9))))
    assert "skaha-apply mark rerun 'tile-${tile}' --phase failed" in text


def test_markdown_has_the_same_lines(tile, plan):
    shown = plans_markdown([plan(*(tile("create", value) for value in tiles(5000)))])
    assert "tile-${tile}  5,000 of 5,000  (t0001 … t5000)" in shown
    assert len(shown) < 1000


def test_json_has_one_object_a_replica_with_its_group(tile, plan, action):
    made = plan_document(plan(*(tile("create", value) for value in tiles(3)), action("create")))["actions"]
    assert [one.get("group") for one in made] == ["tile-${tile}"] * 3 + [None]
    assert "group" not in made[3]


def test_sensitive_values_are_shown_as_such(tile, plan):
    changes = (Change("args[1]", "x", "--token=${var.token}"), Change("env", None, {"A": ["${var.t} ${tile}"]}))
    made = plan(tile("replace", "T1", changes=changes))
    for shown in (plan_text(made), plans_markdown([made]), json.dumps(plan_document(made))):
        assert "--token=(sensitive)" in shown
        assert "(sensitive) ${tile}" in shown
        assert "${var." not in shown


def test_twenty_thousand_different_combinations_render_at_once(tile, plan):
    values = [f"X{number:05}" for number in range(20_000)]
    made = plan(
        *(
            tile("replace", value, f"needs map-{value}", changes=(Change("args[1]", f"old/{value}", f"new/{value}"),))
            for value in values
        )
    )
    text = plan_text(made)
    assert "20,000 of 20,000  (x00000 … x19999)  needs map-${tile}" in text
