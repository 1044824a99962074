"""A failure is shown with its cause: while an apply runs, in its report, in `status`, and in the state."""

from __future__ import annotations

TRACEBACK = 'echo "Traceback (most recent call last):"; echo "  File \\"reduce.py\\", line 1"; '
REDUCE = (
    'if [ "$REPLICA_ID" = 4 ]; then echo "error: no flat"; exit 2; fi\n'
    f'{TRACEBACK}echo "MemoryError: $REPLICA_ID of /arc/$REPLICA_ID"; exit 1\n'
)


def test_failures_are_shown_once_with_their_cause_and_counted(desk):
    (desk.folder / "reduce.sh").write_text(REDUCE)
    desk.write(
        {"name": "reduce", "replicas": 4, "cmd": "bash", "args": ["reduce.sh"]},
        {"name": "typo", "cmd": "no-such-program"},
    )
    ended = desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    shown = ended.err + ended.out
    assert "3 failed: MemoryError: … of … (reduce-1 and 2 more)" in ended.out
    assert "error: no flat" in shown
    assert 'typo failed: cannot start: exec: "no-such-program"' in ended.out
    assert "end of the log of typo" not in ended.out  # events are not a log
    record = next(one for one in desk.state["replicas"] if one["name"] == "reduce-4")
    assert record["cause"] == "error: no flat"
    assert "failed in attempt 1: MemoryError: 1 of /arc/1" in desk("status").out
    document = desk("status", "-o", "json").json
    assert (document["causes"][0]["count"], document["causes"][0]["names"][0]) == (3, "reduce-1")
    assert next(one["cause"] for one in document["sessions"] if one["name"] == "reduce-4") == "error: no flat"


def test_a_retry_keeps_the_cause_of_the_attempt_before_and_logs_finds_its_log(desk):
    (desk.folder / "once.sh").write_text('test -e once && exit 3; touch once; echo "error: no flat"; exit 2\n')
    desk.write(
        {
            "name": "reduce",
            "cmd": "bash",
            "args": ["once.sh"],
            "retries": 1,
            "retry_wait": "1s",
        }
    )
    ended = desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    assert "-> failed: error: no flat" in ended.err
    record = desk.state["replicas"][0]
    assert record["earlier"][0]["cause"] == "error: no flat"
    assert "cause" not in record
    logs = desk("logs", "reduce")
    assert logs.out == "error: no flat\n"
    assert "attempt 1 of 2, failed: the last log; the last attempt (number 2) has none" in logs.err


def test_a_pass_that_creates_saves_the_logs_of_ended_sessions_too(desk):
    """A list that is worked off a few at a time creates in each pass, and the server keeps a log for an hour only."""
    (desk.folder / "fail.sh").write_text('echo "error: no flat"; exit 2\n')
    desk.write({"name": "reduce", "replicas": 6, "cmd": "bash", "args": ["fail.sh"], "parallelism": 1})
    ended = desk.apply("--wait", "complete", "--poll", "0.3s", code=9)
    shown = ended.err.splitlines()
    first = next(place for place, line in enumerate(shown) if "failed: error: no flat" in line)
    assert first < next(place for place, line in enumerate(shown) if line.startswith("created reduce-4"))
