"""Needs between entries: tile by tile, of a whole entry, in part, and of an entry whose list is empty."""

from __future__ import annotations

import pytest
from scene import decide, kinds, lines, live, matrix, project, record, seen, spec, state

TILES = matrix("tile", "abc")
NEXT = matrix("mosaic", "abc", needs=("tile-${tile}",))
COMBINE = spec("combine", needs=("mosaic-${tile}",))


def tiles(*phases, specs=TILES):
    return [record(one, phase) for one, phase in zip(specs, phases, strict=False) if phase]


def of(plan, session):
    """The line of one session."""
    return next(
        line for line, action in zip(lines(plan), plan.actions, strict=True) if action.session.startswith(session)
    )


def test_next_stage_of_a_fast_tile_starts_while_others_run_or_have_failed():
    plan = decide(project(*TILES, *NEXT, COMBINE), state(*tiles("done", "running", "failed")), seen(live("tile-b")))
    assert lines(plan)[3:] == [
        "create mosaic-a (not in the state and not live)",
        "wait mosaic-b (needs tile-${tile} (1 of 1 not done))",
        "blocked mosaic-c (needs tile-${tile}: tile-c is failed)",
        "blocked combine (needs mosaic-${tile}: mosaic-c is blocked)",
    ]
    assert [action.waits_indefinitely for action in plan.actions[3:6]] == [False, True, True]


def test_combine_step_waits_for_all_and_counts_them_in_one_line():
    many = matrix("tile", [f"t{number:04}" for number in range(1000)])
    stored = state(*(record(one, "done") for one in many[:700]))
    assert of(decide(project(*many, spec("end", needs=("tile-${tile}",))), stored), "end") == (
        "wait end (needs tile-${tile} (300 of 1000 not done))"
    )


HUNDRED = matrix("tile", [f"{number:03}" for number in range(100)], stop_after=1000)


def shared(share, *phases):
    """The line of a session that needs a share of a hundred tiles; phases are given as (number, phase)."""
    end = spec("end", needs=("TILE-${tile}",), require={"TILE-${tile}": share})
    given = [phase for number, phase in phases for _ in range(number)]
    return of(decide(project(*HUNDRED, end), state(*tiles(*given, specs=HUNDRED))), "end")


@pytest.mark.parametrize(
    ("share", "phases", "expected"),
    [
        (0.95, [(95, "done"), (5, "failed")], "create end"),
        (0.95, [(94, "done"), (6, "failed")], "blocked end (needs tile-${tile}: 94 of 100 succeeded, 95 required)"),
        (0.95, [(99, "done")], "wait end (needs tile-${tile} (1 of 100 not ended))"),
        (0.95, [(50, "failed"), (49, "done")], "wait end (needs tile-${tile} (1 of 100 not ended))"),
        (0.95, [(95, "done"), (3, "unknown"), (2, "failed")], "create end"),
        (0.07, [(7, "done"), (93, "failed")], "create end"),
        (0.065, [(6, "done"), (94, "failed")], "blocked end (needs tile-${tile}: 6 of 100 succeeded, 7 required)"),
        (1, [(99, "done"), (1, "failed")], "blocked end (needs tile-${tile}: 99 of 100 succeeded, 100 required)"),
        (0, [(100, "failed")], "create end"),
        (0, [(99, "failed")], "wait end (needs tile-${tile} (1 of 100 not ended))"),
        (0, [(99, "failed"), (1, "held")], "blocked end (needs tile-${tile}: tile-099 is on hold)"),
    ],
)
def test_share_is_asked_for_once_everything_has_ended(share, phases, expected):
    assert shared(share, *phases).startswith(expected)


def test_conflict_block_and_protection_count_as_ended_without_success():
    first = spec("first")
    stages = matrix("tile", "ab", needs=("first",)), spec("own")
    changed = spec("kept", args=("new",), protect=True)
    end = spec("end", needs=("tile-${tile}", "own", "kept"), require=dict.fromkeys(("tile-${tile}", "own", "kept"), 0))
    stored = state(record(first, "failed"), record(spec("kept", args=("old",)), "done"))
    plan = decide(project(first, *stages[0], stages[1], changed, end), stored, seen(live("own")))
    assert kinds(plan) == [
        "failed first",
        "blocked tile-a",
        "blocked tile-b",
        "conflict own",
        "protected kept",
        "create end",
    ]


