"""Core-hours: those that sessions have used, those that were lost, and those that a plan will use."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, NamedTuple

from skaha_apply.model.plan import ActionKind
from skaha_apply.model.progress.core_time import CoreTime, core_milliseconds
from skaha_apply.model.progress.run_times import RunTimes, bounds_of, is_close
from skaha_apply.model.progress.summary import PlannedCost
from skaha_apply.model.request import Offer
from skaha_apply.model.session import Phase
from skaha_apply.planning.attempts import ended_after

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from skaha_apply.model.plan import Action
    from skaha_apply.model.progress.run_times import Bounds
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import Attempt, ReplicaRecord

HOUR = 3600.0  # seconds
FLEXIBLE_CORES = Offer().default_cores  # of a session without resources of its own, in a summary
DUE = frozenset({ActionKind.CREATE, ActionKind.REPLACE, ActionKind.RETRY, ActionKind.WAIT})


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
            total += seconds * cores_of(spec, default_cores)
    return total / HOUR


def _overlap(attempt: Attempt | ReplicaRecord, since: float, now: float) -> float:
    """The seconds of an attempt between two times."""
    if attempt.started is None:
        return 0.0
    end = now if attempt.phase.active else attempt.ended or attempt.running or attempt.started
    return max(0.0, min(end, now) - max(attempt.started, since))


def cores_of(spec: SessionSpec | None, default: float = FLEXIBLE_CORES) -> float:
    """The cores of a session; `default` if it is flexible, or its spec is not known."""
    return default if spec is None or spec.cores is None else float(spec.cores)


class Median(NamedTuple):
    """The median run time of an entry in seconds; see `RunTimes.are_upper_bounds`."""

    seconds: float
    is_upper_bound: bool = False


def run_time_bounds(records: Iterable[ReplicaRecord]) -> Iterator[Bounds]:
    """The run times of done replicas: up to the listing that showed the end, and to the last one before it.

    Those whose end no listing showed are left out.
    """
    for record in records:
        if record.phase is Phase.DONE and (bounds := _bounds(record)) is not None:
            yield bounds


def _bounds(attempt: Attempt | ReplicaRecord) -> Bounds | None:
    return bounds_of(attempt.started, ended_after(attempt), attempt.ended)


def core_time(replicas: Iterable[tuple[ReplicaRecord, SessionSpec | None]], now: float = inf) -> CoreTime:
    """The core time of all recorded attempts of replicas, each with the spec of its session.

    `now` is in Unix seconds by the server's clock; active sessions count up to it.
    """
    total = CoreTime()
    for record, spec in replicas:
        if record.started is None and not record.earlier:
            continue
        cores = cores_of(spec)
        attempts: tuple[Attempt | ReplicaRecord, ...] = (*record.earlier, record)
        for attempt in attempts:
            until = now if attempt.phase.active else inf  # a kept decision does not depend on the time
            time = core_milliseconds(_overlap(attempt, -inf, until), cores)
            total += _by_result(attempt, time) if time else CoreTime()
    return total


def _by_result(attempt: Attempt | ReplicaRecord, time: int) -> CoreTime:
    """The core time of one attempt."""
    if attempt.phase.active:
        return CoreTime(time)
    bounds = _bounds(attempt)
    closely = time if bounds is not None and is_close(bounds) else 0
    if attempt.phase is Phase.DONE:
        return CoreTime(time, done=time, closely_done=closely)
    return CoreTime(time, lost=time, closely_lost=closely)


def planned_cost(actions: Sequence[Action], medians: Mapping[str, Median] | None = None) -> PlannedCost:
    """The cost of the creates of a plan, now and later. Interactive sessions do not count, because they have no end.

    Args:
        actions: those that were carried out already must not be among them.
        medians: the median run times by entry in lower case; computed from the actions if None.
    """
    due = [
        (action, action.desired.spec)
        for action in actions
        if action.kind in DUE and action.desired is not None and not action.desired.spec.kind.interactive
    ]
    medians = _medians(actions, [action for action, _ in due]) if medians is None else medians
    known = [(medians[entry], spec) for action, spec in due if (entry := _entry(action)) in medians] if medians else []
    expected = [cores_of(spec) * median.seconds for median, spec in known]
    are_bounds = any(median.is_upper_bound for median, _ in known)
    bounds = [cores_of(spec) * spec.timeout for _, spec in due if spec.timeout is not None]
    unknown = len(due) - len(bounds) - sum(spec.timeout is None for _, spec in known)
    return PlannedCost(
        len(due), sum(expected) / HOUR, len(expected), sum(bounds) / HOUR, len(bounds), unknown, are_bounds
    )


def _entry(action: Action) -> str:
    return (action.group or action.session).casefold()


def _medians(actions: Iterable[Action], due: Iterable[Action]) -> dict[str, Median]:
    """The median run time of finished replicas in the manifest, by entry; of the entries that have `due` replicas."""
    recorded = [action for action in actions if action.record is not None and action.desired is not None]
    entries = set(map(_entry, due)) if recorded else set()
    found: dict[str, list[Bounds]] = {}
    for action in recorded:
        if action.record is not None and (entry := _entry(action)) in entries:
            found.setdefault(entry, []).extend(run_time_bounds([action.record]))
    all_times = {name: RunTimes().with_more(bounds) for name, bounds in found.items()}
    return {
        name: Median(times.median, times.are_upper_bounds)
        for name, times in all_times.items()
        if times.median is not None
    }
