"""Why a session failed, from its log and its events; and which failures have the same cause."""

from __future__ import annotations

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skaha_apply.planning.failure_cause import LONGEST, cause_key, failure_cause, is_out_of_memory, shared_causes

HEAD = "TYPE      REASON    MESSAGE    FIRST-TIME    LAST-TIME\n"
AT = "2026-11-22T10:00:00Z   2026-11-22T10:00:09Z"
TRACEBACK = 'Traceback (most recent call last):\n  File "reduce.py", line 3, in <module>\n    main()\n    ~~~~^^\n'


def events(*rows):
    return HEAD + "".join(f"Warning   {reason}   {message}   {AT}\n" for reason, message in rows)


@pytest.mark.parametrize(
    ("log", "cause"),
    [
        (TRACEBACK + "MemoryError\n", "MemoryError"),
        (TRACEBACK + "survey.calibration.Missing: no flat for t017\n", "survey.calibration.Missing: no flat for t017"),
        (TRACEBACK + "ValueError: a\nmake: *** [all] Error 1\nexit status 1\n", "ValueError: a"),
        (TRACEBACK + "ValueError: a\n\nDuring handling:\n\n" + TRACEBACK + "KeyError: 'b'\n", "KeyError: 'b'"),
        ("bash: line 1: reduce: command not found\n", "bash: line 1: reduce: command not found"),
        ("/bin/bash: line 1:   12 Killed      python x.py\n", "/bin/bash: line 1: 12 Killed python x.py"),
        ("cat: /arc/x: No such file or directory\ndone\n", "cat: /arc/x: No such file or directory"),
        ("10%\r90%\r\x1b[31mERROR:\x1b[0m disk quota exceeded\n", "ERROR: disk quota exceeded"),
        ("2026-11-28 08:00:01,123 SEVERE  task no MS\n", "SEVERE task no MS"),
        ("ERROR: first\nERROR: second\nbye\n", "ERROR: second"),
        ("a\nCommand exited with non-zero status 2\n", "Command exited with non-zero status 2"),
        ("all good\n0 errors\nerrors: 0\nWARNING: error bars are large\nerror rate 0.1\n", ""),
        ("", ""),
    ],
)
def test_the_last_line_that_looks_like_an_error_is_the_cause(log, cause):
    assert failure_cause(log, "<none>\n") == cause


@pytest.mark.parametrize(
    ("rows", "cause"),
    [
        ([("OOMKilling", "Memory cgroup out of memory: Killed process 12")], "out of memory (OOMKilled)"),
        (
            [
                ("Failed", 'Failed to pull image "images.canfar.net/a/b:1": rpc error: code = NotFound'),
                ("Failed", "Error: ErrImagePull"),
                ("BackOff", 'Back-off pulling image "images.canfar.net/a/b:1"'),
                ("Failed", "Error: ImagePullBackOff"),
            ],
            "image cannot be pulled: images.canfar.net/a/b:1",
        ),
        (
            [("DeadlineExceeded", "Job was active longer than specified deadline")],
            "deadline exceeded: Job was active longer than specified deadline",
        ),
        ([("Evicted", "The node was low on resource: memory.")], "evicted: The node was low on resource: memory."),
        (
            [
                (
                    "Failed",
                    'Error: unable to start container process: exec: "reduce": file not found in $PATH: unknown',
                )
            ],
            'cannot start: exec: "reduce": file not found in $PATH',
        ),
    ],
)
def test_an_event_that_ended_the_session_comes_before_its_log(rows, cause):
    assert failure_cause("ValueError: a\n", events(*rows)) == cause


def test_an_event_that_did_not_end_the_session_is_not_a_cause():
    rows = [
        ("Failed", 'Failed to pull image "images.canfar.net/a/b:1": timeout'),
        ("Pulled", 'Successfully pulled image "images.canfar.net/a/b:1"'),
        ("Started", "Started container"),
        ("BackoffLimitExceeded", "Job has reached the specified backoff limit"),
    ]
    assert failure_cause("ValueError: a\n", events(*rows)) == "ValueError: a"
    assert failure_cause("", events(*rows)) == ""


def test_failures_that_differ_in_paths_numbers_and_ids_have_the_same_cause():
    failed = [(f"t-{one}", f"FileNotFoundError: [Errno 2] No such file: '/arc/t{one}.fits'") for one in range(25)]
    failed += [("reduce-3", "MemoryError"), ("reduce-4", ""), ("reduce-5", "MemoryError")]
    first, second = shared_causes(failed)
    assert (first.cause, first.count, first.names[0]) == (
        "FileNotFoundError: [Errno …] No such file: '…'",
        25,
        "t-0",
    )
    assert (second.cause, second.count, second.names) == ("MemoryError", 2, ("reduce-3", "reduce-5"))
    assert cause_key(first.cause) == first.cause


@pytest.mark.parametrize(
    "cause",
    [
        failure_cause("", events(("OOMKilling", "Killed process 12"))),
        "MemoryError",
        "numpy.core._exceptions._ArrayMemoryError: Unable to allocate 8.0 GiB for an array",
        "terminate called after throwing an instance of 'std::bad_alloc'",
        "fork: Cannot allocate memory",
        "Command exited with non-zero status 137",
        "Killed",
        "/bin/bash: line 1: 12 Killed python x.py",
    ],
)
def test_a_cause_states_that_memory_was_not_enough(cause):
    assert is_out_of_memory(cause)


@pytest.mark.parametrize(
    "cause",
    ["", "torch.cuda.OutOfMemoryError: CUDA out of memory", "exit status 1: tile 137", "ValueError: killed by a user"],
)
def test_other_causes_are_not_about_memory(cause):
    assert not is_out_of_memory(cause)


@given(st.text(), st.text(string.printable, max_size=300))
def test_any_log_and_events_give_one_short_printable_line(log, table):
    cause = failure_cause(f"{log}\nerror {log}", HEAD + table)
    assert len(cause) <= LONGEST
    assert cause.isprintable()
