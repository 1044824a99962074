from __future__ import annotations

from reason_notes import note

from skaha_apply.model.progress.summary import EntrySummary, ProjectSummary
from skaha_apply.model.report import (
    ActionEnded,
    CausesFound,
    FailureCause,
    Note,
    NotStarted,
    PassEnded,
    PassStarted,
    PhaseChanged,
)
from skaha_apply.render.run.lines import ProgressLines

RUNNING = PassEnded("survey", ProjectSummary(0.0, (EntrySummary("reduce", {"running": 2, "failed": 0}),)))


def waits(left):
    one = NotStarted("merge", "wait", note(f"needs reduce ({left} of 3 not done)"), 1)
    return PassEnded(
        "survey",
        ProjectSummary(0.0, (EntrySummary("reduce", {"running": 1, "failed": 1}), EntrySummary("merge", {"wait": 1}))),
        (one,),
    )


def printed_by(*events):
    printed = []
    narrator = ProgressLines(printed.append)
    for event in events:
        narrator(event)
    narrator.close()
    return printed


def moved(replica, after="running", before="pending", group="tile-${tile}"):
    return PhaseChanged("survey", f"tile-t{replica:03}", 1, f"tile-t{replica:03}", "k2j3h4g5", before, after, group)


def test_plain_lines_show_each_change_once_and_no_poll(action):
    assert printed_by(
        PassStarted("survey", 3),
        ActionEnded(action("create"), id="k2j3h4g5"),
        ActionEnded(action("replace", replica=2), id="a1b2c3d4"),
        ActionEnded(action("create", replica=3), error="400 [red]no[/red]\x1b[2J"),
        Note("a note"),
        RUNNING,
        RUNNING,
        PhaseChanged("survey", "reduce", 1, "reduce-1", "k2j3h4g5", "running", "failed"),
        waits(2),
        waits(1),
    ) == [
        "survey: 3 actions",
        r"not created reduce-3: 400 [red]no[/red]\x1b[2J",
        "a note",
        "reduce: 1 created, 1 replaced (reduce-1 k2j3h4g5, reduce-2 a1b2c3d4)",
        "reduce-1 k2j3h4g5: running -> failed",
        "survey: 1 running, 1 failed, 1 waiting",
        "  * merge: 1 waiting: needs reduce (2 of 3 not done)",
    ]


def test_many_changes_of_an_entry_in_one_pass_are_one_line_and_failures_are_named():
    failed = ("tile-t017", "tile-t099", "tile-t123")
    entry = EntrySummary("tile-${tile}", {"done": 40, "failed": 3, "running": 8, "wait": 249}, failed)
    few = PhaseChanged("survey", "desk", 1, "desk", None, "pending", "running")
    printed = printed_by(
        *(moved(one) for one in range(40)), moved(99, "failed"), few, PassEnded("survey", ProjectSummary(0.0, (entry,)))
    )
    assert printed == [
        "tile-t099 k2j3h4g5: pending -> failed",
        "tile-${tile}: 8 running, 40 done, 3 failed (tile-t017, tile-t099, tile-t123), 249 waiting",
        "desk: pending -> running",
    ]


def causes(*failures):
    return CausesFound("survey", tuple(FailureCause(name, 1, name, cause) for name, cause in failures))


def test_commands_of_reasons_and_notes_are_completed_and_those_of_logs_and_errors_are_not(action):
    printed, command = [], "`skaha-apply state forget x`"
    lines = ProgressLines(printed.append, complete=lambda text: text.replace("forget x", "forget x --sandbox"))
    one = NotStarted("merge", "wait", note(command), 1)
    part = lines.for_project("survey")
    part(ActionEnded(action("create", replica=3), error=command))
    part(moved(1, "failed"))
    part(causes(("tile-t001", command), ("tile-t002", command)))
    part(Note(command))
    part(PassEnded("survey", ProjectSummary(0.0, (EntrySummary("merge", {"wait": 1}),)), (one,)))
    completed = "`skaha-apply state forget x --sandbox`"
    assert printed == [
        f"not created reduce-3: {command}",
        f"2 failed: {command} (tile-t001 and 1 more)",
        completed,
        "survey: 1 waiting",
        f"  * merge: 1 waiting: {completed}",
    ]


def test_failures_with_the_same_cause_are_one_line_with_a_count():
    failed = [moved(one, "failed", "running") for one in range(25)]
    known = causes(*((change.name, "MemoryError") for change in failed[:24]), (failed[24].name, "KeyError: 'RA'"))
    assert printed_by(*failed, known) == [
        "24 failed: MemoryError (tile-t000 and 23 more)",
        "tile-t024 failed: KeyError: 'RA'",
    ]