def test_share_holds_for_the_need_that_it_names_alone():
    end = spec("end", needs=("first", "second"), require={"first": 0})
    stored = state(record(spec("first"), "failed"), record(spec("second"), "failed"))
    assert of(decide(project(spec("first"), spec("second"), end), stored), "end") == (
        "blocked end (needs second: second is failed)"
    )


def test_tile_by_tile_with_a_share_counts_its_own_replicas():
    two = matrix("tile", "ab", replicas=2)
    half = matrix("mosaic", "ab", needs=("tile-${tile}",), require={"tile-${tile}": 0.5})
    phases = {("tile-a", 1): "done", ("tile-a", 2): "failed", ("tile-b", 1): "failed", ("tile-b", 2): "failed"}
    stored = state(*(record(one, phases[one.key, number], number) for one in two for number in (1, 2)))
    assert lines(decide(project(*two, *half), stored))[4:] == [
        "create mosaic-a (not in the state and not live)",
        "blocked mosaic-b (needs tile-${tile}: 0 of 2 succeeded, 1 required)",
    ]


def test_need_of_an_empty_list_is_blocked_also_where_any_result_would_do():
    for require in ({}, {"tile-${tile}": 0}):
        end = spec("end", needs=("TILE-${tile}",), require=require)
        plan = decide(project(end, empty=("tile-${tile}",)))
        assert lines(plan) == ["blocked end (needs tile-${tile}, whose list is empty)"]


def test_need_of_which_nothing_agrees_is_blocked():
    plan = decide(project(*TILES, *matrix("mosaic", "cd", needs=("tile-${tile}",))))
    assert lines(plan)[3:] == [
        "wait mosaic-c (needs tile-${tile} (1 of 1 not done))",
        "blocked mosaic-d (needs tile-${tile}, which has no combination with tile=d)",
    ]


def test_first_in_the_manifest_is_named_also_among_rows_of_different_columns():
    rows = (*matrix("field", "a"), spec("field-all", group="field-${tile}"), *matrix("field", "b"))
    end = matrix("sum", "b", needs=("field-${tile}",))
    plan = decide(project(*rows, *end), state(*tiles("done", "failed", "failed", specs=rows)))
    assert lines(plan)[-1] == "blocked sum-b (needs field-${tile}: field-all is failed)"
    swapped = (rows[0], rows[2], rows[1])
    plan = decide(project(*swapped, *end), state(*tiles("done", "failed", "failed", specs=swapped)))
    assert lines(plan)[-1] == "blocked sum-b (needs field-${tile}: field-b is failed)"


def test_what_runs_is_deleted_in_the_same_pass_for_its_own_tile_only():
    new = (TILES[0].model_copy(update={"args": ("new",)}), *TILES[1:])
    stored = state(*tiles("done", "done", "done"), *(record(one, needed=TILES) for one in NEXT))
    plan = decide(project(*new, *NEXT), stored, seen(*(live(one.name) for one in NEXT)))
    behind = "a dependency changed (needs: tile-${tile}); needs tile-${tile} (1 of 1 not done)"
    assert lines(plan) == [
        "replace tile-a (spec changed)",
        f"replace mosaic-a -mosaic-a held back ({behind})",
        "done tile-b (completed)",
        "done tile-c (completed)",
        "unchanged mosaic-b (running)",
        "unchanged mosaic-c (running)",
    ]


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("mosaic-${tile}", ["blocked mosaic-a", "blocked mosaic-b", "blocked mosaic-c"]),
        ("MOSAIC-${TILE}/1", ["blocked mosaic-a", "blocked mosaic-b", "blocked mosaic-c"]),
        ("mosaic-${tile}/2", []),
        ("mosaic-?", ["blocked mosaic-a", "blocked mosaic-b", "blocked mosaic-c"]),
        ("mosaic-b", ["blocked mosaic-b"]),
        ("tile-${x}", []),
        ("", []),
    ],
)
def test_name_as_written_selects_the_whole_entry(target, expected):
    assert kinds(decide(project(*TILES, *NEXT, COMBINE), targets=(target,))) == expected
