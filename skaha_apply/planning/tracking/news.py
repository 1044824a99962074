"""Which observations are worth a write of the state: a newer time alone is stored only now and then.

Every listing that shows a session moves the times `seen` and `running` of its record. They are kept in memory while an
invocation waits. A state that a killed process leaves is so never more than `STALE` seconds behind the last listing.
"""

from __future__ import annotations

from dataclasses import fields
from operator import attrgetter

from skaha_apply.model.state import ReplicaRecord
from skaha_apply.planning.tracking.clock_skew import RECENT

# Seconds after which a newer time is stored. It is less than half of `RECENT`: after a kill, a session whose last
# listing is less than three minutes old still counts as seen a moment ago (design 4.7, row 14a).
STALE = 0.4 * RECENT
_TIMES = ("seen", "running")  # times that every listing moves
_PEAKS = ("ram_used", "cores_used")  # a peak is stored with another change, at the latest with the end of the replica
_times = attrgetter(*_TIMES)
_others = attrgetter(*(one.name for one in fields(ReplicaRecord) if one.name not in (*_TIMES, *_PEAKS)))


def is_news(stored: ReplicaRecord | None, record: ReplicaRecord | None) -> bool:
    """Whether a record has more to store than newer times, or times that are newer by `STALE` seconds."""
    if stored is None or record is None:
        return stored is not record
    for then, now in zip(_times(stored), _times(record), strict=True):
        if (then is None) is not (now is None) or abs((now or 0.0) - (then or 0.0)) >= STALE:
            return True
    return _others(stored) != _others(record)
