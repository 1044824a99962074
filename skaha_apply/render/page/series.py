"""What happened over time: running and queued sessions, the wait in the queue, and run times."""

from __future__ import annotations

import math
from itertools import accumulate
from typing import TYPE_CHECKING, Any

from skaha_apply.model.status import SegmentKind

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.status import Lane, Segment, Timeline

MOST_STEPS = 300  # points of a line
DEADLINE = 1_209_600  # seconds: the server ends a headless job after 14 days
PER_DECADE = 6  # bins of a histogram for each power of ten seconds
DECADES = 7
_WAITED = (50, 90, 100)  # percent


def running_and_queued(timeline: Timeline, zero: int) -> dict[str, Any]:
    """The numbers of sessions after each time `t`, in seconds after `zero`.

    `running` counts the sessions that listings showed as running. `possible` also counts those that ended at a time
    that no listing showed, and have perhaps not ended yet. `queued` counts accepted sessions that have not started.
    `unseen` is the number of sessions that ended at a time that no listing showed.
    """
    changes: dict[int, list[int]] = {}

    def add(column: int, first: float, last: float) -> None:
        changes.setdefault(round(first) - zero, [0, 0, 0])[column] += 1
        changes.setdefault(round(last) - zero, [0, 0, 0])[column] -= 1 if last < timeline.at else 0

    for segment in _segments(timeline.lanes):
        if segment.kind is SegmentKind.WAITING:
            add(2, segment.begin, segment.end)
            continue
        add(0, segment.begin, segment.observed_end)
        add(1, segment.begin, segment.end)
    times = sorted(changes)
    levels = [list(accumulate(changes[at][number] for at in times)) for number in range(3)]
    kept = _kept(times)
    names = ("running", "possible", "queued")
    return {
        "unseen": sum(one.observed_end < one.end for one in _segments(timeline.lanes)),
        "t": [times[last] for _, last in kept],
        **{
            name: [max(values[first : last + 1]) for first, last in kept]
            for name, values in zip(names, levels, strict=True)
        },
    }


def queue_wait(timeline: Timeline) -> dict[str, Any]:
    """How long sessions waited from their acceptance to their start: their number, quantiles and a histogram.

    `waiting` is the number of sessions that wait now, `oldest` the seconds for which the first of them has waited;
    None if none waits.
    """
    waits = sorted(
        one.end - one.begin
        for lane in timeline.lanes
        for one, after in zip(lane.segments, lane.segments[1:], strict=False)
        if one.kind is SegmentKind.WAITING and after.kind is not SegmentKind.WAITING
    )
    found: dict[str, Any] = {f"p{share}": round(quantile(waits, share)) for share in _WAITED} if waits else {}
    last = [lane.segments[-1] for lane in timeline.lanes if lane.segments]
    now = [one.end - one.begin for one in last if one.kind is SegmentKind.WAITING]
    oldest = round(max(now)) if now else None
    return {"n": len(waits), **found, "waiting": len(now), "oldest": oldest, "bins": histogram(waits)}


def histogram(seconds: Iterable[float]) -> list[int]:
    """The numbers of durations in bins of equal width on a logarithmic axis: 1 s to 10 s are the first six bins.

    A shorter duration counts in the first bin, a longer one than the axis in the last.
    """
    bins = [0] * (PER_DECADE * DECADES)
    for one in seconds:
        bins[min(max(int(math.log10(max(one, 1.0)) * PER_DECADE), 0), len(bins) - 1)] += 1
    return bins


def quantile(ordered: Sequence[float], percent: float) -> float:
    """The least of some sorted values that is not below `percent` percent of them."""
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _segments(lanes: Sequence[Lane]) -> Iterable[Segment]:
    """The segments in which a session was queued or ran; an unobserved run without a length is none."""
    for lane in lanes:
        yield from (one for one in lane.segments if one.end > one.begin)


def _kept(times: Sequence[int]) -> list[tuple[int, int]]:
    """The first and last places of the times that one point stands for."""
    if len(times) <= MOST_STEPS:
        return [(place, place) for place in range(len(times))]
    first, width = times[0], (times[-1] - times[0]) / MOST_STEPS
    groups: dict[int, list[int]] = {}
    for place, at in enumerate(times):
        groups.setdefault(min(int((at - first) / width), MOST_STEPS), []).append(place)
    return [(places[0], places[-1]) for places in groups.values()]
