"""The two rules that stop the rest of an entry: its pilot, and the limit of failed attempts in a row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import Action, ActionKind
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase
from skaha_apply.planning.scheduling.needs import Blocker, is_done, is_stuck

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.planning.entries import EntrySpecs
    from skaha_apply.planning.options import PlanOptions

_QUEUED = (Phase.ACCEPTED, Phase.PENDING)
AttemptEnd = tuple[
    float, bool, str, int, int
]  # when it was seen, whether it succeeded; the rest makes the order unique


@dataclass(frozen=True, slots=True)
class Stop:
    """The failure limit of an entry was reached by `row` failed attempts.

    `since` is when a listing first showed the failure that reached it, in Unix seconds by the server's clock.
    """

    row: int
    since: float
    blocker: Blocker

    def drops(self, action: Action) -> bool:
        """Whether the session of a replica is still Pending since before the limit was reached.

        A session that was accepted later was let through, because its replica had been changed or marked.
        """
        record, desired = action.record, action.desired
        if record is None or desired is None or record.id is None or record.phase not in _QUEUED:
            return False
        recorded = action.kind is ActionKind.UNCHANGED or (action.kind is ActionKind.ADOPT and action.adopted is None)
        same = record.run == desired.run and not (desired.spec.kind.interactive or desired.spec.protect)
        return recorded and same and (record.accepted or 0.0) <= self.since


def pilot_status(entry: EntrySpecs, actions: Sequence[Action], options: PlanOptions) -> tuple[int, Blocker | None]:
    """The number of pilot replicas of an entry, and the blocker of its other replicas.

    The pilot replicas are the first ones in the order of the manifest. Each must have succeeded at the work that the
    manifest asks for now. A pilot replica of an interactive kind must be Running.
    """
    first = actions[: entry.pilot]
    stuck = next((action for action in first if is_stuck(action)), None)
    if stuck is not None:
        reason = Reason(ReasonCode.PILOT_FAILED, replica=stuck.name, kind=stuck.kind.value)
        return len(first), Blocker(reason, final=True)
    waited = next((action for action in first if not (is_done(action) or _is_up(action))), None)
    if waited is None:
        return len(first), None
    outside = next((action for action in first if not (is_done(action) or options.in_scope(action))), None)
    if outside is not None:
        return len(first), Blocker(Reason(ReasonCode.PILOT_OUT_OF_SCOPE, replica=outside.name), final=True)
    return len(first), Blocker(Reason(ReasonCode.PILOT_UNFINISHED, replica=waited.name), final=False)


def reached_limit(entry: EntrySpecs, actions: Sequence[Action], kept: Sequence[AttemptEnd] = ()) -> Stop | None:
    """The failure limit of an entry, if the attempts that failed in a row have reached it.

    Attempts of interactive sessions do not count, because the tool starts these sessions again after a wait. `kept`
    are the ends of the replicas without an action, from their last success on.
    """
    recorded = (action for action in actions if action.record is not None)
    ends = sorted((*kept, *(end for action in recorded for end in ends_of(action))))
    row = []
    for seen, succeeded, *_ in reversed(ends):
        if succeeded:
            break
        row.append(seen)
    if len(row) < entry.stop_after:
        return None
    reason = Reason(ReasonCode.FAILURE_LIMIT, failures=len(row), entry=entry.name)
    blocker = Blocker(reason, final=True)
    return Stop(len(row), row[-entry.stop_after], blocker)


def has_retries_left(action: Action, spec: SessionSpec) -> bool:
    """Whether a replica failed and would be retried, now or after a back-off."""
    record = action.record
    if record is None or record.phase is not Phase.FAILED or spec.kind.interactive:
        return False
    left = record.attempt <= spec.retries
    return action.kind is ActionKind.RETRY or (left and action.kind in (ActionKind.WAIT, ActionKind.FAILED))


def has_new_attempt_count(action: Action) -> bool:
    """Whether a replica was changed or marked since its last attempt. Failures of other replicas do not stop it."""
    record, desired = action.record, action.desired
    if record is None or desired is None:
        return False
    due = record.phase is Phase.DUE and not (record.stopped and record.run == desired.run)
    return due or action.kind is ActionKind.REPLACE


def ends_of(action: Action) -> Iterator[AttemptEnd]:
    """The ends of the attempts of a replica at its current spec. Attempts at an earlier spec do not count."""
    record, desired = action.record, action.desired
    if record is None or desired is None or record.run != desired.run or desired.spec.kind.interactive:
        return
    if record.phase.ended:
        yield (record.ended or 0.0, record.phase is Phase.DONE, *action.key, record.attempt)
    for number, ended in _failed_before(record):
        yield (ended, False, *action.key, number)


def _failed_before(record: ReplicaRecord) -> Iterator[tuple[int, float]]:
    """The failed attempts that led to the current one: the number, and when the end was first seen.

    A change or a mark restarts the attempt numbers at 1. Attempts before it have no smaller number, so the search ends.
    """
    number = record.attempt
    for earlier in reversed(record.earlier):
        repeats = earlier.attempt == number and not earlier.phase.ended  # deleted by someone, then created again
        if earlier.run_number != record.run_number or not (repeats or earlier.attempt == number - 1):
            return
        number = earlier.attempt
        if earlier.phase is Phase.FAILED:
            yield number, earlier.ended or 0.0


def _is_up(action: Action) -> bool:
    """Whether the replica is an interactive session that runs."""
    record, desired = action.record, action.desired
    if record is None or desired is None or not desired.spec.kind.interactive:
        return False
    return action.kind in (ActionKind.UNCHANGED, ActionKind.RENEW) and record.phase is Phase.RUNNING
