"""Progress without a terminal: a line for each change; if many replicas change, a line for each pass and entry."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Protocol

from skaha_apply.model.counts import counted
from skaha_apply.model.report import ActionEnded, CausesFound, EndedEarly, Note, PassEnded, PassStarted, PhaseChanged
from skaha_apply.model.session import Phase
from skaha_apply.render import action_labels
from skaha_apply.render.color import plain
from skaha_apply.render.plan.groups import skeleton
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.run.entries import entry_line, not_started_rows, ordered, paint_rows
from skaha_apply.render.run.failures import PendingFailures, change_line

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from skaha_apply.model.report import Event

MOST_LINES = 20  # lines of one pass
NAMED = 5  # sessions that a line names
MANY = 50  # replicas of an entry, above which only its counts and failures are printed
INTERVAL = 60.0  # seconds between two lines with the counts of such an entry
SINGLE = 100  # actions of one pass without lines about its progress
STEPS = 5  # lines about the progress of a pass with more actions
ERRORS = 5  # failures of one pass that are printed one by one
_REASON_WIDTH = 100
_HOLDS = 10


class ProgressView(Protocol):
    """An observer of events that is closed at the end, so that it stops drawing in a terminal."""

    def __call__(self, event: Event) -> None:
        """Show one event."""
        ...

    def for_project(self, project: str) -> ProgressView:
        """The view of one project. It can be closed alone; closing the whole closes it too."""
        ...

    def close(self) -> None:
        """Stop drawing. A later event starts it again."""
        ...


def event_line(event: Event) -> str | None:
    """One event as one line; None for an event without a change of its own (the end of a pass, causes of failures)."""
    match event:
        case PassStarted(project=project, total=total):
            return f"{one_line(project)}: {counted(total, 'action')}" if total else None
        case ActionEnded(action=action, error=str(error)):
            return f"not {action_labels.LABELS[action.kind].past} {one_line(action.name)}: {one_line(error)}"
        case ActionEnded(action=action, id=session):
            known = f" {one_line(session)}" if session else ""
            return f"{action_labels.LABELS[action.kind].past} {one_line(action.name)}{known}"
        case PhaseChanged():
            return change_line(event)
        case PassEnded() | CausesFound() | EndedEarly():
            return None
        case Note(text=text):
            return one_line(text)


def counts_line(counts: Mapping[str, int], reasons: tuple[str, ...] = ()) -> str:
    """`37 running, 63 done (needs reduce)`: the counts above zero, in the order of the phases."""
    text = ", ".join(f"{counts[name]} {action_labels.phase_label(one_line(name))}" for name in ordered(counts))
    text = text or "nothing in scope"
    return f"{text} ({truncate(one_line('; '.join(reasons)), _REASON_WIDTH)})" if reasons else text


class ProgressLines:
    """Prints progress as plain lines.

    Failures are printed as soon as their causes are known, and at the latest at the end of their pass, before their
    effects. Actions and other changes are printed at the end of their pass, in one line for each entry; those of a
    large entry once a minute. A pass with many actions prints five lines about its progress. Reasons not to start are
    printed when they change, and not at each poll. A pass prints at most `MOST_LINES` lines, and a line that counts
    the others.

    Args:
        print_line: prints one line.
        clock: seconds, from any start.
        complete: completes the commands of reasons, notes and counts; see `not_started_rows`. A cause or an error is
            text of a session or a server, and stays as it is.
    """

    def __init__(
        self,
        print_line: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        complete: Callable[[str], str] = str,
    ) -> None:
        self._print_anyway, self._clock, self._complete = print_line, clock, complete
        self._lines = 0  # of this pass, printed or not
        self._done: dict[str, list[ActionEnded]] = {}  # actions of this pass that succeeded, by entry
        self._not_started: frozenset[tuple[str, str, tuple[str, ...]]] = frozenset()
        self._changes: list[PhaseChanged] = []
        self._pending_failures = PendingFailures()
        self._failures = self._errors = 0
        self._actions: Counter[str] = Counter()
        self._started = PassStarted("", 0)
        self._large: frozenset[str] = frozenset()
        self._printed_at: dict[str, float] = {}
        self._waits = False
        self._parts: dict[str, ProgressLines] = {}

    def for_project(self, project: str) -> ProgressLines:
        """The lines of one project, with counts of its own."""
        if project not in self._parts:
            self._parts[project] = ProgressLines(self._print_anyway, self._clock, self._complete)
        return self._parts[project]

    def __call__(self, event: Event) -> None:
        """Show one event."""
        match event:
            case PassEnded():
                self._on_pass_end(event)
            case PhaseChanged():
                self._on_change(event)
            case CausesFound():
                self._on_causes(event)
            case PassStarted():
                self._on_pass_start(event)
            case ActionEnded():
                self._on_action(event)
            case _:
                self._print(event)

    def close(self) -> None:
        """Print the changes that were kept until the end of the pass or of the minute."""
        self._flush(None)
        self._end_lines()
        for part in self._parts.values():
            part.close()

    def _print_line(self, text: str) -> None:
        self._lines += 1
        if self._lines <= MOST_LINES:
            self._print_anyway(text)

    def _end_lines(self) -> None:
        """Count the lines that were too many for the pass."""
        if self._lines > MOST_LINES:
            more = f"… and {self._lines - MOST_LINES} more; `skaha-apply status` shows the whole"
            self._print_anyway(self._complete(more))
        self._lines = 0

    def _print(self, event: Event) -> None:
        if text := event_line(event):
            self._print_line(self._complete(text) if isinstance(event, Note) else text)

    def _on_pass_start(self, event: PassStarted) -> None:
        self._started, self._actions = event, Counter()
        if event.total > SINGLE:  # their logs are read after the actions
            self._print_failures(self._pending_failures.take())
        if not self._waits:
            self._print(event)

    def _on_causes(self, event: CausesFound) -> None:
        lines, others = self._pending_failures.explain(event)
        for line in lines:
            self._print_line(line)
        self._print_failures(others)

    def _print_failures(self, failures: Sequence[PhaseChanged]) -> None:
        self._failures += len(failures)
        for failure in failures[: max(0, ERRORS - self._failures + len(failures))]:
            self._print(failure)

    def _on_action(self, event: ActionEnded) -> None:
        self._actions["failed" if event.error is not None else event.action.kind.value] += 1
        if event.error is not None:
            self._errors += 1
            if self._errors <= ERRORS:
                self._print(event)
        elif self._started.total <= SINGLE and (name := event.action.group or event.action.session) not in self._large:
            self._done.setdefault(name, []).append(event)
        ended, total = self._actions.total(), self._started.total
        if total > SINGLE and (ended == total or ended % max(total // STEPS, 1) == 0):
            failed = self._actions["failed"]
            failures = f", {failed} of them not carried out" if failed else ""
            progress = f"{ended} of {counted(total, 'action')} ended{failures}"
            self._print_line(f"{one_line(self._started.project)}: {progress}")

    def _on_change(self, event: PhaseChanged) -> None:
        if event.after == Phase.FAILED:
            self._pending_failures.add(event)
        else:
            self._changes.append(event)

    def _on_pass_end(self, event: PassEnded) -> None:
        self._waits = True
        self._large = frozenset(entry.name for entry in event.entries if entry.total > MANY)
        self._flush({entry.name: entry_line(entry) for entry in event.entries})
        not_started = frozenset((one.entry, one.kind, skeleton(one.reason)) for one in event.not_started)
        if self._not_started != not_started:
            self._not_started = not_started
            self._print_line(f"{one_line(event.project)}: {counts_line(event.counts)}")
            rows = paint_rows(not_started_rows(event.not_started, complete=self._complete), plain)
            for row in rows[:_HOLDS]:
                self._print_line(f"  {row}")
            if len(rows) > _HOLDS:
                self._print_line(f"  … and {len(rows) - _HOLDS} more")
        self._end_lines()

    def _is_early(self, name: str) -> bool:
        """Whether the counts of a large entry were printed less than a minute ago."""
        return name in self._large and self._clock() < self._printed_at.get(name, -INTERVAL) + INTERVAL

    def _flush(self, summaries: Mapping[str, str] | None) -> None:
        """Print the changes so far; `summaries` are lines with the counts of entries, None at the end."""
        self._print_failures(self._pending_failures.take())
        entries: dict[str, list[PhaseChanged]] = {}
        for change in self._changes:
            entries.setdefault(change.group or change.session, []).append(change)
        done, self._changes, self._done = self._done, [], {}
        for name in dict.fromkeys((*done, *entries)):
            changes, acted = entries.get(name, []), done.get(name, [])
            if summaries is not None and self._is_early(name):
                self._changes += changes
            elif len(changes) + len(acted) == 1 and name not in self._large:
                self._print(changes[0] if changes else acted[0])
            else:
                self._printed_at[name] = self._clock()
                self._print_line(_entry_changes(name, acted, changes, (summaries or {}).get(name)))
        if self._failures > ERRORS:
            more = f"… and {self._failures - ERRORS} more failed; `skaha-apply status` lists them"
            self._print_line(self._complete(more))
        if self._errors > ERRORS:
            more = counted(self._errors - ERRORS, "more action was", "more actions were")
            self._print_line(f"… and {more} not carried out; the report groups them")
        self._failures = self._errors = 0


def _entry_changes(
    name: str, acted: Sequence[ActionEnded], changes: Sequence[PhaseChanged], summary: str | None
) -> str:
    """`tile-${tile}: 6 created, 2 retried; 8 running, 40 done`: the actions on an entry, then its counts or changes."""
    if not acted:
        return summary or _phase_changes(name, changes)
    counts = Counter(action_labels.LABELS[one.action.kind].past for one in acted)
    named = ", ".join(f"{one_line(one.action.name)} {one_line(one.id or '')}".strip() for one in acted)
    text = ", ".join(f"{count} {word}" for word, count in counts.items())
    text = f"{one_line(name)}: {text}" + (f" ({named})" if len(acted) <= NAMED else "")
    if not changes:
        return text
    return f"{text}; {(summary or _phase_changes(name, changes)).partition(': ')[2]}"


def _phase_changes(name: str, changes: Sequence[PhaseChanged]) -> str:
    """`tile-${tile}: 40 running -> done, 8 pending -> running`."""
    moves = Counter(f"{change.before} -> {change.after}" for change in changes)
    return f"{one_line(name)}: " + ", ".join(f"{count} {one_line(move)}" for move, count in moves.items())
