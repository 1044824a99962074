"""The exit code of one replica. It is the same after a wait and for `status --exit-code`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from skaha_apply.model.plan import Action
    from skaha_apply.model.state import ReplicaRecord

_STUCK = frozenset({ActionKind.FAILED, ActionKind.UNKNOWN, ActionKind.BLOCKED})


def code_of(action: Action) -> ExitCode:
    """The exit code for one replica.

    Args:
        action: what the last plan does with the replica.

    Returns:
        OK for a replica that is done, or runs as desired; CHANGES while it is active, waits or would be changed;
        UNFINISHED if it stays undone until somebody acts; PARTIAL for a conflict.
    """
    kind = action.kind
    if kind is ActionKind.CONFLICT:
        return ExitCode.PARTIAL
    if kind in _STUCK or action.is_on_hold or _is_kept_from_change(action):
        return ExitCode.UNFINISHED
    if kind is ActionKind.RENEW:
        return ExitCode.OK
    if kind.changes or kind is ActionKind.WAIT:
        return ExitCode.CHANGES
    return ExitCode.CHANGES if kind is ActionKind.UNCHANGED and _is_under_way(action) else ExitCode.OK


def _is_kept_from_change(action: Action) -> bool:
    """Whether `protect` keeps desired work from running; a protected interactive session counts as it is."""
    desired = action.desired
    return action.kind is ActionKind.PROTECTED and desired is not None and not desired.spec.kind.interactive


def _is_under_way(action: Action) -> bool:
    """Whether its session is active and has an end; a running interactive session counts as done."""
    if action.record is None or not action.record.phase.active:
        return False
    interactive = action.desired is not None and action.desired.spec.kind.interactive
    return not (interactive and action.record.phase is Phase.RUNNING)


def will_change(action: Action) -> bool:
    """Whether a replica is active, waits, or would be changed."""
    return code_of(action) is ExitCode.CHANGES


def is_final_failure(action: Action, record: ReplicaRecord) -> bool:
    """Whether a replica has failed and stays so: no retry is due, and none waits for its time or a slot."""
    if action.desired is None or action.desired.spec.kind.interactive:
        return False
    if record.phase not in (Phase.FAILED, Phase.UNKNOWN):
        return False
    if action.kind.creates and record.phase is Phase.FAILED:
        # It was created in this pass and has failed already, so that no plan has judged its retries yet.
        return record.attempt > action.desired.spec.retries
    return action.kind is not ActionKind.WAIT or action.waits_indefinitely
