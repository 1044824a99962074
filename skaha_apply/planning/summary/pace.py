"""How fast entries advance: times of ends, the expected time that is left, and replicas that run far too long."""

from __future__ import annotations

from collections import Counter
from math import sqrt
from typing import TYPE_CHECKING

from skaha_apply.model.progress.summary import EntrySummary, Pace
from skaha_apply.model.session import Phase

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from skaha_apply.model.state import ReplicaRecord

SLOW = 3.0  # times the median run time, above which a running replica is a straggler
_ENDS = 21  # times of ends that the rate is computed from

Ends = tuple[tuple[float, int], ...]
Estimate = tuple[float | None, float | None]  # seconds until an entry has ended, and the run time of a replica


def began(records: Iterable[ReplicaRecord], earlier: float | None = None) -> float | None:
    """The time at which the first create was accepted, in Unix seconds; `earlier` is that of other replicas."""
    times = [one.earlier[0].accepted if one.earlier else one.accepted for one in records]
    return min((one for one in (earlier, *times) if one is not None), default=None)


def last_ends(records: Iterable[ReplicaRecord], others: Ends = ()) -> Ends:
    """The last times at which replicas became done, each with their number; `others` are those of other replicas."""
    counts = Counter(dict(others))
    counts.update(one.ended for one in records if one.phase is Phase.DONE and one.ended is not None)
    return tuple(sorted(counts.items())[-_ENDS:])


def stragglers(running: Iterable[tuple[float, str]], median: float | None) -> tuple[tuple[str, float], ...]:
    """The names and run times of replicas that run for more than `SLOW` times the median, the longest first."""
    if median is None:
        return ()
    slow = [one for one in running if one[0] > SLOW * max(median, 1.0)]
    return tuple((name, ran) for ran, name in sorted(slow, reverse=True))


def expected_runs(replicas: int, lost: float, retries: int) -> int:
    """The number of whole runs that open replicas will take, if attempts continue to fail as before.

    Args:
        replicas: the number of open replicas.
        lost: the time of the attempts that failed, as a share of the time of those that are done.
        retries: the number of further attempts that each replica can have.
    """
    return round(replicas * min(1 + lost, 1 + retries))


def time_left(median: float | None, running: Sequence[float], queued: int, slots: int) -> float | None:
    """The expected seconds until all replicas of an entry have ended; None without a median or an open replica.

    Args:
        median: seconds that a replica runs.
        running: the seconds for which the running replicas have been running.
        queued: the number of replicas that have not started, and of retries that are expected.
        slots: the number of replicas that run at the same time.
    """
    if median is None or not (running or queued):
        return None
    rest = [max(median - one, 0.0) for one in running]
    work = sum(rest) + queued * median
    return max(work / max(slots, 1), max(rest, default=0.0), median if queued else 0.0)


def time_left_range(
    median: float | None, run_times: tuple[float, float] | None, running: Sequence[float], queued: int, slots: int
) -> tuple[float, float] | None:
    """The spread of `time_left`: the same with short and with long run times; None without `run_times`.

    Run times that differ cancel out in a slot that runs many replicas after each other: the spread of the work shrinks
    with the root of their number. The last replica alone can take a long run time.
    """
    number = len(running) + queued
    if median is None or run_times is None or not number:
        return None
    found = []
    for extreme in run_times:
        typical = median + (extreme - median) / sqrt(number)
        work = sum(max(typical - one, 0.0) for one in running) + queued * typical
        rest = max((max(extreme - one, 0.0) for one in running), default=0.0)
        found.append(max(work / max(slots, 1), rest, extreme if queued else 0.0))
    return found[0], found[1]


def project_pace(entries: Sequence[EntrySummary], now: float) -> Pace:
    """The pace of a project from its entries; `now` is in Unix seconds by the server's clock."""
    batch = [one for one in entries if one.batch]
    is_open = any(one.open for one in batch)
    ends = last_ends((), tuple(sum((Counter(dict(one.ends)) for one in batch), Counter[float]()).items()))
    first = min((one.began for one in batch if one.began is not None), default=None)
    last = now if is_open or not ends else ends[-1][0]
    recent, window = _recent(ends, first, now) if is_open else (0, None)
    return Pace(
        done=sum(one.counts.get(Phase.DONE.value, 0) for one in batch),
        total=sum(one.total for one in batch),
        rate=None if window is None else recent / window,
        elapsed=None if first is None else max(0.0, last - first),
        left=_left(batch, _expected) if is_open else None,
        left_is_upper_bound=any(one.median_is_upper_bound for one in batch if one.left is not None),
        not_estimated=tuple(one.name for one in batch if one.open and one.left is None),
        left_range=_left_range(batch) if is_open else None,
        recent=recent,
        window=window,
        quiet=None if window is None else max(0.0, now - ends[-1][0]),
    )


def _recent(ends: Ends, first: float | None, now: float) -> tuple[int, float | None]:
    """The replicas that ended since the oldest of these times, or since the first create; and the seconds since then.

    The seconds are None if none has ended.
    """
    since = ends[0][0] if len(ends) == _ENDS else first
    if not ends or since is None or now <= since:
        return 0, None
    return sum(count for at, count in ends if at > since), now - since


def _left_range(entries: Sequence[EntrySummary]) -> tuple[float, float] | None:
    """The spread of `_left`; None if no open entry has one."""
    if not any(one.left_range for one in entries):
        return None
    shortest, longest = _left(entries, _shortest), _left(entries, _longest)
    return None if shortest is None or longest is None else (shortest, longest)


def _expected(entry: EntrySummary) -> Estimate:
    return entry.left, entry.median


def _shortest(entry: EntrySummary) -> Estimate:
    if entry.left_range is None or entry.run_times is None:
        return _expected(entry)
    return entry.left_range[0], entry.run_times[0]


def _longest(entry: EntrySummary) -> Estimate:
    if entry.left_range is None or entry.run_times is None:
        return _expected(entry)
    return entry.left_range[1], entry.run_times[1]


def _left(entries: Sequence[EntrySummary], estimate: Callable[[EntrySummary], Estimate]) -> float | None:
    """The expected seconds until the last entry has ended. An entry ends a run time after its dependencies at least."""
    by_name = {one.name.casefold(): one for one in entries}
    known: dict[str, float] = {}

    def end(name: str, above: tuple[str, ...]) -> float:
        one = by_name.get(name)
        if one is None or not one.open or name in above:
            return 0.0
        if name not in known:
            before = max((end(need, (*above, name)) for need in one.needs), default=0.0)
            left, run_time = estimate(one)
            known[name] = max(left or 0.0, before + (run_time or 0.0))
        return known[name]

    if all(one.left is None for one in entries):
        return None
    return max((end(name, ()) for name in by_name), default=None)
