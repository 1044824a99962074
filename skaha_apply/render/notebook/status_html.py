"""A status in a notebook, as a small form of the page: numbers, a bar, the grid of each entry, failures by cause.

It has no script, and its characters have a meaning without colors too, because a notebook that is not trusted loses
styles.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.display.value_table import STYLE, html_table, table_of
from skaha_apply.model.masking.inert_text import without_controls
from skaha_apply.model.progress.summary import ProgressGroup
from skaha_apply.render.notebook.styled_html import styled_html
from skaha_apply.render.printable import one_line
from skaha_apply.render.run.entries import entry_line, not_started_rows
from skaha_apply.render.run.failures import cause_line
from skaha_apply.render.run.pace import summary_rows
from skaha_apply.render.run.strip import strip_row

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from skaha_apply.model.status import ProjectStatus
    from skaha_apply.render.run.entries import StyledRow

WIDTH = 100  # columns
MOST_ENTRIES, MOST_CAUSES, MOST_REASONS = 20, 10, 5
_SHOWN_ALWAYS = (ProgressGroup.DONE, ProgressGroup.FAILED)


def status_html(status: ProjectStatus) -> str:
    """The status as HTML; every text is escaped. The table of replicas is folded."""
    lines = "\n".join(
        "".join(styled_html(without_controls(text), style) for text, style in row) for row in _rows(status)
    )
    table = table_of(status)
    replicas = "" if table is None or not table.rows else html_table(replace(table, summary=()))
    folded = (
        f"<details><summary>{counted(len(status.rows), 'replica')}</summary>{replicas}</details>" if replicas else ""
    )
    return f"<div {STYLE}><pre>{lines}</pre>{folded}</div>"


def _rows(status: ProjectStatus) -> Iterator[StyledRow]:
    summary, grid = status.summary, status.grid
    at = f"{datetime.fromtimestamp(status.at, UTC):%Y-%m-%d %H:%M:%S} UTC"
    offline = f" ({one_line(status.offline)}; the server was not asked)" if status.offline else ""
    yield ((one_line(status.project), "bold"), (f" at {at}{offline}", ""))
    if summary.total:
        yield strip_row(_bar(summary.groups, summary.total), WIDTH)
    counts = [f"{count} {group}" for group, count in summary.groups.items() if count or group in _SHOWN_ALWAYS]
    yield (("  " + ", ".join(counts), ""),)
    yield from summary_rows(summary, WIDTH)
    for entry in summary.entries[:MOST_ENTRIES]:
        yield ((entry_line(entry), ""),)
        if entry.total > 1:
            yield strip_row(grid.get(entry.name.casefold(), ()), WIDTH)
    if (left := len(summary.entries) - MOST_ENTRIES) > 0:
        yield ((f"… and {counted(left, 'more entry', 'more entries')}", "dim"),)
    yield from _shortened([((cause_line(one), "red"),) for one in status.causes], MOST_CAUSES)
    yield from _shortened(not_started_rows(status.not_started, WIDTH), MOST_REASONS)


def _bar(groups: Mapping[ProgressGroup, int], total: int) -> list[ProgressGroup]:
    """The groups in proportion to their numbers; a group with a replica has at least one cell."""
    cells: list[ProgressGroup] = []
    for group, count in groups.items():
        cells += [group] * (max(1, round(count * WIDTH / total)) if count else 0)
    return cells


def _shortened(rows: list[StyledRow], most: int) -> list[StyledRow]:
    left = len(rows) - most
    return [*rows[:most], *([((f"… and {left} more", "dim"),)] if left > 0 else [])]
