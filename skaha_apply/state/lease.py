"""A lock with an end: over http only its ID survives, so owner and expiry are in there.

A CI job that was cancelled leaves its lock behind; the next one sees whose it was, and takes it over once it expired.
"""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.state.holder import Holder

# Seconds that a lock over http holds; a pass takes minutes, so only what was left behind gets this old.
LEASE = 3600.0
# Seconds past the expiry before another takes it over: clocks of two machines differ.
SLACK = 60.0

_ID = re.compile(r"[0-9a-f-]{36}\.(\d{1,12})\.(.*)", re.DOTALL)
_OWNER = 150  # characters; GitLab takes 255 for the whole ID


def leased(holder: Holder, now: float) -> Holder:
    """`holder` with an expiry, and an ID that tells it: `<uuid>.<expiry epoch>.<owner>`."""
    expires = int(now + LEASE)
    owner = re.sub(r"[^A-Za-z0-9@._-]", "-", holder.who)[:_OWNER]
    return replace(holder, id=f"{uuid.uuid4()}.{expires}.{owner}", expires=float(expires))


def named_in_id(holder: Holder) -> Holder:
    """`holder` with the owner and the expiry that its ID tells; as it is, when the ID is none of ours."""
    found = _ID.fullmatch(holder.id)
    if found is None:
        return holder
    return replace(holder, expires=float(found[1]), who=found[2] or holder.who)


def expired(holder: Holder, now: float) -> bool:
    """Whether its lock may be taken over; one without an expiry never."""
    return holder.expires is not None and now > holder.expires + SLACK
