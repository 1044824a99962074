"""Core-hours: those that sessions have used in a time, and those that a plan will use."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import Attempt, ReplicaRecord

HOUR = 3600.0  # seconds
_DUE = frozenset({ActionKind.CREATE, ActionKind.REPLACE, ActionKind.RETRY, ActionKind.WAIT})


def used_core_hours(
    records: Iterable[ReplicaRecord], specs: Mapping[str, SessionSpec], since: float, now: float, default_cores: float
) -> float:
    """The core-hours of all attempts between two times, in Unix seconds by the server's clock.

    A session counts from its start to the time at which its end was seen. A flexible session counts with
    `default_cores`.
    """
    total = 0.0
    for record in records:
        seconds = sum([_overlap(one, since, now) for one in record.earlier], _overlap(record, since, now))
        if seconds:
            spec = specs.get(record.spec)
            total += seconds * _cores(spec, default_cores)
    return total / HOUR


def _overlap(attempt: Attempt | ReplicaRecord, since: float, now: float) -> float:
    """The seconds of an attempt between two times."""
    if attempt.started is None:
        return 0.0
    end = now if attempt.phase.active else attempt.ended or attempt.running or attempt.started
    return max(0.0, min(end, now) - max(attempt.started, since))


def _cores(spec: SessionSpec | None, default: float) -> float:
    return default if spec is None or spec.cores is None else float(spec.cores)


@dataclass(frozen=True)
class PlannedCost:
    """The core-hours that the replicas of a plan will use, if each needs one more attempt.

    `expected` counts replicas of an entry with finished replicas by the median of their run times; `expected_for` is
    their number. `at_most` counts replicas with a `timeout`; `bounded` is their number. `replicas` is the number of
    all that will be created, `unknown` of those with neither.
    """

    replicas: int = 0
    expected: float = 0.0
    expected_for: int = 0
    at_most: float = 0.0
    bounded: int = 0
    unknown: int = 0


def planned_cost(actions: Sequence[Action]) -> PlannedCost:
    """The cost of the creates of a plan, now and later. Interactive sessions do not count, because they have no end."""
    due = [
        (action, action.desired.spec)
        for action in actions
        if action.kind in _DUE and action.desired is not None and not action.desired.spec.kind.interactive
    ]
    medians = _medians(actions, {_entry(action) for action, _ in due})
    flexible = Offer().default_cores
    expected = [_cores(spec, flexible) * medians[_entry(one)] for one, spec in due if _entry(one) in medians]
    bounds = [_cores(spec, flexible) * spec.timeout for _, spec in due if spec.timeout is not None]
    unknown = sum(spec.timeout is None and _entry(action) not in medians for action, spec in due)
    return PlannedCost(len(due), sum(expected) / HOUR, len(expected), sum(bounds) / HOUR, len(bounds), unknown)


def _entry(action: Action) -> str:
    return (action.group or action.session).casefold()


def _medians(actions: Iterable[Action], entries: set[str]) -> dict[str, float]:
    """The median run time of the finished replicas of these entries, in seconds."""
    found: dict[str, list[float]] = {}
    for action in actions if entries else ():
        record = action.record
        if record is None or record.phase is not Phase.DONE or record.started is None or record.ended is None:
            continue
        if _entry(action) in entries:
            found.setdefault(_entry(action), []).append(max(0.0, record.ended - record.started))
    return {name: median(times) for name, times in found.items()}
