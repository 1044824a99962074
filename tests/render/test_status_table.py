from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import pytest
from reason_notes import note

from skaha_apply.model.progress.summary import EntrySummary, ProjectSummary
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import NotStarted
from skaha_apply.planning.failure_cause import shared_causes
from skaha_apply.render.color import plain
from skaha_apply.render.run.entries import paint_rows
from skaha_apply.render.run.replica_table import table_rows
from skaha_apply.render.run.status import (
    is_large,
    overview,
    overview_text,
    replicas,
    status_document,
    statuses_document,
)

if TYPE_CHECKING:
    from skaha_apply.model.status import PeakUse

NOW = 1_790_003_600.0


def status_text(rows, width=None):
    return "\n".join(paint_rows(table_rows(rows, NOW, width), plain)) + "\n"


RUNNING = Reason(ReasonCode.RUNNING)


@dataclass(frozen=True)
class Row:
    session: str
    name: str
    phase: str
    action: str = "unchanged"
    reason: str | Reason = ""
    replica: int = 1
    id: str | None = None
    attempt: int = 0
    started: float | None = None
    ended: float | None = None
    connect_url: str = ""
    group: str = ""
    attempts: int = 1
    accepted: float | None = None
    pending: float | None = None
    event: str = ""
    cause: str = ""
    used: PeakUse | None = None
    ram: float | None = None
    ended_after: float | None = None

    def __post_init__(self):
        object.__setattr__(self, "reason", note(self.reason))


@dataclass(frozen=True)
class Status:
    rows: tuple
    summary: ProjectSummary = field(default_factory=lambda: ProjectSummary(NOW))
    not_started: tuple = ()
    project: str = "survey"
    causes: tuple = ()
    at: float = NOW
    offline: str = ""
    changes: dict = field(default_factory=dict)


def summary(*entries):
    return ProjectSummary(NOW, entries)


def test_columns_are_aligned_and_remarks_add_to_the_phase():
    rows = [
        Row(
            "reduce",
            "reduce-1",
            "running",
            reason=RUNNING,
            id="k2j3h4g5",
            attempt=1,
            started=1_790_000_000.5,
        ),
        Row("mosaic", "mosaic", "wait", "wait", "\x1b[31mneeds reduce"),
        Row("reduce", "reduce-2", "running", "replace", "spec changed", 2, "a1b2c3d4", 1),
        Row(
            "desk",
            "desk",
            "running",
            reason=RUNNING,
            id="z1b2c3d4",
            attempt=1,
            connect_url="https://x",
        ),
    ]
    assert status_text(rows) == (
        "NAME      REPLICA  PHASE    ID        ATTEMPT  STARTED  ENDED  REMARK\n"
        "reduce-1  1        running  k2j3h4g5  1        14:13    -\n"
        "mosaic    1        wait     -         -        -        -      \\x1b[31mneeds reduce\n"
        "reduce-2  2        running  a1b2c3d4  1        -        -      replace: spec changed\n"
        "desk      1        running  z1b2c3d4  1        -        -      https://x\n"
    )


def test_remarks_are_wrapped_between_words_and_a_retry_has_its_own_word():
    again = "failed in attempt 1 of 3; next attempt in 40 s, because the image could not be pulled twice"
    rows = [
        Row("reduce", "reduce-1", "failed", "wait", again, id="k2j3h4g5", attempt=1, attempts=3, started=NOW - 60),
        Row("mosaic", "mosaic", "running", reason=RUNNING, id="a1b2c3d4", attempt=1, started=NOW - 86400),
    ]
    assert status_text(rows, 80) == (
        "NAME      REPLICA  PHASE    ID        ATTEMPT  STARTED      ENDED\n"
        "reduce-1  1        retry    k2j3h4g5  1 of 3   15:12        -\n"
        "    wait: failed in attempt 1 of 3; next attempt in 40 s, because the image\n"
        "    could not be pulled twice\n"
        "mosaic    1        running  a1b2c3d4  1        09-20 15:13  -\n"
    )
    for width in (60, 80, 140):
        shown = status_text(rows, width).splitlines()
        assert max(map(len, shown)) <= width
        assert " ".join(" ".join(shown).split()).count("could not be pulled") == 1


