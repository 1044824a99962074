"""The output of `ps`: a row for each session of the account."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skaha_apply.model.session import Phase
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.times import rfc3339, short_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from skaha_apply.model.account.sessions import AccountSessions, OwnedSession
    from skaha_apply.render.color import Paint

PS_FORMAT = "1.0"
_HEAD = ("NAME", "KIND", "STATUS", "AGE", "CORES", "RAM", "GPUS", "PROJECT", "ID")
_STATUS, _GPUS = 2, 6  # columns
_STYLES = {Phase.RUNNING: "green", Phase.FAILED: "bold red", Phase.DONE: "dim"}
_SHRINKING = (0, 7)  # columns that are cut to fit a terminal: the name first, then the project
_LEAST = 12  # characters to which these columns are cut


def ps_text(found: AccountSessions, width: int | None, mask: Callable[[str], str], paint: Paint = plain) -> str:
    """A table with a heading. `width` is that of the terminal, None for no limit; `mask` hides IDs."""
    rows = [_HEAD, *(_cells(one, found.at, mask) for one in found.sessions)]
    has_gpus = any(row[_GPUS] != "-" for row in rows[1:])
    used = [column for column in range(len(_HEAD)) if has_gpus or column != _GPUS]
    widths = {column: max(len(row[column]) for row in rows) for column in used}
    if width is not None:
        for column in _SHRINKING:
            over = sum(widths.values()) + 2 * (len(used) - 1) - width
            widths[column] = max(widths[column] - max(over, 0), min(widths[column], _LEAST))
    styles = ["bold", *(_STYLES.get(one.live.phase, "") for one in found.sessions)]
    return "\n".join(_line(row, widths, style, paint) for row, style in zip(rows, styles, strict=True)) + "\n"


def ps_document(found: AccountSessions, *, addresses: bool) -> dict[str, Any]:
    """The sessions as a JSON value; `ram` in GiB. Without `addresses`, `connect_url` of each session is null."""
    return {
        "format_version": PS_FORMAT,
        "account": found.account,
        "at": rfc3339(found.at),
        "sessions": [
            {
                "name": one.live.name,
                "id": one.live.id,
                "project": one.project or None,
                "kind": one.live.kind,
                "status": one.live.status,
                "image": one.live.image,
                "started": rfc3339(one.live.started),
                "expires": rfc3339(one.live.expires),
                "cores": one.live.cores,
                "ram": one.live.ram,
                "gpus": one.live.gpus,
                "connect_url": (one.live.connect_url or None) if addresses else None,
            }
            for one in found.sessions
        ],
    }


def _cells(one: OwnedSession, at: float, mask: Callable[[str], str]) -> tuple[str, ...]:
    live = one.live
    texts = (
        live.name,
        live.kind,
        live.status,
        "" if live.started is None else short_duration(max(0.0, at - live.started)),
        "flex" if live.cores is None else f"{live.cores:g}",
        "flex" if live.ram is None else f"{live.ram:g}",
        str(live.gpus or ""),
        one.project,
        mask(live.id),
    )
    return tuple(one_line(text) or "-" for text in texts)


def _line(row: Sequence[str], widths: dict[int, int], style: str, paint: Paint) -> str:
    cells = {column: f"{truncate(row[column], width):<{width}}" for column, width in widths.items()}
    if row is not _HEAD:
        cells[_STATUS] = paint(cells[_STATUS], style)
    line = "  ".join(cells.values()).rstrip()
    return paint(line, style) if row is _HEAD else line
