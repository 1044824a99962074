"""The log or the events of replicas, by attempt: from the server while it has them, else from a saved copy."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.errors import ServerError, StateError, UsageError
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.masking.session_ids import log_label
from skaha_apply.model.report import FailedLog
from skaha_apply.planning.selection import matches
from skaha_apply.render.printable import one_line, printable_lines
from skaha_apply.workflow.state.binding import find_store
from skaha_apply.workflow.state.public_logs import LogCopies

if TYPE_CHECKING:
    from pathlib import Path

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord, StateDocument
    from skaha_apply.workflow.setup.context import Context


ALL = 0  # instead of the number of an attempt: all attempts
_AT_ONCE = 32
_TAIL = 20  # lines of a failed log in a report
_MOST_KNOWN = 20  # names that a message lists


@dataclass(frozen=True)
class LogText:
    """The text of one attempt of a replica.

    `source` states where it is from: `server`, or the path or address of the saved copy. `attempts` is the number of
    attempts that the replica can have. `phase` is the last phase of this attempt; it is "" if only the log is left.
    `exists` states whether there is a text, even an empty one. `later` is the number of the last attempt if that one
    has no log and this is the log of an earlier attempt, else 0.
    """

    name: str
    replica: int
    id: str | None
    text: str
    source: str
    attempt: int = 1
    attempts: int = 1
    phase: str = ""
    exists: bool = True
    later: int = 0

    def __str__(self) -> str:
        """The text, with control characters as escapes."""
        return printable_lines(self.text)

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:  # noqa: FBT001 - IPython calls it so
        """The text with a heading, which IPython shows."""
        printer.text(f"==> {one_line(self.name)}, attempt {self.attempt} <==\n{self}\n")


@dataclass(frozen=True)
class _LoggedAttempt:
    """An attempt whose text is read; `over` means that its text is final."""

    record: ReplicaRecord
    attempt: int
    id: str | None
    phase: str
    over: bool
    interactive: bool = False

    @property
    def label(self) -> str:
        """The label that its text is saved under."""
        return log_label(self.attempt, self.id, interactive=self.interactive)


async def read_logs(
    context: Context,
    project: Project,
    pattern: str,
    *,
    events: bool = False,
    attempt: int | None = None,
) -> tuple[LogText, ...]:
    """The logs (or events) of every recorded replica that `NAME[/REPLICAS]` matches.

    NAME is the name of a session in the manifest, the name of a whole matrix, or the live name of one replica.
    `attempt` is a number (of several attempts with it, the latest is read), `ALL`, or None for the last attempt of each
    replica. If that one has no log, None selects the last attempt that has one.

    Raises:
        UsageError: the pattern matches no recorded replica, or no replica has had such an attempt.
        StateError: the state cannot be read.
    """
    store = find_store(context.location, project)
    document = await store.read()
    copies = LogCopies(context.location.logs(project.name), store)
    records = document.replicas if document else ()
    specs = document.specs if document else {}
    selected = [one for one in records if _matches(pattern, one, specs.get(one.spec))]
    if not selected:
        raise UsageError(
            f"{pattern!r} matches no replica in the state of project {project.name!r}",
            hint=f"The state has: {_known(document)}.",
        )
    attempts = [
        each for record in selected for each in _attempts(context, project, record, attempt, specs.get(record.spec))
    ]
    if not attempts:
        most = max(record.attempt for record in selected)
        raise UsageError(
            f"{pattern} has no attempt {attempt}", hint=f"the last attempt is {most}; --attempt all shows all attempts"
        )
    slots = asyncio.Semaphore(_AT_ONCE)

    async def one(each: _LoggedAttempt) -> LogText:
        spec = specs.get(each.record.spec)
        async with slots:
            found = await _text(context, project, each, copies, events=events)
            found = replace(found, attempts=max(spec.retries + 1 if spec else 1, found.attempt))
        if attempt is not None or events or found.text:
            return found
        earlier = await _earlier_log(context, project, each.record, spec, copies)
        return replace(earlier, attempts=found.attempts) if earlier else found

    return tuple(await asyncio.gather(*map(one, attempts)))


async def _earlier_log(
    context: Context, project: Project, record: ReplicaRecord, spec: SessionSpec | None, copies: LogCopies
) -> LogText | None:
    """The log of the last earlier attempt that has one."""
    for each in reversed(_attempts(context, project, record, ALL, spec)[:-1]):
        found = await _text(context, project, each, copies, events=False)
        if found.text:
            return replace(found, later=record.attempt)
    return None


def _known(document: StateDocument | None) -> str:
    """The names of the entries in a state; a matrix has one name."""
    records = document.replicas if document else ()
    specs = document.specs if document else {}
    names = {specs[one.spec].group or specs[one.spec].name if one.spec in specs else one.session for one in records}
    shown = sorted(names)[:_MOST_KNOWN]
    more = f" and {len(names) - len(shown)} more" if len(names) > len(shown) else ""
    return (", ".join(shown) + more) or "nothing"


def _matches(pattern: str, record: ReplicaRecord, spec: SessionSpec | None) -> bool:
    names = {spec.name, spec.group or spec.name} if spec else {record.session}
    try:
        selected = any(matches(pattern, name, record.replica) for name in names)
    except ValueError as error:
        raise UsageError(str(error)) from error
    return selected or record.name == pattern.lower()


def _attempts(
    context: Context, project: Project, record: ReplicaRecord, attempt: int | None, spec: SessionSpec | None
) -> list[_LoggedAttempt]:
    """The selected attempts of one replica, oldest first. An attempt counts also if only its saved log is left."""
    last = _last_attempt(record, spec)
    if attempt is None:
        return [last]
    known = [
        _LoggedAttempt(record, one.attempt, one.id, one.phase.value, True, last.interactive) for one in record.earlier
    ]
    known = [*known, last]
    labels = {one.label for one in known}
    saved = context.location.logs(project.name).labels(record.name)
    forgotten = [_forgotten(record, label) for label in saved if label not in labels]
    every = [*(one for one in forgotten if one is not None), *known]
    return every if attempt == ALL else [one for one in every if one.attempt == attempt][-1:]


def _last_attempt(record: ReplicaRecord, spec: SessionSpec | None) -> _LoggedAttempt:
    interactive = spec is not None and spec.kind.interactive
    return _LoggedAttempt(record, record.attempt, record.id, record.phase.value, not record.phase.active, interactive)


def _forgotten(record: ReplicaRecord, label: str) -> _LoggedAttempt | None:
    """An attempt that is no longer in the state, from the label of its saved log."""
    number, _, session_id = label.partition("-")
    if not (number.isascii() and number.isdigit()):
        return None
    return _LoggedAttempt(record, int(number), session_id or None, "", over=True)


async def _text(
    context: Context, project: Project, logged: _LoggedAttempt, copies: LogCopies, *, events: bool
) -> LogText:
    name = logged.record.name
    # Older logs have whole IDs in their names.
    saved = await copies.read(name, logged.label) or await copies.read(name, f"{logged.attempt}-{logged.id}")
    kept = (saved.events if events else saved.log) if saved else ""
    # The saved text of an earlier attempt is complete. The server can have more text of the last attempt.
    earlier = logged.over and logged.id != logged.record.id
    live = "" if kept and earlier else await _live(context, logged.id, events=events)
    text = live or kept
    return LogText(
        name=name,
        replica=logged.record.replica,
        id=logged.id,
        text=masked(context.client.without_secrets(text), project.secrets),
        source="server" if live or saved is None or not kept else saved.source,
        attempt=logged.attempt,
        attempts=logged.attempt,
        phase=logged.phase,
        exists=bool(text) or (saved is not None and not events),
    )


async def _live(context: Context, session_id: str | None, *, events: bool) -> str:
    """The text from the server; "" if the session does not exist, or the server cannot be used."""
    if session_id is None:
        return ""
    try:
        return (await context.client.events(session_id) or "") if events else await context.client.logs(session_id)
    except ServerError:
        return ""


def shown_path(path: Path, cwd: Path) -> str:
    """A path as it is printed: relative to the working directory if it is below it."""
    return str(path.relative_to(cwd)) if path.is_relative_to(cwd) else str(path)


def failed_log(context: Context, project: str, record: ReplicaRecord, spec: SessionSpec | None) -> FailedLog | None:
    """The last lines of the saved log of a failed replica; None if there are only events, or they cannot be read."""
    logs, label = context.location.logs(project), _last_attempt(record, spec).label
    try:
        saved = logs.read(record.name, label)
    except StateError:
        return None
    if saved and not saved[0]:
        return None  # events are not a log; they are in the cause
    text = context.client.without_secrets(saved[0]) if saved else ""
    return FailedLog(
        name=record.name,
        id=record.id or "",
        path=shown_path(logs.path(record.name, label), context.location.setting.cwd) if saved else "",
        tail="\n".join(text.rstrip().splitlines()[-_TAIL:]),
    )
