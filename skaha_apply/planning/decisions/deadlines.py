"""Time limits of an active session: its timeouts, and the renewal before its deadline."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.durations import format_exact
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord

_CLOCKS_APART = 60.0  # seconds by which a startTime can be wrong before the tool ignores it
_CLOCK_SET_BACK = 300.0  # seconds by which a recorded time can lie in the future before the tool ignores it


def overdue(record: ReplicaRecord, spec: SessionSpec, now: float) -> Reason | None:
    """Why a batch session has been running or pending for longer than its spec allows; None if it has not.

    The running time starts at the listed startTime. If that is missing or cannot be true, it starts when a listing
    first showed the session as Running. A server without a `Date` header can have another clock. The pending time
    starts at the acceptance, or when a listing showed that the session was queued again. A queued session has no
    startTime, and the queue resets startTime [SessionBuilder].
    """
    if spec.kind.interactive:
        return None
    if record.phase is Phase.RUNNING:
        return _longer(ReasonCode.RUNNING_TOO_LONG, _began(record, now), spec.timeout, now)
    if record.phase in (Phase.ACCEPTED, Phase.PENDING):
        return _longer(ReasonCode.PENDING_TOO_LONG, record.queued or record.accepted, spec.pending_timeout, now)
    return None


def _began(record: ReplicaRecord, now: float) -> float | None:
    """When a session started to run: its startTime, unless that lies before its acceptance or in the future."""
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
    """Why an interactive session must be renewed now; None if it must not.

    A renewal is due if less time is left than `renew` of its spec. The next renewal waits until half of the time that
    the last one granted has passed, because a server can grant less than `renew`. A session without a listed deadline
    has not started, so it is not renewed.
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
