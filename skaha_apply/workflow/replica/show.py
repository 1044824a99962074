"""`show`: the history of the replicas that a name selects, from the server and the state, or from the state alone."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.apply.log_saver import label
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import UsageError
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.session import Phase
from skaha_apply.model.state import Attempt
from skaha_apply.model.status import ReplicaHistory, ShownAttempt
from skaha_apply.planning.attempts import as_requested, ended_after, peak_use
from skaha_apply.planning.selection import matches
from skaha_apply.workflow.logs import read_logs
from skaha_apply.workflow.state.binding import find_store
from skaha_apply.workflow.state.public_logs import LogCopies
from skaha_apply.workflow.status import recorded_status, survey

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.model.status import ProjectStatus, ReplicaStatus
    from skaha_apply.workflow.setup.context import Context, StateLocation

LINES = 10  # last lines of the log and of the events
_NEAREST = 3  # names that an error suggests
_LONGEST = 100  # characters of a name that is compared with others


async def show(context: Context, project: Project, name: str) -> tuple[ReplicaHistory, ...]:
    """The history of the replicas that `NAME[/REPLICAS]` selects; of a single one also its events and log.

    Raises:
        UsageError: the name selects no replica of the manifest or of the state.
        StateError, ServerError: as `survey` does.
    """
    found = await survey(context, project)
    shown = _histories(project, found, name)
    if len(shown) != 1 or not shown[0].attempts:
        return shown
    pattern = f"{shown[0].status.session}/{shown[0].status.replica}"
    logs = await read_logs(context, project, pattern)
    events = await read_logs(context, project, pattern, events=True)
    log, table = logs[0], events[-1].text
    return (replace(shown[0], log=_last(log.text), log_attempt=log.attempt, events=_last_events(table)),)


async def show_recorded(
    location: StateLocation, project: Project, name: str, reason: str
) -> tuple[ReplicaHistory, ...]:
    """As `show`, from the state and the saved logs alone; `reason` is why the server is not asked."""
    found = await recorded_status(location, project)
    shown = tuple(replace(one, offline=reason) for one in _histories(project, found, name))
    record = _records(found).get(_key(shown[0].status))
    if len(shown) != 1 or record is None:
        return shown
    every = [record, *(replace(record, attempt=one.attempt, id=one.id) for one in reversed(record.earlier))]
    spec = found.document.specs.get(record.spec)
    copies = LogCopies(location.logs(project.name), store := find_store(location, project))
    await store.read()
    saved = [(one, await copies.read(one.name, label(one, spec))) for one in every]
    log = next(((one.attempt, texts.log) for one, texts in saved if texts and texts.log), (0, ""))
    table = saved[0][1].events if saved[0][1] else ""
    text, events = masked(log[1], project.secrets), masked(table, project.secrets)
    return (replace(shown[0], log=_last(text), log_attempt=log[0], events=_last_events(events)),)


def _histories(project: Project, found: ProjectStatus, name: str) -> tuple[ReplicaHistory, ...]:
    rows = [row for row in found.rows if _is_selected(name, row)]
    if not rows:
        raise _unknown(name, project, found.rows)
    records, specs = _records(found), {spec.key: spec for spec in project.sessions}
    done = {
        one.name.casefold(): f"{one.name} ({one.counts.get(Phase.DONE.value, 0)} of {one.total} done)"
        for one in found.entries
    }
    shown = []
    for row in rows:
        record, desired = records.get(_key(row)), specs.get(row.session.casefold())
        spec = found.document.specs.get(record.spec) if record else desired
        needs = desired.needs if desired else spec.needs if spec else ()
        history = ReplicaHistory(
            status=row,
            spec=as_requested(spec, record.ram) if record and spec else spec,
            attempts=_attempts(record, spec) if record else (),
            dependencies=tuple(done.get(need.casefold(), need) for need in needs),
            dependents=_dependents(project.sessions, row, done),
            at=found.at,
        )
        shown.append(history)
    return tuple(shown)


def _records(found: ProjectStatus) -> dict[tuple[str, int], ReplicaRecord]:
    return {record.key: record for record in found.document.replicas}


def _key(row: ReplicaStatus) -> tuple[str, int]:
    return (row.session.casefold(), row.replica)


def _is_selected(name: str, row: ReplicaStatus) -> bool:
    try:
        return matches(name, row.session, row.replica, row.group) or row.name.casefold() == name.casefold()
    except ValueError as error:
        raise UsageError(str(error)) from error


def _unknown(name: str, project: Project, rows: Iterable[ReplicaStatus]) -> UsageError:
    known = dict.fromkeys(text for row in rows for text in (row.group or row.session, row.session, row.name))
    word = name.partition("/")[0].casefold()[:_LONGEST]
    nearest = get_close_matches(word, [text for text in known if text], n=_NEAREST, cutoff=0.5)
    suggested = nearest or list(known)[:_NEAREST]
    hint = f"{'The nearest names are' if nearest else 'There are'}: {', '.join(suggested)}." if suggested else None
    return UsageError(
        f"{name!r} matches no replica of project {project.name!r}", hint=hint or "The project has no sessions."
    )


def _dependents(specs: Sequence[SessionSpec], row: ReplicaStatus, done: dict[str, str]) -> tuple[str, ...]:
    """The entries that need the entry of this replica."""
    entry = (row.group or row.session).casefold()
    found = [spec.entry_key for spec in specs if any(need.casefold() == entry for need in spec.needs)]
    return tuple(done.get(key, key) for key in dict.fromkeys(found))


def _attempts(record: ReplicaRecord, spec: SessionSpec | None) -> tuple[ShownAttempt, ...]:
    """The recorded attempts, oldest first; a replica that waits for another session has no current attempt."""
    every: list[Attempt | ReplicaRecord] = [*record.earlier]
    if record.id is not None and not (every and every[-1].id == record.id):
        every.append(record)
    before: list[Attempt | ReplicaRecord | None] = [None, *every]
    return tuple(_shown(one, earlier, spec) for one, earlier in zip(every, before, strict=False))


def _shown(
    one: Attempt | ReplicaRecord, before: Attempt | ReplicaRecord | None, spec: SessionSpec | None
) -> ShownAttempt:
    failed = one.phase is Phase.FAILED
    return ShownAttempt(
        attempt=one.attempt,
        phase=one.phase.value,
        id=one.id,
        why=_why_again(one, before) if before else "",
        cause=(one.cause or one.note) if failed else "",
        note="" if failed else one.note,
        accepted=one.accepted,
        started=one.started,
        ended=None if one.phase.active else one.ended,
        ram=one.ram,
        used=peak_use(one, spec),
        ended_after=ended_after(one),
    )


def _why_again(one: Attempt | ReplicaRecord, before: Attempt | ReplicaRecord) -> str:
    """Why a replica ran again after the attempt `before`; the state stores no reason, so it follows from both."""
    if isinstance(before, Attempt) and before.marked:
        return "marked to run again"
    if one.run_number > before.run_number:
        return f"ordered to run again (run {one.run_number + 1})"
    if before.phase is Phase.FAILED and one.attempt > before.attempt:
        return f"retry: attempt {before.attempt} failed"
    if before.phase in (Phase.UNKNOWN, Phase.GONE):
        return f"the session of attempt {before.attempt} disappeared"
    if one.attempt > before.attempt:
        return f"after attempt {before.attempt}"
    return "its spec or a dependency changed"


def _last(text: str) -> tuple[str, ...]:
    return tuple(text.rstrip().splitlines()[-LINES:])


def _last_events(table: str) -> tuple[str, ...]:
    """The last events of a table, without its heading."""
    lines = [" ".join(line.split()) for line in table.splitlines()[1:]]
    return tuple(line for line in lines if line and line != "<none>")[-LINES:]
