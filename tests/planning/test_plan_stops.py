"""A pilot runs first, alone; and a number of consecutive failures stops an entry until it changes or is marked."""

from __future__ import annotations

import pytest
from scene import NOW, decide, intent, kinds, lines, live, matrix, pending_delete, project, record, seen, spec, state

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.masking.session_ids import short_id
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.render.reasons import reason_text

TILES = matrix("tile", "abcd", pilot=2)
WAITS = "pilot: tile-{} must succeed first"


@pytest.mark.parametrize(
    ("phases", "expected"),
    [
        ((), ["create tile-a", "create tile-b", "wait tile-c", "wait tile-d"]),
        (("done", "running"), ["done tile-a", "unchanged tile-b", "wait tile-c", "wait tile-d"]),
        (("done", "done"), ["done tile-a", "done tile-b", "create tile-c", "create tile-d"]),
        (("done", "failed"), ["done tile-a", "failed tile-b", "blocked tile-c", "blocked tile-d"]),
        (("unknown", "done"), ["unknown tile-a", "done tile-b", "blocked tile-c", "blocked tile-d"]),
        (("done", "held"), ["done tile-a", "unchanged tile-b", "blocked tile-c", "blocked tile-d"]),
        (("done", "done", "failed"), ["done tile-a", "done tile-b", "failed tile-c", "create tile-d"]),
    ],
)
def test_pilot_runs_alone_until_it_has_succeeded(phases, expected):
    stored = state(*(record(one, phase) for one, phase in zip(TILES, phases, strict=False)))
    assert kinds(decide(project(*TILES), stored, seen(live("tile-b")) if "running" in phases else None)) == expected


def test_replica_that_waits_for_a_pilot_names_it():
    plan = decide(project(*TILES), state(record(TILES[0], "done")))
    assert (reason_text(plan.actions[3].reason), plan.actions[3].waits_indefinitely) == (WAITS.format("b"), True)
    plan = decide(project(*TILES), state(record(TILES[0], "done"), record(TILES[1], "failed")))
    assert reason_text(plan.actions[3].reason) == "pilot: tile-b is failed"


def test_pilot_counts_replicas_over_combinations():
    two = matrix("tile", "ab", pilot=3, replicas=2)
    assert kinds(decide(project(*two))) == ["create tile-a-1", "create tile-a-2", "create tile-b-1", "wait tile-b-2"]


def test_changed_pilot_must_succeed_again_while_the_others_continue():
    new = matrix("tile", "abcd", pilot=1, image="x/y:2")
    stored = state(record(TILES[0], "done"), record(TILES[1]), record(TILES[2], "done"))
    plan = decide(project(*new), stored, seen(live("tile-b")))
    assert lines(plan) == [
        "replace tile-a (spec changed)",
        f"wait tile-b held back ({WAITS.format('a')}; spec changed)",
        f"wait tile-c held back ({WAITS.format('a')})",
        f"wait tile-d ({WAITS.format('a')})",
    ]
    assert [line for line in plan.approved if "tile-b" in line and line[0] == "!"] == [
        f"! replace tile-b 1 {short_id('tile-b')} image"
    ]


def test_pilot_of_notebooks_has_to_be_running():
    desks = matrix("desk", "ab", pilot=1, kind="notebook", cmd=None, args=())
    for status, expected in (("Pending", "wait desk-b"), ("Running", "create desk-b")):
        shown = seen(live("desk-a", status, kind="notebook"))
        assert kinds(decide(project(*desks), state(record(desks[0])), shown))[1] == expected


def test_more_pilots_than_there_are_hold_nothing_up():
    assert kinds(decide(project(*matrix("tile", "ab", pilot=9)))) == ["create tile-a", "create tile-b"]


def failed(one, at, attempt=1, earlier=(), **fields):
    """A failed replica; `earlier` are the attempts before as (attempt, phase, end)."""
    before = tuple(Attempt(attempt=number, phase=phase, ended=NOW + end) for number, phase, end in earlier)
    return record(one, "failed", **{"attempt": attempt, "ended": NOW + at, "earlier": before} | fields)