def test_an_attempt_of_several_and_the_last_event_of_what_is_pending_for_long():
    rows = [
        Row("reduce", "reduce-1", "failed", "retry", "failed in attempt 1 of 3", id="k2j3h4g5", attempt=1, attempts=3),
        Row(
            "reduce", "reduce-2", "pending", id="a1b2c3d4", attempt=2, attempts=3, pending=840.0, event="0/9 nodes\x1b"
        ),
        Row("reduce", "reduce-3", "running", reason=RUNNING, id="z1b2c3d4", attempt=2, attempts=3, ram=32),
    ]
    text = status_text(rows).splitlines()
    assert text[1].endswith("1 of 3         -        -      retry: failed in attempt 1 of 3")
    assert text[2].endswith(r"2 of 3         -        -      pending for 14 min: 0/9 nodes\x1b")
    assert "2 of 3, 32 GB  -" in text[3]


def test_large_project_is_shown_by_entry_with_the_replicas_that_need_attention():
    failed = [
        Row("tile", f"tile-{one}", "failed", "failed", "exit", one, id="k2j3h4g5", attempt=1) for one in range(1, 61)
    ]
    not_started = tuple(NotStarted(f"stage-{one}", "blocked", note("needs tile"), 1) for one in range(30))
    status = Status(
        tuple(failed),
        summary(EntrySummary("tile", {"failed": 60, "done": 940}), EntrySummary("merge", {"wait": 1})),
        not_started,
    )
    assert is_large(status)
    assert not is_large(replace(status, summary=summary(EntrySummary("tile", {"failed": 20})), rows=status.rows[:20]))
    text = overview_text(status, status.rows).splitlines()
    assert text[:3] == [
        "entry  pending  running  done  failed  waiting  blocked  total",
        "tile         -        -   940      60        -        -   1000",
        "merge        -        -     -       -        1        -      1",
    ]
    assert text[3] == "x stage-0: 1 blocked: needs tile"
    assert text[22] == "… and 11 more; --all lists every replica"
    assert text[23].startswith("NAME ")
    assert text[-1] == "… and 11 more; --all lists every replica"
    assert len(text) == 24 + 50
    small = overview(status, status.rows, 60, 10)
    conflict = [Row("x", f"x-{one}", "conflict", "conflict", "an unmanaged session", one) for one in range(30)]
    shared = (NotStarted("x", "conflict", conflict[0].reason, 30),)
    conflicts = replace(status, not_started=shared, summary=summary(EntrySummary("x", {"conflict": 30})))
    assert len(overview_text(conflicts, conflict).splitlines()) == 3  # the heading, the entry, and the shared reason
    assert len(small) <= 10


def test_of_many_entries_the_busiest_have_a_row():
    entries = [EntrySummary(f"tile-{one:02}", {"failed" if one == 58 else "done": 1}) for one in range(60)]
    text = overview_text(Status((), summary(*entries)), ()).splitlines()
    assert len(text) == 31
    assert [row.split()[0] for row in text[-3:]] == ["tile-27", "tile-58", "…"]
    assert text[-1] == "… and 31 more entries: 31 done"
    assert len(overview_text(Status((), summary(*entries[:30])), ()).splitlines()) == 31


@pytest.mark.parametrize("width", [None, 40])
def test_what_an_apply_would_change_is_the_end_of_both_views(width):
    found = Status((Row("tile", "tile-1", "create", "create"),), changes={"create": 1, "retry": 3, "delete": 2})
    line = "Changes to apply: 1 to create, 2 to delete, 3 to retry."
    wrapped = [line] if width is None else ["Changes to apply: 1 to create, 2 to", "  delete, 3 to retry."]
    for rows in (overview(found, (), width), replicas(found, width)):
        assert ["".join(text for text, _ in row) for row in rows][-len(wrapped) :] == wrapped


