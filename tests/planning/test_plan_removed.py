"""Replicas that left the manifest: only those surely removed are deleted, and their records are kept."""

from __future__ import annotations

import pytest
from scene import FILE, decide, intent, kinds, lines, live, observe, pending_delete, project, record, seen, spec, state

KEPT = spec("kept")
STAYS = record(KEPT)
REDUCE = live("reduce")


def plan_without(*entries, sessions=(REDUCE,), **given):
    options = {name: given.pop(name) for name in ("files", "folders") if name in given}
    stored = state(STAYS, *entries)
    return decide(project(KEPT, **options), stored, seen(live("kept"), *sessions), **given)


@pytest.mark.parametrize("status", ["Pending", "Running", "Terminating", "Suspended"])
def test_active_session_is_deleted(status):
    plan = plan_without(record(spec()), sessions=[live("reduce", status)])
    assert lines(plan) == ["delete reduce -reduce (no longer in the manifest)", "unchanged kept (running)"]


@pytest.mark.parametrize("status", ["Completed", "Failed"])
def test_removed_replica_that_ended_is_retired_and_keeps_its_record(status):
    stored = state(record(spec()))
    observation = seen(live("reduce", status))
    plan = decide(project(spec("other")), stored, observation)
    assert lines(plan)[1:] == ["retired reduce (no longer in the manifest; it ended, and its record is kept)"]
    assert observe(stored, observation).replicas


@pytest.mark.parametrize("phase", ["done", "failed", "unknown", "due", "gone", "held"])
def test_removed_replica_without_a_session_is_retired(phase):
    assert kinds(plan_without(record(spec(), phase), sessions=())) == ["unchanged kept", "retired reduce"]


def test_entry_that_comes_back_is_done():
    stored = state(record(spec(), "done"))
    assert kinds(decide(project(spec()), stored)) == ["done reduce"]
    assert kinds(decide(project(spec(args=("other.py",))), stored)) == ["replace reduce"]


def test_entry_that_comes_back_after_it_was_deleted_is_created():
    stored = state(record(spec(), "due"))
    assert kinds(decide(project(spec()), stored)) == ["create reduce"]


def test_replicas_beyond_the_new_count_are_removed():
    before, after = spec(replicas=3, protect=False), spec(replicas=2)
    entries = [record(before, number=number) for number in (1, 2, 3)]
    sessions = [live(f"reduce-{number}") for number in (1, 2, 3)]
    assert kinds(decide(project(after), state(*entries), seen(*sessions))) == [
        "delete reduce-3",
        "replace reduce-1",
        "replace reduce-2",
    ]


def test_protection_outlives_its_line():
    plan = plan_without(record(spec(protect=True)))
    assert lines(plan)[1:] == ["protected reduce (no longer in the manifest, but it is protected)"]


@pytest.mark.parametrize("options", [{}, {"force": True}, {"destroy": True, "force": True}])
def test_protection_that_was_never_applied_holds_for_what_is_removed_or_destroyed(options):
    stored = state(*(record(spec(replicas=2), number=number) for number in (1, 2)))
    sessions = seen(live("reduce-1"), live("reduce-2"))
    wanted = project(spec(replicas=2, protect=True), spec("x")) if options else project(spec(protect=True))
    assert "delete" not in " ".join(kinds(decide(wanted, stored, sessions, **options)))


def test_open_create_of_a_removed_replica_is_waited_for():
    waiting = "wait reduce (create request unconfirmed; waiting for a session listing to confirm it)"
    stored = state(STAYS, intent(spec()))
    assert waiting in lines(decide(project(KEPT), stored, seen(live("kept"), whole=False)))


def test_deletion_of_a_removed_replica_is_waited_for_while_it_is_listed():
    pending = pending_delete("reduce", spec())
    assert lines(plan_without(record(spec()), pending))[1:] == ["wait reduce (its session is being deleted)"]


MOVED = "manifests/night.yaml"


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({"facts": {"present": {MOVED}}}, f"not loaded reduce (its manifest {MOVED} was not loaded)"),
        (
            {"facts": {"present": {MOVED}}, "folders": ["manifests"]},
            f"not loaded reduce (its manifest {MOVED} was not loaded)",
        ),
        ({}, f"not loaded reduce (its manifest {MOVED} no longer exists, and its folder was not loaded)"),
        (
            {"folders": ["night", "man"]},
            f"not loaded reduce (its manifest {MOVED} no longer exists, and its folder was not loaded)",
        ),
        ({"folders": ["manifests"]}, "delete reduce -reduce (no longer in the manifest)"),
        ({"folders": ["manifests/"]}, "delete reduce -reduce (no longer in the manifest)"),
        ({"folders": ["."]}, "delete reduce -reduce (no longer in the manifest)"),
        ({"files": [FILE, MOVED]}, "delete reduce -reduce (no longer in the manifest)"),
    ],
)
def test_only_replicas_of_loaded_files_or_missing_files_of_loaded_folders_are_deleted(given, expected):
    assert expected in lines(plan_without(record(spec(file=MOVED)), **given))


@pytest.mark.parametrize("file", ["-", "../night.yaml", "/home/me/night.yaml"])
def test_replica_of_another_file_is_not_missing_from_the_loaded_folder(file):
    assert "not loaded reduce" in kinds(plan_without(record(spec(file=file)), folders=["."]))


def test_piped_manifest_that_is_piped_again_without_the_entry_removes_it():
    assert "delete reduce" in kinds(plan_without(record(spec(file="-")), files=["-", FILE]))


def test_session_that_moved_to_another_file_is_unchanged():
    stored = state(record(spec(file=MOVED)))
    assert kinds(decide(project(spec()), stored, seen(live("reduce")))) == ["unchanged reduce"]


def test_destroy_deletes_what_is_live_and_owned():
    stored = state(record(KEPT), record(spec("done"), "done"), record(spec("safe", protect=True)))
    sessions = seen(live("kept"), live("safe"), live("theirs"))
    assert lines(decide(project(KEPT), stored, sessions, destroy=True)) == [
        "delete kept -kept (ordered by destroy)",
        "retired done (ordered by destroy; it ended, and its record is kept)",
        "protected safe (ordered by destroy, but it is protected)",
    ]


FINISH = spec(when_removed="finish")


@pytest.mark.parametrize("status", ["Pending", "Running", "Terminating", "Suspended"])
def test_what_is_to_finish_runs_to_its_end(status):
    plan = plan_without(record(FINISH), sessions=[live("reduce", status)])
    reason = "no longer in the manifest; runs to its end (when_removed: finish)"
    assert lines(plan) == ["unchanged kept (running)", f"unchanged reduce ({reason})"]
    assert not plan.has_changes


def test_what_has_finished_is_retired_and_neither_tried_again_nor_timed():
    done = spec(when_removed="finish", retries=3, timeout=1)
    for phase in ("failed", "done", "unknown", "gone"):
        assert kinds(plan_without(record(done, phase), sessions=())) == ["unchanged kept", "retired reduce"]
    assert kinds(plan_without(record(done, started=1.0))) == ["unchanged kept", "unchanged reduce"]


def test_recorded_when_removed_counts_for_removed_replicas_but_not_for_a_change_or_a_destroy():
    assert kinds(decide(project(spec(args=("new.py",))), state(record(FINISH)), seen(REDUCE))) == ["replace reduce"]
    assert kinds(plan_without(record(FINISH), destroy=True)) == ["delete kept", "delete reduce"]
    assert kinds(plan_without(record(spec(when_removed="finish", protect=True)))) == [
        "unchanged kept",
        "protected reduce",
    ]
