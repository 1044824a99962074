"""The lease of a lock, and the messages that the locks of all stores share.

Over HTTP only the ID of a lock survives, so the ID contains the owner and the expiry. A canceled CI job leaves its lock
behind; the next job sees the owner, and takes the lock over after the expiry. The clock of the store measures both ends
of a lease. A store without a `Date` header gives no proof of expiry.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

from skaha_apply.model.errors import StateError, StateLocked
from skaha_apply.state.clocks import TOLERANCE
from skaha_apply.state.lock_owner import format_age

if TYPE_CHECKING:
    from skaha_apply.state.lock_owner import LockOwner

# Seconds that a lock is valid after it was taken or extended; far above the longest time between two writes.
LEASE = 3600.0
# Seconds past the expiry before another process takes the lock over. At least the time for which a proof of the lock is
# trusted, so that an owner whose proof is fresh still has the lock.
SLACK = 60.0
# The owner extends the lease with a write or a proof in the last seconds before the expiry.
MARGIN = 300.0

_NO_EXPIRY = "-"
_ID = re.compile(r"[0-9a-f-]{36}\.(\d{1,12}|-)\.(.*)", re.DOTALL)
_OWNER = 150  # characters; GitLab takes 255 for the whole ID


def with_lease(owner: LockOwner, now: float | None) -> LockOwner:
    """`owner` with an expiry, and an ID that contains it: `<uuid>.<expiry epoch>.<owner>`.

    `now` is the time of the store. If the store has no time (None), the lock has no expiry, and the ID has `-` instead.
    """
    expires = None if now is None else float(int(now + LEASE))
    shown = _NO_EXPIRY if expires is None else f"{expires:.0f}"
    name = re.sub(r"[^A-Za-z0-9@._-]", "-", owner.who)[:_OWNER]
    return replace(owner, id=f"{uuid.uuid4()}.{shown}.{name}", expires=expires)


def with_id_read(owner: LockOwner) -> LockOwner:
    """`owner` with the name and the expiry from its ID; unchanged, if this tool did not make the ID."""
    found = _ID.fullmatch(owner.id)
    if found is None:
        return owner
    expires = None if found[1] == _NO_EXPIRY else float(found[1])
    return replace(owner, expires=expires, who=found[2] or owner.who)


def is_expired(owner: LockOwner, now: float | None) -> bool:
    """Whether another process can take the lock over; never without an expiry or a time `now` of the store."""
    return owner.expires is not None and now is not None and now > owner.expires + SLACK


def is_extension_due(owner: LockOwner, now: float | None) -> bool:
    """Whether the owner extends its lease: near the end, or if it has no end although the store has a time `now`."""
    return now is not None and (owner.expires is None or now > owner.expires - MARGIN)


def locked_error(owner: LockOwner, now: float, *, address: str, is_alive: bool) -> StateLocked:
    """The error that another process has the lock of the state at `address`.

    `is_alive` states that the process of the owner is known to run, so that only its end frees the lock.
    """
    hint = "Wait for the lock with --lock-timeout 5m, or end that process."
    if not is_alive and owner.id:
        hint = (
            "Wait for the lock with --lock-timeout 5m. If you are sure that its owner has ended, run "
            f"`skaha-apply state unlock {owner.id}`."
        )
    return StateLocked(f"the state {address} is locked by {owner.describe(now)}", hint=hint)


def lock_lost_error(evidence: str, *, address: object) -> StateLocked:
    """The error of an owner that was stopped while its lock was taken over; `evidence` is a clause that shows it."""
    return StateLocked(
        f"the lock of the state {address} is lost: {evidence}; nothing more was sent",
        hint="This process was stopped, or the machine slept, for too long. Once the other run has ended, repeat the "
        "command: it starts from the stored state, and finds the sessions that this run created.",
    )


def not_locked_error(address: object) -> StateError:
    """The error of a process that would write a state without its lock."""
    return StateError(f"the state {address} is not locked by this process, so it is not written")


def other_lock_error(owner: LockOwner, lock_id: str, now: float) -> StateError:
    """The error that the lock to break has another ID than the user gave."""
    return StateError(
        f"the lock has another ID than {lock_id}: {owner.id}, owned by {owner.describe(now)}",
        hint=f"Make sure that its owner has ended, then run `skaha-apply state unlock {owner.id}`.",
    )


def clock_warning(ahead: float, other: str) -> str | None:
    """The warning that the clock of this machine is `ahead` seconds ahead of that of `other`; None if both agree."""
    if abs(ahead) <= TOLERANCE:
        return None
    way = "ahead of" if ahead > 0 else "behind"
    return (
        f"the clock of this machine is {format_age(60.0 * round(abs(ahead) / 60))} {way} that of {other}; "
        "the lock is measured by the other clock, but correct this one"
    )
