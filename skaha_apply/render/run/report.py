"""The report of `apply` as text: what was done, what was not done and why, and the logs of failed replicas."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.session import Phase
from skaha_apply.render import action_labels
from skaha_apply.render.color import plain
from skaha_apply.render.printable import one_line, printable_lines
from skaha_apply.render.run.entries import not_started_rows, paint_rows
from skaha_apply.render.run.failures import cause_lines
from skaha_apply.render.run.lines import counts_line
from skaha_apply.render.times import hours_text, short_duration

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from skaha_apply.model.report import FailedLog, Failure, Report, Usage
    from skaha_apply.render.color import Paint

FAILURES = 20  # different errors that are printed
NAMES = 5  # names for one error
LOGS = 5  # logs that are shown
URLS = 20  # addresses that are shown
TAIL = 4000  # characters of a log that are shown


def report_text(
    report: Report,
    paint: Paint = plain,
    nothing: str = "nothing was changed",
    complete: Callable[[str], str] = str,
) -> str:
    """The whole report, with a newline at its end.

    `nothing` is printed if no action was executed. `complete` completes the commands of reasons; see
    `not_started_rows`.
    """
    lines = [f"note: {one_line(note)}" for note in report.notes]
    lines += _logs(report.logs, paint)
    lines += [paint(line, "red") for line in cause_lines(report.causes)]
    lines += _failures(report.failed, paint)
    lines += _urls(report)
    done = action_labels.applied_counts(report.applied)
    phases = Counter(one.phase for one in report.sessions)
    lines += paint_rows(not_started_rows(report.not_started, complete=complete), paint)
    lines.append(paint(f"{one_line(report.project)}: {done or nothing}.", "bold"))
    if report.sessions:
        lines.append(f"Replicas: {counts_line(phases)}.")
    if report.usage is not None:
        lines.append(_usage_line(report.usage))
    if report.failed:
        lines.append(paint(f"Not carried out: {counted(len(report.failed), 'action')}.", "bold red"))
    return "\n".join(lines) + "\n"


def _usage_line(usage: Usage) -> str:
    """`Wait: 14 min, 12.5 core-hours used, logs in .skaha-apply/...`."""
    logs = f", logs in {one_line(usage.logs)}" if usage.logs else ""
    return f"Wait: {short_duration(usage.elapsed)}, {hours_text(usage.core_hours)} core-hours used{logs}"


def _failures(failed: Iterable[Failure], paint: Paint) -> list[str]:
    same: dict[tuple[str, str], list[str]] = {}
    for failure in failed:
        same.setdefault((failure.action, failure.error), []).append(failure.name)
    lines = []
    for (action, error), names in list(same.items())[:FAILURES]:
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        which = ", ".join(one_line(name) for name in names[:NAMES]) + more
        lines.append(f"{paint('failed', 'bold red')} {one_line(action)} {which}: {one_line(error)}")
    if len(same) > FAILURES:
        lines.append(f"… and {counted(len(same) - FAILURES, 'other error')}; -o json lists all of them")
    return lines


def _logs(logs: tuple[FailedLog, ...], paint: Paint) -> list[str]:
    lines = []
    for one in logs[:LOGS]:
        lines.append(paint(f"── end of the log of {one_line(one.name)} ({one_line(one.id)})", "bold"))
        lines += [f"   {row}" for row in printable_lines(one.tail[-TAIL:]).split("\n")]
        lines.append(f"── full log: {one_line(one.path)}" if one.path else "── the log is not saved (--no-logs)")
    if len(logs) > LOGS:
        lines.append(f"… and {counted(len(logs) - LOGS, 'more log')}: skaha-apply logs NAME/REPLICA")
    return lines


def _urls(report: Report) -> list[str]:
    running = [one for one in report.sessions if one.connect_url and one.phase == Phase.RUNNING.value]
    lines = [f"open {one_line(one.name)}: {one_line(one.connect_url)}" for one in running[:URLS]]
    return [*lines, f"… and {len(running) - URLS} more to open"] if len(running) > URLS else lines
