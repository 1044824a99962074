"""A plan from a state without its archive is the plan from the whole state, or it asks for the whole state."""

from __future__ import annotations

from dataclasses import replace

import pytest
import scene
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scene import HOUR, NOW
from test_kept_decisions import before, passes, projects

from skaha_apply.model.names.replica_ranges import RangeError, outside, parse_ranges, ranges_text, to_ranges
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.project import Move
from skaha_apply.model.session import Phase
from skaha_apply.planning.archive import ArchiveNeeded
from skaha_apply.planning.entries import Entries
from skaha_apply.planning.options import PlanOptions
from skaha_apply.planning.planner import archived_replicas, plan
from skaha_apply.planning.replicas import expand
from skaha_apply.planning.situation import Situation
from skaha_apply.planning.tracking.archivable_records import archivable_records
from skaha_apply.planning.working_state import WorkingState
from skaha_apply.render.plan.text import plan_text

MANY = settings(deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
TILE = scene.spec("tile", replicas=6)


def without_archived(project, document, least=1):
    """The document with ranges in place of the records that can move to an archive."""
    working = WorkingState.from_document(document)
    numbers = {record.key: record.run_number for record in document.replicas}
    parts = list(archivable_records(expand(project, numbers), Entries(project), working, least))
    moved = {record.key for _, records in parts for record in records}
    done = tuple(
        replace(part, replicas=ranges_text(to_ranges(one.replica for one in records)), file="f")
        for part, records in parts
    )
    kept = tuple(record for record in document.replicas if record.key not in moved)
    return replace(document, replicas=kept, done=done), moved


def check_same_plan(project, whole, opened, moved):
    """Compare the plans of two situations, of which the second has no records of `moved`."""
    expected = plan(project, whole)
    try:
        found = plan(project, opened)
    except ArchiveNeeded:
        return False
    left = [action for action in expected.actions if action.key not in moved]
    assert list(found.actions) == left
    assert {action.kind for action in expected.actions if action.key in moved} <= {ActionKind.DONE}
    assert plan_text(found) == plan_text(expected)
    assert (found.summary, found.has_changes, found.refused) == (
        expected.summary,
        expected.has_changes,
        expected.refused,
    )
    assert found.question == expected.question
    return True


@st.composite
def almost_done(draw):
    """A project without pilots and reruns, and a state in which most replicas are done."""
    rules = {"stop_after": draw(st.sampled_from([1, 2, 3])), "retries": draw(st.integers(0, 1))}
    tile = scene.spec("tile", replicas=draw(st.integers(2, 6)), parallelism=draw(st.sampled_from([None, 2])), **rules)
    share = draw(st.sampled_from([{}, {"tile": 0.6}, {"tile": 0.0}]))
    maps = scene.matrix("map", "abc", needs=("tile",), require=share, replicas=draw(st.integers(1, 3)), **rules)
    project = scene.project(tile, *maps, scene.spec("sum", needs=("map-${tile}",)))
    found = [scene.record(scene.spec("left"), draw(st.sampled_from(["done", "running"])))] * draw(st.integers(0, 1))
    for spec in project.sessions:
        for number in range(1, spec.replicas + 1):
            phase = draw(st.sampled_from([Phase.DONE] * 12 + [Phase.RUNNING, Phase.FAILED, Phase.PENDING, Phase.HELD]))
            ended = NOW - draw(st.integers(1, 9)) * HOUR if phase.ended else None
            fields = {"started": NOW - 10 * HOUR, "ended": ended, "attempt": draw(st.sampled_from([1, 1, 2]))}
            found.append(scene.record(spec, phase, number, before(project, spec), **fields))
    live = [scene.live(record.name) for record in found if record.phase.active and draw(st.booleans())]
    return project, scene.state(*sorted(found, key=lambda record: record.key)), live


def test_a_plan_without_the_archive_is_that_of_the_whole_state():
    compared = 0

    @settings(MANY, max_examples=100)
    @given(almost_done())
    def check(drawn):
        nonlocal compared
        project, state, live = drawn
        document, moved = without_archived(project, state)
        whole = Situation(state, scene.seen(*live))
        compared += bool(moved) and check_same_plan(project, whole, replace(whole, state=document), moved)

    check()
    assert compared > 20


@MANY
@given(st.data())
def test_a_plan_of_any_state_is_the_same_or_needs_the_archive(data):
    project = data.draw(projects())
    for state, adopted in data.draw(passes(project)):
        document, moved = without_archived(project, state)
        seen = scene.seen(scene.live("map-a", id="theirs"))
        options = PlanOptions(
            targets=data.draw(st.sampled_from([(), (), ("tile/1-3",)])), destroying=data.draw(st.integers(0, 5)) == 0
        )
        whole = Situation(state, seen, options, adopted - moved)
        check_same_plan(project, whole, replace(whole, state=document), moved)


def done(numbers=range(1, 7), spec=TILE, **fields):
    return [
        scene.record(spec, "done", number, started=NOW - 2 * HOUR, ended=NOW - HOUR, **fields) for number in numbers
    ]


def planned(project, document):
    return plan(project, Situation(document, scene.seen()))


def test_done_replicas_are_counted_by_their_ranges():
    project = scene.project(TILE, scene.spec("sum", needs=("tile",)))
    state = scene.state(*done(), scene.record(project.sessions[1], "running", 1, before(project, project.sessions[1])))
    document, moved = without_archived(project, state)
    assert [part.replicas for part in document.done] == ["1-6"]
    assert check_same_plan(project, Situation(state, scene.seen()), Situation(document, scene.seen()), moved)
    assert planned(project, document).summary["done"] == 6


def test_a_dependent_of_archived_replicas_is_created_with_the_same_digests():
    project = scene.project(TILE, scene.spec("sum", needs=("tile",)))
    state = scene.state(*done())
    document, _ = without_archived(project, state)
    (found,) = (action for action in planned(project, document).actions if action.session == "sum")
    (expected,) = (action for action in planned(project, state).actions if action.session == "sum")
    assert found == expected
    assert found.kind is ActionKind.CREATE


@pytest.mark.parametrize(
    ("changed", "needed"),
    [
        ({}, False),
        ({"args": ("other.py",)}, True),
        ({"timeout": 60.0}, True),
        ({"rerun": "always"}, True),
        ({"replicas": 3}, True),
        ({"replicas": 9}, True),
    ],
)
def test_the_archive_is_needed_for_another_spec(changed, needed):
    document, _ = without_archived(scene.project(TILE), scene.state(*done()))
    project = scene.project(TILE.model_copy(update=changed))
    if needed:
        with pytest.raises(ArchiveNeeded):
            planned(project, document)
    else:
        assert planned(project, document).summary["done"] == 6


@pytest.mark.parametrize(
    "options",
    [
        PlanOptions(targets=("tile/1",)),
        PlanOptions(excludes=("tile/1",)),
        PlanOptions(destroying=True),
        PlanOptions(approved=()),
    ],
)
def test_the_archive_is_needed_for_options_about_single_replicas(options):
    project = scene.project(TILE)
    document, _ = without_archived(project, scene.state(*done()))
    with pytest.raises(ArchiveNeeded):
        plan(project, Situation(document, scene.seen(), options))


def test_the_archive_is_needed_for_the_cost_of_what_starts_later():
    project = scene.project(TILE)
    document, _ = without_archived(project, scene.state(*done(range(1, 6))))
    assert len(document.done) == 1
    with pytest.raises(ArchiveNeeded):
        planned(project, document)  # replica 6 is new


def test_the_archive_is_needed_for_a_session_that_left_the_manifest():
    document, _ = without_archived(scene.project(TILE), scene.state(*done()))
    with pytest.raises(ArchiveNeeded):
        planned(scene.project(scene.spec("other")), document)


def test_the_archive_is_needed_while_the_manifest_moves_names():
    project = scene.project(TILE)
    document, _ = without_archived(project, scene.state(*done()))
    with pytest.raises(ArchiveNeeded):
        planned(replace(project, moved=(Move("left", "right"),)), document)


def check_counts(project, *records, **seen):
    """The plans with and without the archive are the same, and the archive has records."""
    state = scene.state(*records)
    document, moved = without_archived(project, state)
    assert moved
    whole = Situation(state, scene.seen(**seen))
    assert check_same_plan(project, whole, replace(whole, state=document), moved)
    return plan(project, whole)


def failed(spec, number, hours):
    return scene.record(spec, "failed", number, started=NOW - 9 * HOUR, ended=NOW - hours * HOUR)


def test_archived_replicas_count_for_the_share_that_a_dependent_requires():
    tile = scene.spec("tile", replicas=6, stop_after=9)
    last = scene.spec("sum", needs=("tile",), require={"tile": 0.6})
    found = check_counts(scene.project(tile, last), *done(range(1, 5), tile), failed(tile, 5, 2), failed(tile, 6, 2))
    assert found.summary["create"] == 1


def test_an_archived_success_ends_a_row_of_failures():
    tile = scene.spec("tile", replicas=7, stop_after=2)
    queued = scene.record(tile, "pending", 7, accepted=NOW - 8 * HOUR)
    records = [*done(range(1, 5), tile), failed(tile, 5, 2), failed(tile, 6, 2), queued]
    assert check_counts(scene.project(tile), *records).summary["delete"] == 0
    records = [*done(range(1, 5), tile), failed(tile, 5, 0.5), failed(tile, 6, 0.5), queued]
    assert check_counts(scene.project(tile), *records).summary["delete"] == 1


def test_archived_replicas_count_for_the_share_of_deletes_that_is_refused():
    tile, other = scene.spec("tile", replicas=20), scene.spec("other", replicas=7)
    gone = scene.spec("gone", replicas=5)
    records = [*done(range(1, 21), tile)]
    records += [scene.record(other, "running", number) for number in range(1, 8)]
    records += [scene.record(gone, "running", number) for number in range(1, 6)]
    found = check_counts(scene.project(tile, other), *records)
    assert (found.summary["delete"], found.refused) == (5, None)


def test_archived_replicas_count_for_the_share_of_replicas_that_left_the_manifest():
    tile, gone = scene.spec("tile", replicas=40), scene.spec("gone", replicas=12)
    found = check_counts(scene.project(tile), *done(range(1, 41), tile), *done(range(1, 13), gone))
    assert found.question is None


def test_archived_replicas_count_for_the_size_of_a_matrix():
    maps = scene.matrix("map", "abcd", replicas=5)
    records = [record for spec in maps[:2] for record in done(range(1, 6), spec)]
    records += [scene.record(spec, "failed", number, ended=NOW - HOUR) for spec in maps[2:] for number in range(1, 6)]
    found = check_counts(scene.project(*maps), *records)
    assert "10 of 20" in plan_text(found)


@pytest.mark.parametrize(
    ("fields", "given"),
    [
        ({}, {"past": ("old",)}),
        ({}, {"run_number": 1}),
        ({}, {"work": "1:other"}),
        ({"pilot": 1}, {}),
        ({"rerun": "always"}, {}),
    ],
)
def test_records_that_a_plan_reads_stay_in_the_document(fields, given):
    spec = scene.spec("tile", replicas=6, **fields)
    document, moved = without_archived(scene.project(spec), scene.state(*done(spec=spec, **given)))
    assert not moved
    assert not document.done


def test_a_session_with_few_done_replicas_keeps_their_records():
    state = scene.state(*done(range(1, 6)))
    assert not without_archived(scene.project(TILE), state, least=6)[1]
    assert len(without_archived(scene.project(TILE), state, least=5)[1]) == 5


@pytest.mark.parametrize("number", [2, 7])
@pytest.mark.parametrize("make", [scene.intent, scene.unconfirmed, lambda *of: scene.pending_delete("id", *of)])
def test_the_archive_is_needed_while_a_request_about_one_of_its_replicas_is_open(make, number):
    tile = scene.spec("tile", replicas=7)
    records = [*done(spec=tile), scene.record(tile, "running", 7)]
    document, _ = without_archived(scene.project(tile), scene.state(*records))
    state = scene.state(make(tile, number))
    name = next(name for name in ("intents", "doubts", "tombstones") if getattr(state, name))
    opened = replace(document, **{name: getattr(state, name)})
    if number == 7:
        assert archived_replicas(scene.project(tile), opened, PlanOptions()) is not None
    else:
        with pytest.raises(ArchiveNeeded):
            archived_replicas(scene.project(tile), opened, PlanOptions())


def test_equal_specs_under_two_keys_are_archived_apart():
    records = done()
    other = [replace(record, spec="other") for record in records[3:]]
    state = scene.state(*records[:3])
    state = replace(state, replicas=(*state.replicas, *other), specs={**state.specs, "other": TILE})
    document, moved = without_archived(scene.project(TILE), state)
    assert len(moved) == 6
    assert [part.replicas for part in document.done] == ["1-3", "4-6"]
    assert planned(scene.project(TILE), document).summary["done"] == 6


def test_a_replica_with_an_open_request_keeps_its_record():
    state = scene.state(*done(), scene.pending_delete("tile-1", TILE, 1), scene.unconfirmed(TILE, 2))
    _, moved = without_archived(scene.project(TILE), state)
    assert moved == {("tile", number) for number in range(3, 7)}


def test_ranges_are_read_as_they_are_written():
    numbers = [1, 2, 3, 7, 9, 10]
    assert ranges_text(to_ranges(numbers)) == "1-3,7,9-10"
    assert parse_ranges("1-3,7,9-10") == to_ranges(numbers)
    assert list(outside(to_ranges(numbers), 12)) == [4, 5, 6, 8, 11, 12]
    for text in ("", "0", "3-1", "1,1", "2,1", "1-", "1 ,2", "1-3,3", "٣"):
        with pytest.raises(RangeError):
            parse_ranges(text)
