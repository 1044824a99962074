from __future__ import annotations

from dataclasses import dataclass

from skaha_apply.render.table import status_document, status_text, statuses_document


@dataclass(frozen=True)
class Row:
    session: str
    name: str
    phase: str
    action: str = "unchanged"
    reason: str = ""
    replica: int = 1
    id: str | None = None
    attempt: int = 0
    started: float | None = None
    ended: float | None = None
    connect_url: str = ""


def test_columns_are_aligned_and_remarks_say_what_the_phase_does_not():
    rows = [
        Row("reduce", "reduce-1", "running", reason="running", id="k2j3h4g5", attempt=1, started=1_790_000_000.5),
        Row("mosaic", "mosaic", "wait", "wait", "\x1b[31mneeds reduce"),
        Row("reduce", "reduce-2", "running", "replace", "spec changed", 2, "a1b2c3d4", 1),
        Row("desk", "desk", "running", reason="running", id="z1b2c3d4", attempt=1, connect_url="https://x"),
    ]
    assert status_text(rows) == (
        "NAME      REPLICA  PHASE    ID        ATTEMPT  STARTED               ENDED  REMARK\n"
        "reduce-1  1        running  k2j3h4g5  1        2026-09-21T14:13:20Z  -\n"
        "mosaic    1        wait     -         -        -                     -      \\x1b[31mneeds reduce\n"
        "reduce-2  2        running  a1b2c3d4  1        -                     -      replace: spec changed\n"
        "desk      1        running  z1b2c3d4  1        -                     -      https://x\n"
    )


def test_the_document_says_times_in_utc():
    document = status_document("survey", [Row("Desk", "desk", "running", id="k2j3h4g5", attempt=1, ended=0.0)])
    assert document["sessions"] == [
        {
            "session": "Desk", "name": "desk", "replica": 1, "phase": "running", "id": "k2j3h4g5", "attempt": 1,
            "started": None, "ended": "1970-01-01T00:00:00Z", "action": "unchanged", "reason": "", "connect_url": None,
        },
    ]  # fmt: skip
    assert statuses_document([document]) == document
    assert statuses_document([document, document])["projects"] == [document, document]