def many(number=12, **fields):
    return matrix("tile", [f"{index:02}" for index in range(number)], **{"stop_after": 4} | fields)


ROW = "stopped after {} failed attempts in a row; fix the cause, then "
ROW += "`skaha-apply mark rerun 'tile-${{tile}}' --phase failed`"


def last(plan):
    return lines(plan)[-1]


STOPPED = f"blocked tile-11 ({ROW.format(4)})"
GOES_ON = "create tile-11 (not in the state and not live)"


def entries(*ends):
    """Records of the first tiles, in the words of their ends: `f-40`, `d-10` ..."""
    phases = {"f": "failed", "d": "done", "u": "unknown"}
    return [record(one, phases[end[0]], ended=NOW + float(end[1:])) for one, end in zip(many(), ends, strict=False)]


@pytest.mark.parametrize(
    ("ends", "expected"),
    [
        (("f-40", "f-30", "f-20"), GOES_ON),
        (("f-40", "f-30", "f-20", "f-10"), STOPPED),
        (("f-40", "f-30", "f-20", "d-25", "f-10"), GOES_ON),
        (("f-40", "f-30", "f-20", "f-10", "d-5"), GOES_ON),
        (("f-40", "f-30", "f-20", "f-10", "d-50"), STOPPED),
        (("f-10", "f-10", "f-10", "f-10", "d-10"), GOES_ON),
        (("f-40", "f-30", "f-20", "f-10", "u-5"), STOPPED),
    ],
    ids=["too few", "enough", "one between", "one after", "one before", "one at the same look", "unknown is neither"],
)
def test_consecutive_failures_stop_an_entry(ends, expected):
    assert last(decide(project(*many()), state(*entries(*ends)))) == expected


def test_attempts_of_one_replica_count_as_those_of_many():
    first, second = many()[:2]
    one = failed(first, -10, attempt=3, earlier=[(1, Phase.FAILED, -40), (2, Phase.FAILED, -30)])
    assert last(decide(project(*many()), state(one))) == GOES_ON
    assert last(decide(project(*many()), state(one, failed(second, -20)))) == STOPPED
    running = replace(one, phase=Phase.RUNNING, ended=None, attempt=3)
    rest = [failed(other, -5) for other in many()[1:3]]
    assert last(decide(project(*many()), state(running, *rest), seen(live("tile-00")))) == STOPPED


@pytest.mark.parametrize(
    ("earlier", "attempt", "number", "stops"),
    [
        ([(1, Phase.FAILED, -40), (2, Phase.FAILED, -30), (3, Phase.FAILED, -20)], 4, 0, True),
        ([(1, Phase.FAILED, -40), (2, Phase.FAILED, -30), (3, Phase.FAILED, -20)], 1, 0, False),
        ([(1, Phase.FAILED, -40), (2, Phase.FAILED, -30), (3, Phase.FAILED, -20)], 4, 1, False),
        ([(1, Phase.FAILED, -50), (1, Phase.FAILED, -40), (2, Phase.FAILED, -30)], 3, 0, False),
        ([(1, Phase.FAILED, -50), (2, Phase.FAILED, -40), (3, Phase.FAILED, -30), (4, Phase.GONE, -9)], 4, 0, True),
        ([(1, Phase.FAILED, -50), (2, Phase.FAILED, -40), (3, Phase.FAILED, -30), (1, Phase.GONE, -9)], 1, 0, False),
    ],
    ids=["all lead up", "marked since", "another run since", "one before a mark", "one was deleted", "deleted, marked"],
)
def test_only_attempts_that_lead_up_to_the_present_one_count(earlier, attempt, number, stops):
    one = failed(many()[0], -5, attempt, earlier, run_number=number)
    assert last(decide(project(*many()), state(one))) == (STOPPED if stops else GOES_ON)


