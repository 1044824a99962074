"""Settle by hand what no list can tell: `complete`, `rerun`, `hold`."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from typing import TYPE_CHECKING

from skaha_apply.apply.confirm import settle_leftovers
from skaha_apply.apply.execute import execute
from skaha_apply.model.errors import ExitCode, UsageError
from skaha_apply.model.plan import Action, ActionKind, Victim
from skaha_apply.model.report import Note
from skaha_apply.model.session import Phase
from skaha_apply.model.state import ReplicaRecord
from skaha_apply.planning import reruns
from skaha_apply.planning.expand import expand
from skaha_apply.planning.options import matches
from skaha_apply.workflow.apply import make_tools, open_run
from skaha_apply.workflow.binding import check_account
from skaha_apply.workflow.locking import open_ledger

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from skaha_apply.apply.ledger import Ledger
    from skaha_apply.model.report import Event
    from skaha_apply.model.spec import DesiredReplica, Project, ReplicaKey
    from skaha_apply.planning.book import Book
    from skaha_apply.workflow.world import World


class Verb(StrEnum):
    """What a mark says of a replica."""

    COMPLETE = "complete"  # its work is done, whatever we saw
    RERUN = "rerun"  # it has to run, once more or after being held
    HOLD = "hold"  # it is not to run until it is marked `rerun`


@dataclass(frozen=True)
class MarkOptions:
    """Which replicas are marked: those that a pattern means and that are in one of the phases; empty means any."""

    verb: Verb
    patterns: tuple[str, ...] = ()
    phases: tuple[Phase, ...] = ()
    force: bool = False


@dataclass(frozen=True)
class Mark:
    """One replica that would be marked: from a phase (None without a record) to what the verb says.

    `deletes` is the id of an active session that is deleted for it.
    """

    key: ReplicaKey
    name: str
    before: Phase | None
    deletes: str | None = None


async def mark(
    world: World,
    project: Project,
    options: MarkOptions,
    approve: Callable[[tuple[Mark, ...]], Awaitable[bool]],
    observe: Callable[[Event], None],
) -> ExitCode:
    """Show what would be marked, ask, and record it; what is active is deleted first, and only with `force`.

    Raises:
        UsageError: when nothing is meant, or an active replica is and `force` is not given.
        StateError: when the state cannot be read or written.
        ServerError: when the server cannot be asked.
    """
    async with open_ledger(world, project, f"mark {options.verb}") as (ledger, _):
        tools = make_tools(open_run(world, project, observe), ledger)
        await settle_leftovers(tools, partial(check_account, ledger.document, world))
        desired = {one.key: one for one in expand(project, reruns.recorded(ledger.book))}
        marks = chosen(ledger.book, desired, options)
        if unknown := meaningless(ledger.book, desired, options):
            shown = ", ".join(unknown[:5]) + (f" and {len(unknown) - 5} more" if len(unknown) > 5 else "")  # noqa: PLR2004
            observe(Note(f"{shown}: means no replica of {project.name}"))
        if not await approve(marks):
            return ExitCode.ERROR
        outcomes = await execute(_deletions(marks, ledger.book, options.verb), tools)
        failed = {failure.name for failure in outcomes.failures}
        for one in marks:
            if one.name not in failed and outcomes.halted is None:
                _record(one, ledger, desired.get(one.key), options.verb, world.client.now())
        ledger.changed()
        if outcomes.halted is not None:
            raise outcomes.halted
        return ExitCode.PARTIAL if failed else ExitCode.OK


def chosen(book: Book, desired: dict[ReplicaKey, DesiredReplica], options: MarkOptions) -> tuple[Mark, ...]:
    """The replicas that the options mean, in the order of the manifest.

    Raises:
        UsageError: when there is none, or an active one would have to be deleted without `force`.
    """
    marks = []
    for key in dict.fromkeys((*desired, *sorted(book.records))):
        record = book.records.get(key)
        name = record.name if record else desired[key].name
        if not _meant(options, key, name, record.phase if record else None):
            continue
        if _nothing_to_do(options.verb, record):
            continue
        if key in book.intents:
            raise UsageError(f"{name}: an earlier create is not decided yet", hint="`apply` or `refresh` decides it.")
        active = record.id if record is not None and record.phase.active else None
        marks.append(Mark(key, name, record.phase if record else None, active))
    if not marks:
        raise UsageError(
            f"there is nothing to mark {options.verb}", hint="`skaha-apply status` shows names and phases."
        )
    active_names = [one.name for one in marks if one.deletes]
    if active_names and not options.force and options.verb is not Verb.HOLD:
        raise UsageError(
            f"{', '.join(active_names[:5])} {'is' if len(active_names) == 1 else 'are'} active",
            hint="--force deletes an active session first.",
        )
    return tuple(marks)


def meaningless(book: Book, desired: dict[ReplicaKey, DesiredReplica], options: MarkOptions) -> tuple[str, ...]:
    """The patterns that mean no replica at all; raises UsageError for one that is none."""
    names = {key: replica.name for key, replica in desired.items()}
    names |= {key: record.name for key, record in book.records.items()}
    return tuple(
        pattern
        for pattern in dict.fromkeys(options.patterns)
        if not any(_meant(MarkOptions(options.verb, (pattern,)), key, name, None) for key, name in names.items())
    )


def _meant(options: MarkOptions, key: ReplicaKey, name: str, phase: Phase | None) -> bool:
    if options.phases and phase not in options.phases:
        return False
    try:
        return not options.patterns or any(
            matches(pattern, *key) or pattern.lower() == name for pattern in options.patterns
        )
    except ValueError as error:
        raise UsageError(str(error)) from error


def _nothing_to_do(verb: Verb, record: ReplicaRecord | None) -> bool:
    if verb is Verb.COMPLETE:
        return record is not None and record.phase is Phase.DONE
    if verb is Verb.RERUN:
        return record is None or record.phase in (Phase.DUE, Phase.GONE)
    return record is not None and record.phase in (Phase.HELD, Phase.DONE)


def _deletions(marks: tuple[Mark, ...], book: Book, verb: Verb) -> list[Action]:
    return [
        Action(
            kind=ActionKind.DELETE,
            session=book.specs[book.records[one.key].spec].name,
            replica=one.key[1],
            replicas=book.specs[book.records[one.key].spec].replicas,
            name=one.name,
            reason=f"mark {verb}",
            id=one.deletes,
            record=book.records[one.key],
            victims=(Victim(one.deletes, active=True, why="hold" if verb is Verb.HOLD else "rerun"),),
        )
        for one in marks
        if one.deletes
    ]


def _record(one: Mark, ledger: Ledger, desired: DesiredReplica | None, verb: Verb, now: float) -> None:
    book = ledger.book
    record = book.records.get(one.key)
    if record is None or (verb is Verb.COMPLETE and desired is not None):
        if desired is None:
            return
        record = _from_manifest(book, desired, record)
    # Only what had run to its end has results, and somebody who may have used them: those make it another run.
    raised = record.run_number + (verb is Verb.RERUN and one.before is Phase.DONE)
    changes: dict[Verb, dict[str, object]] = {
        Verb.COMPLETE: {"phase": Phase.DONE, "ended": record.ended or now, "note": "marked complete", "logged": True},
        Verb.RERUN: {"phase": Phase.DUE, "run_number": raised, "attempt": 1, "note": "marked to run again"},
        Verb.HOLD: {"phase": Phase.HELD, "note": "held"},
    }
    book.records[one.key] = record.model_copy(update=changes[verb])


def _from_manifest(book: Book, desired: DesiredReplica, record: ReplicaRecord | None) -> ReplicaRecord:
    """A record with the manifest's digests: what was finished before the first apply comes along this way."""
    content = {
        "name": record.name if record else desired.name,
        "spec": book.record_spec(desired.spec),
        "work": desired.work,
        "run": desired.run,
        "run_number": desired.run_number,
    }
    if record is not None:
        return record.model_copy(update=content)
    return ReplicaRecord(session=desired.key[0], replica=desired.key[1], phase=Phase.DONE, **content)
