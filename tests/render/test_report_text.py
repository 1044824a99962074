from __future__ import annotations

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.report import FailedLog, Failure, ReplicaReport, Report
from skaha_apply.render.run.report import report_text


def report(**more):
    given = {"project": "survey", "applied": {}, "failed": (), "sessions": (), "exit_codes": frozenset({ExitCode.OK})}
    return Report(**given | more)


def test_a_report_counts_what_was_done_and_where_the_replicas_stand():
    sessions = tuple(ReplicaReport(f"reduce-{i}", i, "k2j3h4g5", "running") for i in range(1, 4))
    text = report_text(report(applied={"create": 2, "replace": 1, "delete": 0}, sessions=sessions))
    assert text == "survey: 2 created, 1 replaced.\nReplicas: 3 running.\n"


def test_report_states_that_nothing_was_to_apply():
    assert report_text(report()) == "survey: nothing was changed.\n"


def test_equal_failures_are_one_line():
    failed = tuple(Failure(f"reduce-{i}", "create", "400: no\nsuch \x1b[1mimage") for i in range(1, 100))
    text = report_text(report(failed=failed))
    assert (
        r"failed create reduce-1, reduce-2, reduce-3, reduce-4, reduce-5 and 94 more: 400: no\nsuch \x1b[1mimage"
        in text
    )
    assert "Not carried out: 99 actions.\n" in text


def test_many_different_failures_are_bounded():
    text = report_text(report(failed=tuple(Failure(f"r-{i}", "create", f"error {i}") for i in range(1000))))
    assert "… and 980 other errors" in text
    assert len(text.splitlines()) < 40


def test_the_end_of_failed_logs_is_shown_without_its_escapes():
    logs = tuple(FailedLog(f"reduce-{i}", "k2j3h4g5", "logs/1.log", "a\tb\n\x1b[31mTraceback\n") for i in range(7))
    text = report_text(report(logs=logs))
    assert "── end of the log of reduce-0 (k2j3h4g5)\n   a\tb\n   \\x1b[31mTraceback\n── full log: logs/1.log\n" in text
    assert "… and 2 more logs: " in text


def test_running_interactive_sessions_can_be_opened():
    desk = ReplicaReport("desk", 1, "k2j3h4g5", "running", "desk", "https://host/session/notebook/k2j3h4g5")
    text = report_text(report(sessions=(desk,)))
    assert "open desk: https://host/session/notebook/k2j3h4g5\n" in text