def test_stopped_entry_continues_after_a_change_or_a_mark():
    stored = state(*entries("f-40", "f-30", "f-20", "f-10"))
    changed = decide(project(*many(ram=16)), stored)
    assert {action.kind for action in changed.actions} == {"replace", "create"}
    marked = [replace(one, phase=Phase.DUE, attempt=1) for one in stored.replicas]
    assert {action.kind for action in decide(project(*many()), state(*marked)).actions} == {"create"}


def test_one_that_was_changed_or_marked_is_tried_while_the_others_are_stopped():
    stored = state(*entries("f-60", "f-50", "f-40", "f-30", "f-20", "f-10"))
    specs = many()
    bigger = (specs[0].model_copy(update={"ram": 64}), *specs[1:])
    plan = decide(project(*bigger), stored)
    assert (kinds(plan)[0], kinds(plan)[-1]) == ("replace tile-00", "blocked tile-11")
    marked = replace(stored.replicas[0], phase=Phase.DUE)
    plan = decide(project(*specs), state(marked, *stored.replicas[1:]))
    assert (kinds(plan)[0], kinds(plan)[-1]) == ("create tile-00", "blocked tile-11")


def test_retries_that_are_left_are_blocked_also_while_they_wait_for_their_time():
    specs = many(retries=3)
    ends = (-4000, -3000, -2000, -1)
    stored = state(*(failed(one, end) for one, end in zip(specs, ends, strict=False)))
    plan = decide(project(*specs), stored)
    assert [action.kind for action in plan.actions[:5]] == ["blocked"] * 5
    spent = state(*(failed(one, -10, attempt=4) for one in specs[:4]))
    assert kinds(decide(project(*specs), spent))[3:5] == ["failed tile-03", "blocked tile-04"]


def test_what_is_under_way_is_left_to_its_end():
    specs = many(retries=3)
    stored = [failed(one, -3000) for one in specs[:6]]
    open_ones = [intent(specs[4], given_up=NOW - 1), pending_delete("tile-05", specs[5])]
    runs = record(specs[6])
    plan = decide(project(*specs), state(*stored, *open_ones, runs), seen(live("tile-05"), live("tile-06")))
    assert kinds(plan)[4:8] == ["wait tile-04", "wait tile-05", "unchanged tile-06", "blocked tile-07"]


def test_each_entry_is_stopped_by_itself_and_blocks_its_dependents():
    end = spec("end", needs=("tile-${tile}",))
    plan = decide(project(*many(), end, *matrix("other", "a")), state(*entries("f-40", "f-30", "f-20", "f-10")))
    assert kinds(plan)[-2:] == ["blocked end", "create other-a"]


def test_what_was_stopped_has_not_ended_for_those_who_take_any_result():
    end = spec("end", needs=("tile-${tile}",), require={"tile-${tile}": 0})
    plan = decide(project(*many(), end), state(*entries("f-40", "f-30", "f-20", "f-10")))
    assert last(plan) == "blocked end (needs tile-${tile}, which its failure limit stopped)"
    behind = spec("end", needs=("tile-${tile}",), require={"tile-${tile}": 0})
    plan = decide(project(*TILES, behind), state(record(TILES[0], "failed"), record(TILES[1], "done")))
    assert last(plan) == "blocked end (needs tile-${tile}, which its failure limit stopped)"


LIMIT = "its entry reached the failure limit: 4 failed attempts in a row"


def queued(one, at, phase="pending", **fields):
    return record(one, phase, accepted=NOW + at, **fields)


def listed(*queue):
    return seen(*(live(one.name, "Pending") for one in queue if one.phase is Phase.PENDING))