def test_a_failure_is_shown_once_with_its_cause_before_the_effects():
    waits_for_retry = PassEnded("survey", ProjectSummary(0.0, (EntrySummary("reduce", {"failed": 1}),)))
    known = causes(("tile-t001", "MemoryError"), ("tile-t002", ""), ("tile-t009", "KeyError: 'RA'"))
    printed = printed_by(moved(3), moved(1, "failed"), moved(2, "failed"), known, waits_for_retry)
    assert printed == [
        "tile-t001 k2j3h4g5: pending -> failed: MemoryError",
        "tile-t009 failed: KeyError: 'RA'",  # an earlier run has reported the change, but not the cause
        "tile-t002 k2j3h4g5: pending -> failed",
        "tile-t003 k2j3h4g5: pending -> running",
    ]


def test_failures_are_shown_at_once_during_many_actions():
    printed = []
    narrator = ProgressLines(printed.append)
    narrator(moved(1, "failed"))
    narrator(PassStarted("survey", 5000))
    assert printed == ["tile-t001 k2j3h4g5: pending -> failed", "survey: 5000 actions"]
    narrator(causes(("tile-t001", "MemoryError")))
    assert printed[-1] == "tile-t001 failed: MemoryError"


def test_thousands_of_changes_make_few_lines(action):
    """Whatever happens to five thousand tiles in one pass, a log stays readable."""
    created = [ActionEnded(action("create", replica=one), id="k2j3h4g5") for one in range(4000)]
    refused = [ActionEnded(action("create", replica=one), error="400") for one in range(1000)]
    moves = [moved(one) for one in range(4000)] + [moved(one, "failed") for one in range(1000)]
    printed = printed_by(PassStarted("survey", 5000), *created, *refused, *moves)
    assert len(printed) <= 21
    assert "survey: 5000 of 5000 actions ended, 1000 of them not carried out" in printed
    assert "… and 995 more failed; `skaha-apply status` lists them" in printed
    assert "tile-${tile}: 4000 pending -> running" in printed


def test_notes_of_a_pass_are_printed_when_it_is_interrupted():
    assert printed_by(moved(1)) == ["tile-t001 k2j3h4g5: pending -> running"]


def test_survey_that_runs_for_days_prints_its_counts_once_a_minute(action):
    now, printed = [0.0], []
    narrator = ProgressLines(printed.append, lambda: now[0])
    narrator(PassStarted("survey", 8))
    for number in range(1, 1000):
        counts = {"running": 8, "done": number, "wait": 4992 - number}
        narrator(moved(number, "done", "running"))
        narrator(PassEnded("survey", ProjectSummary(0.0, (EntrySummary("tile-${tile}", counts),))))
        now[0] += 10.0
        narrator(PassStarted("survey", 1))
        narrator(ActionEnded(action("create", session="tile-t1", group="tile-${tile}"), id="k2j3h4g5"))
    narrator(moved(1000, "done", "running"))
    narrator.close()
    assert printed[:4] == [
        "survey: 8 actions",
        "tile-${tile}: 8 running, 1 done, 4991 waiting",
        "tile-${tile}: 8 running, 7 done, 4985 waiting",
        "tile-${tile}: 8 running, 13 done, 4979 waiting",
    ]
    assert len(printed) == 1 + 1000 // 6 + 1 + 1
    assert printed[-1].endswith(" running -> done")


def test_a_pass_prints_one_line_for_each_changed_entry_and_at_most_twenty(action):
    entries = [f"stage-{number}" for number in range(30)]
    created = [ActionEnded(action("create", session=name), id="k2j3h4g5") for name in entries for _ in range(2)]
    moves = [moved(number, group=entry) for entry in entries for number in (1, 2)]
    failed = PhaseChanged("survey", "reduce", 1, "reduce-1", "k2j3h4g5", "running", "failed")
    whole = tuple(EntrySummary(name, {"running": 4, "done": 2}) for name in entries)
    printed = printed_by(
        PassStarted("survey", 60), *created, *moves, failed, PassEnded("survey", ProjectSummary(0.0, whole))
    )
    assert printed[:2] == ["survey: 60 actions", "reduce-1 k2j3h4g5: running -> failed"]  # before its effects
    assert printed[2].startswith("stage-0: 2 created (")
    assert printed[2].endswith("); 4 running, 2 done")
    assert len(printed) == 21
    assert printed[-1] == "… and 12 more; `skaha-apply status` shows the whole"
