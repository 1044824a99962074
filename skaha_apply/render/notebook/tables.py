"""The tables of the values that the Python API returns; to import this module registers them.

A notebook is a file that others read, so the ID of an interactive session, which is its password, is shortened, and its
address is left out.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.display.value_table import ValueTable, html_of, picture_of, table_of
from skaha_apply.model.masking.session_ids import short_id, without_ids
from skaha_apply.model.plan import Plan
from skaha_apply.model.report import Report
from skaha_apply.model.session import Phase
from skaha_apply.model.status import ProjectStatus, ReplicaHistory, Timeline
from skaha_apply.planning.summary.core_hours import planned_cost
from skaha_apply.render import action_labels
from skaha_apply.render.cost import cost_text
from skaha_apply.render.printable import one_line
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.entries import entry_line, not_started_rows, paint_rows
from skaha_apply.render.run.failures import cause_line
from skaha_apply.render.run.history import histories_text
from skaha_apply.render.run.lines import counts_line
from skaha_apply.render.run.status import changes_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.report import NotStarted, SharedCause

MOST_LINES = 5  # causes, reasons and notes of a summary, each
_WIDTH = 100  # columns of a history
_HIDDEN = frozenset({"session", "id"})
_CALM = frozenset({Phase.DONE.value, Phase.RUNNING.value, Phase.PENDING.value, Phase.ACCEPTED.value})


@table_of.register(Plan)
def plan_table(plan: Plan) -> ValueTable:
    """Each action with its reason; the summary are the counts and the refusal."""
    summary = plan.summary
    changes = action_labels.change_counts(summary) if plan.has_changes else "no changes"
    other = action_labels.other_counts(summary)
    lines = [f"Plan of {one_line(plan.project)}: {changes}{f'; also {other}' if other else ''}."]
    lines += _first([f"note: {one_line(reason_text(note))}" for note in plan.notes])
    if plan.core_hours_lost:
        most = "at most " if plan.lost_is_bound else ""
        lines.append(f"Core-hours lost: {most}{plan.core_hours_lost:g}.")
    lines += filter(None, [cost_text(planned_cost(plan.actions))])
    if plan.refused:
        lines.append(f"Refused: {one_line(reason_text(plan.refused))}.")
    return ValueTable(
        summary=tuple(lines),
        columns=("name", "session", "replica", "id", "action", "reason"),
        rows=[
            (one.name, one.session, one.replica, _id_of(one), one.kind.value, reason_text(one.reason))
            for one in plan.actions
        ],
        urgent=frozenset(index for index, one in enumerate(plan.actions) if not one.kind.is_quiet),
        hidden=_HIDDEN,
    )


@table_of.register(Report)
def report_table(report: Report) -> ValueTable:
    """Each replica with its phase; the summary is what was done, what failed and why, and what is left."""
    done = action_labels.applied_counts(report.applied)
    phases = Counter(one.phase for one in report.sessions)
    replicas = f" Replicas: {counts_line(phases)}." if report.sessions else ""
    lines = [f"{one_line(report.project)}: {done or 'nothing was changed'}.{replicas}"]
    lines += _causes(report.causes)
    lines += _first([f"not carried out: {one.action} {one.name}: {one.error}" for one in report.failed])
    lines += _reasons(report.not_started)
    lines += _first([f"note: {note}" for note in report.notes])
    lines += [f"{report.resume}."] if report.resume else []
    if phases[Phase.FAILED.value]:
        lines.append("To run failed replicas again: mark(project, 'rerun', phase='failed'), then apply.")
    return ValueTable(
        summary=tuple(map(one_line, lines)),
        columns=("name", "session", "replica", "id", "phase", "cause"),
        rows=[
            (one.name, one.session, one.replica, _shown_id(one.id, one.connect_url), one.phase, one.cause)
            for one in report.sessions
        ],
        urgent=frozenset(index for index, one in enumerate(report.sessions) if one.phase not in _CALM),
        hidden=_HIDDEN,
    )


@table_of.register(ProjectStatus)
def status_table(status: ProjectStatus) -> ValueTable:
    """Each replica with its times; the summary has the counts of each entry, causes of failures, reasons to wait."""
    lines = [f"{one_line(status.project)} at {datetime.fromtimestamp(status.at, UTC):%Y-%m-%d %H:%M:%S} UTC"]
    lines += _first([entry_line(entry) for entry in status.entries])
    lines += _causes(status.causes)
    lines += _reasons(status.not_started)
    lines += filter(None, [changes_text(status)])
    return ValueTable(
        summary=tuple(map(one_line, lines)),
        columns=(
            "name",
            "session",
            "replica",
            "id",
            "phase",
            "attempt",
            "started",
            "ended",
            "action",
            "reason",
            "cause",
        ),
        rows=[
            (
                row.name,
                row.session,
                row.replica,
                _shown_id(row.id, row.connect_url),
                row.phase,
                row.attempt,
                _time(row.started),
                _time(row.ended),
                row.action,
                reason_text(row.reason),
                row.cause,
            )
            for row in status.rows
        ],
        urgent=frozenset(index for index, row in enumerate(status.rows) if row.phase not in _CALM),
        hidden=_HIDDEN | {"action"},
    )


@html_of.register(ProjectStatus)
def status_html_of(status: ProjectStatus) -> str:
    """A status as the small form of its page."""
    from skaha_apply.render.notebook.status_html import status_html  # noqa: PLC0415 - only a notebook asks for it

    return status_html(status)


@table_of.register(ReplicaHistory)
def history_table(history: ReplicaHistory) -> ValueTable:
    """The history as text, and a row for each attempt."""
    interactive = history.spec is not None and history.spec.kind.interactive
    ids = frozenset(one.id for one in history.attempts if one.id) if interactive else frozenset()
    status = replace(history.status, connect_url="") if interactive else history.status
    text = without_ids(histories_text([replace(history, status=status)], _WIDTH), ids, frozenset())
    return ValueTable(
        summary=tuple(text.rstrip("\n").split("\n")),
        columns=("attempt", "phase", "id", "why", "cause", "accepted", "started", "ended"),
        rows=[
            (
                one.attempt,
                one.phase,
                short_id(one.id) if one.id and interactive else one.id,
                one.why,
                one.cause,
                *map(_time, (one.accepted, one.started, one.ended)),
            )
            for one in history.attempts
        ],
    )


@table_of.register(Timeline)
def timeline_table(timeline: Timeline) -> ValueTable:
    """A row for each segment; the summary is the number of replicas."""
    rows = [
        (lane.name, lane.entry, part.kind.value, _time(part.begin), _time(part.end))
        for lane in timeline.lanes
        for part in lane.segments
    ]
    replicas = counted(len(timeline.lanes), "replica")
    summary = f"Timeline of {one_line(timeline.project)}: {replicas}; save('FILE.png') draws it."
    return ValueTable((summary,), ("name", "entry", "activity", "begin", "end"), rows)


@picture_of.register(Timeline)
def timeline_picture_of(timeline: Timeline, form: str) -> bytes:
    """The picture of a timeline; raises `SkahaApplyError` if matplotlib cannot be used."""
    from skaha_apply.render.pictures.timeline import timeline_picture  # noqa: PLC0415 - matplotlib, an extra

    return timeline_picture([timeline], form)


def _causes(causes: Sequence[SharedCause]) -> list[str]:
    return _first([cause_line(one) for one in causes])


def _reasons(found: Iterable[NotStarted]) -> list[str]:
    return _first(paint_rows(not_started_rows(found), lambda text, _: text))


def _first(lines: list[str]) -> list[str]:
    """The first lines, and the number of the others."""
    more = len(lines) - MOST_LINES
    return [*lines[:MOST_LINES], *([f"… and {more} more"] if more > 0 else [])]


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _id_of(action: Action) -> str | None:
    """The ID; a short digest unless the session is known to be headless."""
    headless = action.desired is not None and not action.desired.spec.kind.interactive
    return action.id if headless or action.id is None else short_id(action.id)


def _shown_id(session_id: str | None, url: str) -> str | None:
    """The ID; a short digest if the session has an address, because it is interactive."""
    return short_id(session_id) if session_id and url else session_id
