"""A lock with an end: over http only its ID survives, so owner and expiry are in there.

A CI job that was canceled leaves its lock behind; the next one sees whose it was, and takes it over once it expired.
One clock measures both ends of a lease, the store's. A store without a `Date` header gives no proof of expiry.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.state.lock_owner import Holder

# Seconds that a lock is valid after it was taken or extended; far above the longest time between two writes.
LEASE = 3600.0
# Seconds past the expiry before another process takes it over. At least the time for which a proof of the lock is
# trusted, so that an owner whose proof is fresh still has it.
SLACK = 60.0
# Seconds before the expiry from which on the owner extends the lease with its next write or proof.
MARGIN = 300.0

_NO_EXPIRY = "-"
_ID = re.compile(r"[0-9a-f-]{36}\.(\d{1,12}|-)\.(.*)", re.DOTALL)
_OWNER = 150  # characters; GitLab takes 255 for the whole ID


def leased(holder: Holder, now: float | None) -> Holder:
    """`holder` with an expiry, and an ID that shows it: `<uuid>.<expiry epoch>.<owner>`.

    `now` is the store's time. Where the store has none (None) the lock has no expiry, and `-` is in its place.
    """
    expires = None if now is None else float(int(now + LEASE))
    shown = _NO_EXPIRY if expires is None else f"{expires:.0f}"
    owner = re.sub(r"[^A-Za-z0-9@._-]", "-", holder.who)[:_OWNER]
    return replace(holder, id=f"{uuid.uuid4()}.{shown}.{owner}", expires=expires)


def named_in_id(holder: Holder) -> Holder:
    """`holder` with the owner and the expiry that its ID tells; as it is, when the ID is none of ours."""
    found = _ID.fullmatch(holder.id)
    if found is None:
        return holder
    expires = None if found[1] == _NO_EXPIRY else float(found[1])
    return replace(holder, expires=expires, who=found[2] or holder.who)


def expired(holder: Holder, now: float | None) -> bool:
    """Whether another process may take the lock over: never without an expiry, nor without the store's time `now`."""
    return holder.expires is not None and now is not None and now > holder.expires + SLACK


def due(holder: Holder, now: float | None) -> bool:
    """Whether the owner extends its lease: near the end, or without one though the store has a time `now`."""
    return now is not None and (holder.expires is None or now > holder.expires - MARGIN)
