"""Recorded times compared with an observation, also if a clock was set back in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.session import Observation

RECENT = 300.0  # seconds after the last listing of a session in which its absence means that someone deleted it


def is_in_future(seen: Observation, then: float) -> bool:
    """Whether a recorded time lies in the future by more than `RECENT`, because the clock was set back since."""
    return then > seen.listing.asked + RECENT


def settle_start(seen: Observation, then: float) -> float:
    """When the settle time of an item that was recorded at `then` begins: not before this process read the state."""
    return seen.found if is_in_future(seen, then) else max(seen.found, then)


def age(seen: Observation, then: float) -> float:
    """Seconds between a listing and a recorded time. A clock that was set back must not make old times recent."""
    return abs(seen.listing.at - then)
