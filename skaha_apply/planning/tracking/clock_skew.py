"""Remembered times against a look: how far apart they are, also where a clock was set back in between."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from skaha_apply.model.session import Observation

RECENT = 300.0  # seconds within which an absence means that someone deleted it


def is_in_future(seen: Observation, then: float) -> bool:
    """Whether a remembered time lies so far in the future that the clock was set back since."""
    return then > seen.listing.asked + RECENT


def settle_start(seen: Observation, then: float) -> float:
    """When the settle time of something that was written at `then` begins: not before the state was read."""
    return seen.found if is_in_future(seen, then) else max(seen.found, then)


def age(seen: Observation, then: float) -> float:
    """Seconds between a look and a remembered time; a clock that was set back must not make old things look recent."""
    return abs(seen.listing.at - then)
