"""Saved logs: saved whole, never replaced by an empty text, listed by attempt."""

from __future__ import annotations

import os

import pytest

from skaha_apply.model.errors import StateError
from skaha_apply.state.paths import logs_folder
from skaha_apply.state.saved_logs import SavedLogs


@pytest.fixture
def folder(tmp_path):
    return logs_folder(tmp_path, "sandbox", "survey")


def test_a_log_and_its_events_are_read_back_from_the_documented_paths(folder):
    logs = SavedLogs(folder)
    path = logs.save("reduce-1", "1-k2j3h4g5", "line\r\nüber\n", "TYPE REASON\n")
    assert path == str(folder / "reduce-1" / "1-k2j3h4g5.log")
    assert (folder / "reduce-1" / "1-k2j3h4g5.events").read_text() == "TYPE REASON\n"
    assert logs.read("reduce-1", "1-k2j3h4g5") == ("line\r\nüber\n", "TYPE REASON\n")
    assert logs.read("reduce-1", "2-other") is None
    assert (folder.parents[2] / ".gitignore").read_text() == "*\n"


def test_an_empty_text_never_replaces_a_saved_one(folder):
    logs = SavedLogs(folder)
    path = logs.save("a", "1-x", "text\n", "events\n")
    for log, events in (("", None), ("", ""), (" \n", "<none>\n")):
        assert logs.save("a", "1-x", log, events) == path
    assert logs.read("a", "1-x") == ("text\n", "events\n")
    logs.save("a", "1-x", "text\nmore\n", "events\nmore\n")
    assert logs.read("a", "1-x") == ("text\nmore\n", "events\nmore\n")


def test_an_empty_log_is_not_kept_but_its_events_are(folder):
    logs = SavedLogs(folder)
    assert logs.save("a", "1-x", "", "events\n") is None
    assert logs.read("a", "1-x") == ("", "events\n")
    assert logs.save("a", "2-y", "", None) is None
    assert logs.labels("a") == ("1-x",)


def test_labels_are_sorted_by_attempt(folder):
    logs = SavedLogs(folder)
    for label in ("10-b", "2-z", "1-m", "2-a"):
        logs.save("a", label, "x", "y")
    assert logs.labels("a") == ("1-m", "2-a", "2-z", "10-b")
    assert logs.labels("b") == ()


def test_when_logs_are_off_nothing_is_saved_and_what_was_is_still_read(folder):
    SavedLogs(folder).save("a", "1-x", "old", None)
    logs = SavedLogs(folder, keep=False)
    assert logs.save("a", "2-y", "new", "new") is None
    assert logs.read("a", "1-x") == ("old", "")
    assert logs.labels("a") == ("1-x",)


def test_names_cannot_leave_the_folder(folder):
    logs = SavedLogs(folder)
    assert logs.save("../../x", "1-../y", "log", None).startswith(str(folder))
    assert logs.read("../../x", "1-../y") == ("log", "")
    assert not (folder.parent / "x").exists()


def test_a_disk_that_refuses_is_one_clear_message(folder):
    folder.parent.mkdir(parents=True)
    folder.write_text("a file in the way")
    with pytest.raises(StateError, match="cannot save the log") as caught:
        SavedLogs(folder).save("a", "1-x", "log", None)
    assert caught.value.hint


def test_a_pipe_instead_of_a_log_is_refused_at_once(folder):
    logs = SavedLogs(folder)
    path = logs.path("a", "1-x")
    path.parent.mkdir(parents=True)
    os.mkfifo(path)
    for read in (lambda: logs.read("a", "1-x"), lambda: logs.tail("a", "1-x", 100)):
        with pytest.raises(StateError, match=r"cannot read the saved log .*: not a regular file"):
            read()