def test_a_failure_is_shown_with_its_cause():
    rows = [
        Row("reduce", "reduce-1", "failed", "failed", "failed in attempt 1", cause="MemoryError\x1b"),
        Row("reduce", "reduce-2", "failed", "failed", "failed in attempt 1: pending for 2h", cause="pending for 2h"),
    ]
    text = status_text(rows).splitlines()
    assert text[1].endswith(r"failed in attempt 1: MemoryError\x1b")
    assert text[2].endswith("  failed in attempt 1: pending for 2h")


def test_the_commands_of_a_reason_are_completed_and_those_of_a_log_or_an_event_are_not():
    command = "`skaha-apply state forget x`"
    rows = [
        Row("reduce", "reduce-1", "failed", "failed", command, cause=f"run {command}"),
        Row("reduce", "reduce-2", "pending", "unchanged", command, pending=60.0, event=f"see {command}"),
        Row("reduce", "reduce-3", "failed", "wait", command),
    ]
    found = table_rows(rows, NOW, None, lambda text: text.replace("forget x", "forget x --sandbox"))
    remarks = [text.partition("`")[2] for text in paint_rows(found, plain)[1:]]
    completed = "skaha-apply state forget x --sandbox`"
    assert remarks == [f"{completed}: run {command}", command[1:], completed]


def test_failures_of_a_large_project_with_the_same_cause_are_one_row():
    rows = tuple(
        Row(
            "tile",
            f"tile-{one}",
            "failed",
            "failed",
            "exit",
            one,
            cause=f"no file /arc/t{one}" if one < 26 else "Killed",
        )
        for one in range(1, 27)
    )
    status = Status(
        rows, summary(EntrySummary("tile", {"failed": 26})), causes=shared_causes((r.name, r.cause) for r in rows)
    )
    text = overview_text(status, rows).splitlines()
    assert text[2] == "25 failed: no file … (tile-1 and 24 more)"
    assert [line.split()[0] for line in text[3:]] == ["NAME", "tile-26"]
    document = status_document(status)
    assert document["sessions"][0]["cause"] == "no file /arc/t1"
    assert [(one["cause"], one["count"]) for one in document["causes"]] == [("no file …", 25), ("Killed", 1)]


def test_document_has_times_in_utc():
    document = status_document(
        Status(
            (Row("Desk", "desk", "running", id="k2j3h4g5", attempt=1, ended=0.0),),
            summary(EntrySummary("Desk", {"running": 1}, longest=12.34567)),
        )
    )
    assert document["entries"] == [
        {
            "name": "Desk", "total": 1, "counts": {"running": 1}, "longest_s": 12.346, "median_s": None,
            "median_is_upper_bound": False,
            "left_s": None, "stragglers": [], "core_hours": {"used": 0.0, "lost": 0.0, "to_come": 0.0},
            "progress": {"done": 0, "running": 1, "queued": 0, "retrying": 0, "blocked": 0, "failed": 0, "other": 0},
            "queue": {"server": 0, "slot": 0, "dependency": 0, "start": 0},
        }
    ]  # fmt: skip
    assert document["sessions"] == [
        {
            "session": "Desk", "group": None, "name": "desk", "replica": 1, "phase": "running", "id": "k2j3h4g5",
            "attempt": 1, "attempts": 1, "ram": None,
            "accepted": None, "started": None, "ended": "1970-01-01T00:00:00Z",
            "ended_after": None,
            "action": "unchanged", "reason": "", "reason_code": "due", "event": None, "cause": None, "used": None,
            "connect_url": None,
        },
    ]  # fmt: skip
    assert statuses_document([document]) == document
    assert statuses_document([document, document])["projects"] == [document, document]
