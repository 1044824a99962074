"""What time does to a session that is active: it may take too long, or come near its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.durations import format_exact
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord

_CLOCKS_APART = 60.0  # seconds by which a startTime may be wrong before it is not believed
_CLOCK_SET_BACK = 300.0  # seconds by which a remembered time may lie in the future before it is not believed


def overdue(record: ReplicaRecord, spec: SessionSpec, now: float) -> Reason | None:
    """For how long a batch session has been running or waiting, when that is longer than its spec allows.

    Running is counted from its startTime as listed, or, where that is missing or cannot be true, from when it was first
    listed as Running: a server without a `Date` header can have another clock. Waiting is counted from its
    acceptance, or from when it was seen to be queued again: startTime is absent while it is queued, and reset by the
    queue [SessionBuilder].
    """
    if spec.kind.interactive:
        return None
    if record.phase is Phase.RUNNING:
        return _longer(ReasonCode.RUNNING_TOO_LONG, _began(record, now), spec.timeout, now)
    if record.phase in (Phase.ACCEPTED, Phase.PENDING):
        return _longer(ReasonCode.PENDING_TOO_LONG, record.queued or record.accepted, spec.pending_timeout, now)
    return None


def _began(record: ReplicaRecord, now: float) -> float | None:
    """Since when a session runs: as listed, unless that lies before its acceptance, or ahead."""
    started = record.started
    if started is not None and (record.accepted or started) - _CLOCKS_APART <= started <= now + _CLOCKS_APART:
        return started
    return record.ran or record.accepted


def _longer(code: ReasonCode, since: float | None, limit: float | None, now: float) -> Reason | None:
    if since is None or limit is None or now - since <= limit:
        return None
    return Reason(code, limit=limit)


def overdue_note(over: Reason) -> str:
    """The reason of `overdue` as the note of a replica in the state."""
    (limit,) = (value for _, value in over.arguments if isinstance(value, int | float))
    what = "running" if over.code is ReasonCode.RUNNING_TOO_LONG else "pending"
    return f"{what} for more than {format_exact(limit)}"


def renewal(record: ReplicaRecord, spec: SessionSpec, now: float) -> Reason | None:
    """Why an interactive session is to be renewed now, None when it is not.

    It is when less is left than its spec wants, but not again until half of what the last renewal granted has passed:
    a server may grant less than is wanted. Without a listed deadline (it has not started) nothing can be told.
    """
    if spec.renew is None or not spec.kind.interactive or record.expires is None:
        return None
    if record.phase not in (Phase.PENDING, Phase.RUNNING):
        return None
    left = record.expires - now
    if not 0 < left < spec.renew:
        return None
    if record.renewed is not None and record.renewed <= now + _CLOCK_SET_BACK:
        granted = record.expires - record.renewed
        if now < record.renewed + granted / 2:
            return None
    return Reason(ReasonCode.RENEWAL_DUE, left=left, renew=spec.renew)
