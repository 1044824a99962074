"""Resolves by hand what no listing can show: `mark complete`, `mark rerun`, `mark hold`."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Any

from skaha_apply.apply.confirm import resolve_open_requests
from skaha_apply.apply.execute import execute
from skaha_apply.lazy_dataclass import dataclass, replace
from skaha_apply.model.counts import counted, first_names, noun_for
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.model.masking.session_ids import is_hidden
from skaha_apply.model.plan import Action, ActionKind, SessionToDelete
from skaha_apply.model.reasons import DeleteReason, Reason, ReasonCode
from skaha_apply.model.report import Note
from skaha_apply.model.session import Phase
from skaha_apply.model.state import ReplicaRecord
from skaha_apply.planning.attempts import FIRST_ATTEMPT, history
from skaha_apply.planning.decisions import run_numbers
from skaha_apply.planning.planner import plan as make_plan
from skaha_apply.planning.replicas import expand
from skaha_apply.planning.summary.entry_summaries import has_another_attempt
from skaha_apply.workflow.plan import make_situation
from skaha_apply.workflow.setup.selection import Candidate, ReplicaSelection, axis_of, check_axis
from skaha_apply.workflow.state.locking import ProjectState

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from skaha_apply.apply.context import ExecutionContext
    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.plan import Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.report import Event
    from skaha_apply.model.session import Observation
    from skaha_apply.model.spec import DesiredReplica, ReplicaKey
    from skaha_apply.planning.working_state import WorkingState
    from skaha_apply.workflow.setup.context import Context


MOST_NAMED = 5  # replicas or words that a message names


class Verb(StrEnum):
    """How a replica is marked."""

    COMPLETE = "complete"  # its work is done, whatever the state has
    RERUN = "rerun"  # it has to run again, or after a hold
    HOLD = "hold"  # it must not run until it is marked `rerun`


@dataclass(frozen=True)
class MarkOptions:
    """Selects the replicas to mark, as `ReplicaSelection` does: by patterns, by values of an axis, by phases."""

    verb: Verb
    patterns: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    axis: str | None = None
    values: tuple[str, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class Mark:
    """One replica that would be marked: from a phase (None without a record) to the phase of the verb.

    `deletes` is the ID of an active session that the mark deletes.
    """

    key: ReplicaKey
    name: str
    before: Phase | None
    deletes: str | None = None


class AxisMissing(UsageError):
    """The given names are values of `axis`."""

    def __init__(self, message: str, axis: str) -> None:
        super().__init__(message)
        self.axis = axis


async def mark(
    context: Context,
    project: Project,
    options: MarkOptions,
    approve: Callable[[tuple[Mark, ...]], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> ExitCode:
    """Show the marks, ask for approval, and record them. Active sessions are deleted first, and only with `force`.

    Raises:
        UsageError: the options select no replica, or select an active one without `force`.
        AxisMissing: the options select no replica, but all their names are values of an axis.
        StateError: the state cannot be read or written.
        ServerError: the server cannot be used.
    """
    async with ProjectState(context, project, observe).locked(f"mark {options.verb}") as execution:
        ledger = execution.ledger
        seen = await _record_ended(execution)
        desired = {one.key: one for one in _expand(project, ledger.working_state)}
        selected, unknown = select_replicas(ledger.working_state, desired, options)
        if Phase.FAILED in options.phases and selected:
            plan = make_plan(project, make_situation(context, ledger.working_state, seen))
            selected = _without_retries(selected, plan, observe)
        if unknown and not selected and options.axis is None:
            _check_values(unknown, desired.values())
        if unknown:
            what = "matches no replica" if options.axis is None else f"not a value of {options.axis} in any session"
            observe(Note(f"{first_names(unknown, MOST_NAMED)}: {what} of {project.name}"))
        if unknown and not selected:
            raise UsageError(
                f"nothing to mark {options.verb}: no replica of {project.name} matches",
                hint="`skaha-apply status` shows names and phases.",
            )
        marks = new_marks(ledger.working_state, selected, options)
        if not marks:
            observe(Note(_already(selected, options.verb)))
            return ExitCode.OK
        if not await approve(marks):
            return ExitCode.ERROR
        return await _carry_out(marks, execution, desired, options.verb, context.client.now)


async def _carry_out(
    marks: tuple[Mark, ...],
    execution: ExecutionContext,
    desired: dict[ReplicaKey, DesiredReplica],
    verb: Verb,
    clock: Callable[[], float],
) -> ExitCode:
    """Delete active sessions, and record the marks of the replicas whose delete did not fail."""
    ledger = execution.ledger
    outcomes = await execute(_deletions(marks, ledger.working_state, verb), execution)
    failed = {failure.name for failure in outcomes.failures}
    for one in marks:
        if one.name not in failed and outcomes.stopped is None:
            _record(one, ledger, desired.get(one.key), verb, clock())
    ledger.changed()
    if outcomes.stopped is not None:
        raise outcomes.stopped
    return ExitCode.PARTIAL if failed else ExitCode.OK


async def _record_ended(execution: ExecutionContext) -> Observation:
    """Record what the listings show, and save the logs of ended sessions: a mark can replace the records."""
    seen, _ = await resolve_open_requests(execution)
    await execution.log_saver.save_ended(execution.ledger)
    if execution.log_saver.problem:
        execution.observe(Note(execution.log_saver.problem))
    return seen


def _without_retries(
    selected: tuple[Candidate, ...], plan: Plan, observe: Callable[[Event], None]
) -> tuple[Candidate, ...]:
    """The candidates without those that failed and have another attempt in the plan; a note counts these."""
    retried = {action.key for action in plan.actions if has_another_attempt(action, action.record)}
    kept = tuple(one for one in selected if one.key not in retried)
    if left := len(selected) - len(kept):
        observe(Note(f"--phase failed leaves out {counted(left, 'replica')} that will be retried"))
    return kept


def _check_values(words: tuple[str, ...], desired: Iterable[DesiredReplica]) -> None:
    axis = axis_of(words, (one.spec for one in desired))
    if axis:
        raise AxisMissing(f"{first_names(words, MOST_NAMED)}: values of the axis {axis}, not names", axis)


def select_replicas(
    working: WorkingState, desired: dict[ReplicaKey, DesiredReplica], options: MarkOptions
) -> tuple[tuple[Candidate, ...], tuple[str, ...]]:
    """The replicas that the options select, in the order of the manifest, and the words that match no replica.

    Raises:
        UsageError: a pattern is malformed, or no session has the axis.
    """
    candidates = [_candidate(key, working, desired) for key in dict.fromkeys((*desired, *sorted(working.records)))]
    if options.axis is not None:
        check_axis(options.axis, (one.spec for one in candidates))
    selection = ReplicaSelection(options.patterns, options.axis, options.values, options.phases)
    selected = tuple(one for one in candidates if selection.includes(one))
    return selected, selection.unmatched


def _candidate(key: ReplicaKey, working: WorkingState, desired: dict[ReplicaKey, DesiredReplica]) -> Candidate:
    record, desired_replica = working.records.get(key), desired.get(key)
    spec = desired_replica.spec if desired_replica is not None else working.specs[working.records[key].spec]
    name = record.name if record is not None else desired[key].name
    return Candidate(key, name, spec, record.phase if record is not None else None)


def _expand(project: Project, working: WorkingState) -> tuple[DesiredReplica, ...]:
    return expand(project, run_numbers.recorded(working), run_numbers.frozen_digests(working, project))


def new_marks(working: WorkingState, selected: tuple[Candidate, ...], options: MarkOptions) -> tuple[Mark, ...]:
    """The marks of the replicas that the verb changes; empty if all replicas are marked like this already.

    Raises:
        UsageError: an active session would have to be deleted, and `force` is not given.
    """
    marks = []
    for one in selected:
        record = working.records.get(one.key)
        if _nothing_to_do(options.verb, record):
            continue
        if one.key in working.intents:
            raise UsageError(
                f"{one.name}: an earlier create request is unconfirmed",
                hint="run `skaha-apply refresh`, which looks for its session, then repeat the command",
            )
        active = record.id if record is not None and record.phase.active else None
        if active and is_hidden(active):
            raise UsageError(
                f"{one.name}: the server does not list its session, and the state has only a digest of its ID",
                hint=f"if the session was deleted, run `skaha-apply state forget {one.spec.name}/{one.key[1]}`",
            )
        marks.append(Mark(one.key, one.name, one.phase, active))
    active_names = [one.name for one in marks if one.deletes]
    if active_names and not options.force and options.verb is not Verb.HOLD:
        raise UsageError(
            f"{first_names(active_names, MOST_NAMED)} {noun_for(len(active_names), 'is', 'are')} active",
            hint="wait until the sessions end, or add --force, which deletes active sessions first",
        )
    return tuple(marks)


def _already(selected: tuple[Candidate, ...], verb: Verb) -> str:
    """Why there is nothing to mark."""
    if not selected:
        return f"nothing to mark {verb}: --phase selects no replica"
    names = first_names([one.name for one in selected], MOST_NAMED)
    state = {Verb.COMPLETE: "done", Verb.RERUN: "due to run", Verb.HOLD: "on hold or done"}[verb]
    return f"nothing to mark {verb}: already {state}: {names}"


def _nothing_to_do(verb: Verb, record: ReplicaRecord | None) -> bool:
    if verb is Verb.COMPLETE:
        return record is not None and record.phase is Phase.DONE
    if verb is Verb.RERUN:
        return record is None or (record.phase is Phase.DUE and not record.stopped)
    return record is not None and record.phase in (Phase.HELD, Phase.DONE)


def _deletions(marks: tuple[Mark, ...], working: WorkingState, verb: Verb) -> list[Action]:
    why = DeleteReason.HOLD if verb is Verb.HOLD else DeleteReason.RERUN
    return [
        Action(
            kind=ActionKind.DELETE,
            session=working.specs[working.records[one.key].spec].name,
            replica=one.key[1],
            replicas=working.specs[working.records[one.key].spec].replicas,
            name=one.name,
            reason=Reason(ReasonCode.MARKED, verb=verb.value),
            group=working.specs[working.records[one.key].spec].group,
            id=one.deletes,
            record=working.records[one.key],
            sessions_to_delete=(SessionToDelete(one.deletes, active=True, why=why),),
        )
        for one in marks
        if one.deletes
    ]


def _record(one: Mark, ledger: Ledger, desired: DesiredReplica | None, verb: Verb, now: float) -> None:
    working = ledger.working_state
    record = working.records.get(one.key)
    if record is None or (verb is Verb.COMPLETE and desired is not None):
        if desired is None:
            return
        record = _from_manifest(working, desired, record)
    # Only what had run to its end has results, and somebody who may have used them: those make it another run.
    raised = record.run_number + (verb is Verb.RERUN and one.before is Phase.DONE)
    changes: dict[Verb, dict[str, Any]] = {
        Verb.COMPLETE: {"phase": Phase.DONE, "ended": record.ended or now, "note": "marked complete", "logged": True},
        Verb.RERUN: {**FIRST_ATTEMPT, "phase": Phase.DUE, "run_number": raised, "note": "marked to run again"},
        Verb.HOLD: {"phase": Phase.HELD, "note": "held"},
    }
    if verb is not Verb.COMPLETE:
        record = replace(record, earlier=history(record, marked=verb is Verb.RERUN), vanished=0)
    working.records[one.key] = replace(record, stopped=False, **changes[verb])


def _from_manifest(working: WorkingState, desired: DesiredReplica, record: ReplicaRecord | None) -> ReplicaRecord:
    """A record with the digests of the manifest, for work that was finished before the first apply."""
    content: dict[str, Any] = {
        "name": record.name if record else desired.name,
        "spec": working.record_spec(desired.spec),
        "work": desired.work,
        "run": desired.run,
        "run_number": desired.run_number,
    }
    if record is not None:
        return replace(record, **content)
    return ReplicaRecord(session=desired.key[0], replica=desired.key[1], phase=Phase.DONE, **content)