def test_what_is_still_pending_is_deleted_when_the_limit_is_reached():
    specs = many()
    queue = [queued(specs[4], -300), queued(specs[5], -300, "accepted"), record(specs[6]), queued(specs[7], -15)]
    shown = seen(live("tile-04", "Pending"), live("tile-06"), live("tile-07", "Pending"))
    plan = decide(project(*specs), state(*entries("f-40", "f-30", "f-20", "f-10"), *queue), shown)
    assert lines(plan)[:3] == [f"delete tile-0{number} -tile-0{number} ({LIMIT})" for number in (4, 5, 7)]
    assert kinds(plan)[3:8] == [
        "failed tile-00", "failed tile-01", "failed tile-02", "failed tile-03", "unchanged tile-06",
    ]  # fmt: skip
    assert (plan.refused, plan.core_hours_lost, [line for line in plan.approved if line[0] == "!"]) == (None, 0.0, [])


def test_what_was_let_through_after_the_limit_stays_pending():
    specs = many()
    stored = state(
        *entries("f-60", "f-50", "f-40", "f-30", "f-20", "f-10"), queued(specs[6], -25), queued(specs[7], -35)
    )
    plan = decide(project(*specs), stored, seen(live("tile-06", "Pending"), live("tile-07", "Pending")))
    assert [line for line in kinds(plan) if line.startswith("delete")] == ["delete tile-07"]


def test_protected_and_changed_ones_and_those_out_of_scope_stay_pending():
    specs = many()
    kept = (*specs[:4], specs[4].model_copy(update={"protect": True}), specs[5].model_copy(update={"rerun": "never"}))
    changed = [specs[5].model_copy(update={"args": ("old",)}), specs[6]]
    stored = [*entries("f-40", "f-30", "f-20", "f-10"), *(queued(one, -300) for one in (kept[4], *changed))]
    plan = decide(project(*kept, specs[6]), state(*stored), listed(*stored[4:]), excludes=("tile-06",))
    assert not any(action.sessions_to_delete for action in plan.actions)


def test_a_deleted_one_is_blocked_until_it_is_changed_or_marked():
    specs = many()
    stored = state(*entries("f-40", "f-30", "f-20", "f-10"), queued(specs[4], -300))
    pending = pending_delete("tile-04", specs[4], why="limit")
    after = decide(project(*specs), state(*stored.replicas, pending), seen(ended_pods=["tile-04"]))
    assert kinds(after)[4] == "blocked tile-04"
    assert not after.has_changes
    stopped = record(specs[4], "due", stopped=True)
    assert not decide(project(*specs), state(*stored.replicas[:4], stopped)).has_changes
    marked = replace(stopped, stopped=False)
    assert kinds(decide(project(*specs), state(*stored.replicas[:4], marked)))[4] == "create tile-04"
    bigger = (*specs[:4], specs[4].model_copy(update={"ram": 64}))
    assert kinds(decide(project(*bigger), state(*stored.replicas[:4], stopped)))[4] == "create tile-04"
    rerun = [replace(one, phase=Phase.DUE) for one in stored.replicas[:4]]
    assert kinds(decide(project(*specs[:5]), state(*rerun, stopped)))[4] == "create tile-04"


def test_a_pilot_out_of_scope_that_has_not_succeeded_blocks():
    plan = decide(project(*TILES), state(record(TILES[0], "done")), targets=("tile-c",))
    assert lines(plan) == ["blocked tile-c (pilot: tile-b must succeed first, but --target or --exclude leaves it out)"]
    plan = decide(project(*TILES), state(record(TILES[0], "done"), record(TILES[1], "done")), targets=("tile-c",))
    assert kinds(plan) == ["create tile-c"]


def test_ten_is_the_default():
    specs = matrix("tile", [f"{index:02}" for index in range(12)])
    for number, expected in ((9, "create tile-11"), (10, "blocked tile-11")):
        stored = state(*(failed(one, -10) for one in specs[:number]))
        assert kinds(decide(project(*specs), stored))[-1] == expected


def test_notebooks_are_kept_alive_however_often_they_fail():
    desks = matrix("desk", "abcdef", stop_after=2, kind="notebook", cmd=None, args=())
    stored = state(*(failed(one, -7000, started=NOW - 9000) for one in desks[:4]))
    assert {action.kind for action in decide(project(*desks), stored).actions} == {"create"}
