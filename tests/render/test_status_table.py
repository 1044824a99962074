from __future__ import annotations

from skaha_apply.render.table import StatusRow, status_document, status_text


def test_columns_are_aligned():
    rows = [
        StatusRow("reduce-1", 1, "running", "k2j3h4g5", 1, 1_790_000_000.5),
        StatusRow("mosaic", 1, "due", reason="\x1b[31mneeds reduce"),
    ]
    assert status_text(rows) == (
        "NAME      REPLICA  PHASE    ID        ATTEMPT  STARTED               ENDED  REASON\n"
        "reduce-1  1        running  k2j3h4g5  1        2026-09-21T14:13:20Z  -\n"
        "mosaic    1        due      -         1        -                     -      \\x1b[31mneeds reduce\n"
    )


def test_the_document_says_times_in_utc():
    document = status_document("survey", [StatusRow("desk", 1, "running", "k2j3h4g5", connect_url="https://x")])
    assert document["sessions"] == [
        {
            "name": "desk", "replica": 1, "phase": "running", "id": "k2j3h4g5", "attempt": 1,
            "started": None, "ended": None, "reason": "", "connect_url": "https://x",
        },
    ]  # fmt: skip
