"""Aligned columns: where every replica stands."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from skaha_apply.model.session import Phase
from skaha_apply.render.ink import plain
from skaha_apply.render.printable import cut, line

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.render.ink import Ink

STATUS_FORMAT = "1.0"
_STYLES = {
    Phase.RUNNING.value: "green",
    Phase.DONE.value: "dim",
    Phase.FAILED.value: "bold red",
    Phase.UNKNOWN.value: "bold yellow",
}
_WIDTH = 60  # characters of one cell


@dataclass(frozen=True, slots=True)
class StatusRow:
    """Where one replica stands; times are Unix seconds of the server, None where unknown."""

    name: str
    replica: int
    phase: str
    id: str | None = None
    attempt: int = 1
    started: float | None = None
    ended: float | None = None
    reason: str = ""
    connect_url: str = ""


def status_text(rows: Sequence[StatusRow], ink: Ink = plain) -> str:
    """The rows as a table with a heading, with a newline at its end."""
    cells: list[tuple[str, ...]] = [("NAME", "REPLICA", "PHASE", "ID", "ATTEMPT", "STARTED", "ENDED", "REASON")]
    cells += [_cells(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for number, row in enumerate(cells):
        style = "bold" if number == 0 else _STYLES.get(row[2], "")
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        padded[2] = ink(padded[2], style) if style else padded[2]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def status_document(project: str, rows: Sequence[StatusRow]) -> dict[str, Any]:
    """The rows of one project as a JSON value; times are RFC 3339 in UTC."""
    return {
        "format_version": STATUS_FORMAT,
        "project": project,
        "sessions": [
            {
                "name": row.name,
                "replica": row.replica,
                "phase": row.phase,
                "id": row.id,
                "attempt": row.attempt,
                "started": moment(row.started),
                "ended": moment(row.ended),
                "reason": row.reason,
                "connect_url": row.connect_url or None,
            }
            for row in rows
        ],
    }


def moment(seconds: float | None) -> str | None:
    """Unix seconds as `2026-11-22T10:00:00Z`, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cells(row: StatusRow) -> tuple[str, ...]:
    texts = (
        row.name,
        str(row.replica),
        row.phase,
        row.id or "-",
        str(row.attempt),
        moment(row.started) or "-",
        moment(row.ended) or "-",
        row.reason or row.connect_url,
    )
    return (*(cut(line(text), _WIDTH) for text in texts[:-1]), line(texts[-1]))
