"""Aligned columns: where every replica stands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Protocol

from skaha_apply.model.plan import QUIET, ActionKind
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
_QUIET = frozenset(kind.value for kind in QUIET)
_WIDTH = 60  # characters of one cell


class Row(Protocol):
    """Where one replica stands; times are Unix seconds by the server's clock, None where unknown."""

    @property
    def session(self) -> str:
        """Its name in the manifest."""
        ...

    @property
    def replica(self) -> int:
        """REPLICA_ID, from 1."""
        ...

    @property
    def name(self) -> str:
        """The live name."""
        ...

    @property
    def phase(self) -> str:
        """Where it stands."""
        ...

    @property
    def id(self) -> str | None:
        """Its last session."""
        ...

    @property
    def attempt(self) -> int:
        """How often it was tried."""
        ...

    @property
    def started(self) -> float | None:
        """When it started."""
        ...

    @property
    def ended(self) -> float | None:
        """When its end was first seen."""
        ...

    @property
    def action(self) -> str:
        """What a plan says of it."""
        ...

    @property
    def reason(self) -> str:
        """Why the plan says so."""
        ...

    @property
    def connect_url(self) -> str:
        """Where it can be opened."""
        ...


def status_text(rows: Sequence[Row], ink: Ink = plain) -> str:
    """The rows as a table with a heading, with a newline at its end."""
    cells: list[tuple[str, ...]] = [("NAME", "REPLICA", "PHASE", "ID", "ATTEMPT", "STARTED", "ENDED", "REMARK")]
    cells += [_cells(row) for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = []
    for number, row in enumerate(cells):
        style = "bold" if number == 0 else _STYLES.get(row[2], "")
        padded = [f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)]
        padded[2] = ink(padded[2], style) if style else padded[2]
        lines.append("  ".join(padded).rstrip())
    return "\n".join(lines) + "\n"


def statuses_document(documents: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The document of one call: that of one project, or of several `{format_version, projects}`."""
    return documents[0] if len(documents) == 1 else {"format_version": STATUS_FORMAT, "projects": list(documents)}


def status_document(project: str, rows: Sequence[Row]) -> dict[str, Any]:
    """The rows of one project as a JSON value; times are RFC 3339 in UTC."""
    return {
        "format_version": STATUS_FORMAT,
        "project": project,
        "sessions": [
            {
                "session": row.session,
                "name": row.name,
                "replica": row.replica,
                "phase": row.phase,
                "id": row.id,
                "attempt": row.attempt,
                "started": moment(row.started),
                "ended": moment(row.ended),
                "action": row.action,
                "reason": row.reason,
                "connect_url": row.connect_url or None,
            }
            for row in rows
        ],
    }


def moment(seconds: float | None) -> str | None:
    """Unix seconds as `2026-11-22T10:00:00Z`, to the second."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _cells(row: Row) -> tuple[str, ...]:
    texts = (
        row.name,
        str(row.replica),
        row.phase,
        row.id or "-",
        str(row.attempt) if row.attempt else "-",
        moment(row.started) or "-",
        moment(row.ended) or "-",
        _remark(row),
    )
    return (*(cut(line(text), _WIDTH) for text in texts[:-1]), line(texts[-1]))


def _remark(row: Row) -> str:
    """What is to be said of it: its address, or what a plan would do and why where the phase does not tell."""
    if row.action in _QUIET:
        return row.connect_url if row.phase == Phase.RUNNING.value else "" if row.reason == row.phase else row.reason
    return row.reason if row.action in (row.phase, ActionKind.FAILED.value) else f"{row.action}: {row.reason}"
