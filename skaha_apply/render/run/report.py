"""The end of an apply as people read it: what was done, what was not and why, and the logs of what failed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.session import Phase
from skaha_apply.render import action_labels
from skaha_apply.render.color import plain
from skaha_apply.render.printable import block, line
from skaha_apply.render.run.entries import hold_rows, painted
from skaha_apply.render.run.lines import counts_line

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.model.report import FailedLog, Failure, Report
    from skaha_apply.render.color import Ink

FAILURES = 20  # different errors that are shown
NAMES = 5  # names that are shown of one error
LOGS = 5  # logs that are shown
URLS = 20  # addresses that are shown
TAIL = 4000  # characters of a log that are shown


def report_text(report: Report, ink: Ink = plain, nothing: str = "nothing was changed") -> str:
    """The whole report, with a newline at its end; `nothing` is said when nothing was carried out."""
    lines = [f"note: {line(note)}" for note in report.notes]
    lines += _logs(report.logs, ink)
    lines += _failures(report.failed, ink)
    lines += _urls(report)
    done = action_labels.past(report.applied)
    phases = Counter(one.phase for one in report.sessions)
    lines += painted(hold_rows(report.holds), ink)
    lines.append(ink(f"{line(report.project)}: {done or nothing}.", "bold"))
    if report.sessions:
        lines.append(f"Replicas: {counts_line(phases)}.")
    if report.failed:
        lines.append(ink(f"Not carried out: {action_labels.many(len(report.failed), 'action')}.", "bold red"))
    return "\n".join(lines) + "\n"


def resume_text(report: Report, command: str) -> str:
    """What continues, what waits for another invocation, and the command to type; "" if nothing waits for one."""
    if not report.resume:
        return ""
    first = f"{line(report.project)}: {line(report.resume)}. Running sessions continue on the server."
    return f"{first}\nTo continue: {line(command)}\n"


def _failures(failed: Iterable[Failure], ink: Ink) -> list[str]:
    same: dict[tuple[str, str], list[str]] = {}
    for failure in failed:
        same.setdefault((failure.action, failure.error), []).append(failure.name)
    lines = []
    for (action, error), names in list(same.items())[:FAILURES]:
        more = f" and {len(names) - NAMES} more" if len(names) > NAMES else ""
        which = ", ".join(line(name) for name in names[:NAMES]) + more
        lines.append(f"{ink('failed', 'bold red')} {line(action)} {which}: {line(error)}")
    if len(same) > FAILURES:
        lines.append(f"… and {len(same) - FAILURES} other errors; -o json lists every one")
    return lines


def _logs(logs: tuple[FailedLog, ...], ink: Ink) -> list[str]:
    lines = []
    for one in logs[:LOGS]:
        lines.append(ink(f"── log of {line(one.name)} ({line(one.id)}), its end", "bold"))
        lines += [f"   {row}" for row in block(one.tail[-TAIL:]).split("\n")]
        lines.append(f"── all of it: {line(one.path)}" if one.path else "── it is not saved (--no-logs)")
    if len(logs) > LOGS:
        lines.append(f"… and the logs of {len(logs) - LOGS} more: `skaha-apply logs NAME/REPLICA`")
    return lines


def _urls(report: Report) -> list[str]:
    open_ones = [one for one in report.sessions if one.connect_url and one.phase == Phase.RUNNING.value]
    lines = [f"open {line(one.name)}: {line(one.connect_url)}" for one in open_ones[:URLS]]
    return [*lines, f"… and {len(open_ones) - URLS} more to open"] if len(open_ones) > URLS else lines
