"""Which observations are worth a write of the state: a newer time alone is stored only now and then.

Every listing that shows a session moves the times `seen` and `running` of its record. They are kept in memory while an
invocation waits. A state that a killed process leaves is so never more than `STALE` seconds behind the last listing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.planning.tracking.clock_skew import RECENT

if TYPE_CHECKING:
    from skaha_apply.model.state import ReplicaRecord, StateDocument

# Seconds after which a newer time is stored. It is less than half of `RECENT`: after a kill, a session whose last
# listing is less than three minutes old still counts as seen a moment ago (design 4.7, row 14a).
STALE = 0.4 * RECENT
_TIMES = ("seen", "running")  # times that every listing moves


def has_news(stored: StateDocument, state: StateDocument) -> bool:
    """Whether a state has more to store than newer times, or times that are newer by `STALE` seconds."""
    if len(stored.replicas) != len(state.replicas) or _without_records(stored) != _without_records(state):
        return True
    pairs = zip(stored.replicas, state.replicas, strict=True)
    return any(_is_news(before, after) for before, after in pairs if before is not after)


def _without_records(document: StateDocument) -> dict[str, object]:
    return {**document.__dict__, "replicas": ()}


def _is_news(before: ReplicaRecord, after: ReplicaRecord) -> bool:
    old, new = before.__dict__, after.__dict__
    for name in _TIMES:
        then, now = old[name], new[name]
        if (then is None) is not (now is None) or abs((now or 0.0) - (then or 0.0)) >= STALE:
            return True
    return any(old[name] != new[name] for name in old if name not in _TIMES)
