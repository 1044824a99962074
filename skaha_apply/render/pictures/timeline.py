"""A run as a picture: a row for each replica, and below the rows the number of running and waiting replicas.

The color of a bar shows what the replica did.
"""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, Any

from skaha_apply.lazy_dataclass import dataclass
from skaha_apply.model.counts import counted
from skaha_apply.model.status import SegmentKind
from skaha_apply.render.pictures.figure import BLUE, GRAY, GREEN, ORANGE, RED, draw_picture
from skaha_apply.render.printable import one_line, truncate
from skaha_apply.render.run.lines import counts_line
from skaha_apply.render.times import rfc3339, short_duration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from skaha_apply.model.status import Lane, Timeline

NAMED = 40  # lanes with a name each; above this number only the entries have names
RASTER = 4000  # segments, above which a vector picture stores them as pixels
_DAY = 86400.0
_PALE = "#c8c8c8"
_FADED = 0.35  # opacity of the time in which a session ended unobserved
_COLORS = {
    SegmentKind.WAITING: _PALE,
    SegmentKind.RUNNING: BLUE,
    SegmentKind.DONE: GREEN,
    SegmentKind.UNKNOWN: ORANGE,
    SegmentKind.DELETED: GRAY,
    SegmentKind.FAILED: RED,
}
_NAME = 28  # characters
_ENTRIES = 24  # entries that are named
_ROW = 0.2  # inches of a named lane
_WIDTH, _LEAST, _MOST = 11.0, 3.4, 7.0  # inches
_COUNTS = 1.3  # inches of the panel of numbers
_SEEN = 40  # an entry is at least this fraction (1/40) of the height
_THIN, _THICK, _FULL = 0.5, 2.0, 600  # points and rows: the edge that keeps a single failure visible


def timeline_picture(timelines: Sequence[Timeline], form: str) -> bytes:
    """The picture of some projects, one above the other, in one of `pictures.FORMS`.

    Raises:
        SkahaApplyError: matplotlib cannot be used.
    """
    heights = [_height(one) for one in timelines]
    size = (_WIDTH, sum(heights) + len(timelines) * _COUNTS)
    return draw_picture(lambda figure: _draw(figure, timelines, heights), form, size)


def _height(timeline: Timeline) -> float:
    count = len(timeline.lanes)
    return min(max(_LEAST, 1.2 + _ROW * count), _MOST) if count <= NAMED else _MOST - _COUNTS


def _draw(figure: Figure, timelines: Sequence[Timeline], heights: Sequence[float]) -> None:
    ratios = [part for height in heights for part in (height, _COUNTS)]
    panels = figure.subplots(len(ratios), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for place, timeline in enumerate(timelines):
        lanes, counts = panels[2 * place], panels[2 * place + 1]
        _draw_lanes(lanes, timeline)
        _draw_counts(counts, timeline)
        _draw_times((lanes, counts), timeline)
    panels[-1].set_xlabel("time (UTC)")


def _draw_lanes(axes: Axes, timeline: Timeline) -> None:
    named = len(timeline.lanes) <= NAMED
    rows = _named_rows(timeline.lanes) if named else _thin_rows(timeline.lanes)
    raster = sum(len(row.lane.segments) for row in rows) > RASTER
    for kind in SegmentKind:  # failures last, so that no other bar hides them
        for observed in (False, True):
            _add(axes, rows, (kind, observed), raster=raster)
    axes.set_ylim(len(rows) or 1, 0)
    axes.grid(visible=named, axis="x")
    axes.grid(visible=False, axis="y")
    axes.tick_params(axis="y", length=0)
    if named:
        axes.set_yticks(
            [row.top + row.height / 2 for row in rows], [truncate(one_line(row.lane.name), _NAME) for row in rows]
        )
    else:
        axes.set_ylim(rows[-1].top + rows[-1].height, 0)
        _name_entries(axes, rows)
    axes.set_title(_title(timeline))
    if rows:
        _explain(axes, timeline.lanes)


@dataclass(frozen=True, slots=True)
class _LanePosition:
    """Where a lane is draw_picture, downwards in rows."""

    lane: Lane
    top: float
    height: float
    edge: float = 0.4  # points; it keeps short and thin bars visible


def _named_rows(lanes: Sequence[Lane]) -> list[_LanePosition]:
    """Lanes with a margin, in the order of the manifest."""
    return [_LanePosition(lane, place + 0.14, 0.72) for place, lane in enumerate(lanes)]


def _thin_rows(lanes: Sequence[Lane]) -> list[_LanePosition]:
    """Lanes by entry, sorted by start; an entry with few lanes is drawn high enough to be visible."""
    entries: dict[str, list[Lane]] = {}
    for lane in lanes:
        entries.setdefault(lane.entry, []).append(lane)
    least = len(lanes) / _SEEN if len(entries) <= _ENTRIES else 0.0
    edge = min(max(_FULL / len(lanes), _THIN), _THICK)
    rows, top = [], 0.0
    for members in entries.values():
        height = max(1.0, least / len(members))
        for lane in sorted(members, key=lambda one: one.begin):
            rows.append(_LanePosition(lane, top, height, edge))
            top += height
    return rows


def _add(axes: Axes, rows: Sequence[_LanePosition], what: tuple[SegmentKind, bool], *, raster: bool) -> None:
    """Draw the segments of one kind: solid if observed, faded from the last listing to the one that showed the end."""
    from matplotlib.collections import PolyCollection  # noqa: PLC0415 - an extra, see pictures

    kind, observed = what
    corners = [
        [(begin, row.top), (begin, row.top + row.height), (end, row.top + row.height), (end, row.top)]
        for row in rows
        for begin, end in _parts(row.lane, kind, observed=observed)
    ]
    if corners:
        edge = rows[0].edge if kind is SegmentKind.FAILED else 0.4
        color = _COLORS[kind]
        collection = PolyCollection(corners, facecolors=color, edgecolors=color, linewidths=edge)
        collection.set_rasterized(raster)
        collection.set_alpha(1.0 if observed else _FADED)
        axes.add_collection(collection, autolim=False)


def _parts(lane: Lane, kind: SegmentKind, *, observed: bool) -> Iterable[tuple[float, float]]:
    """Begin and end, in days, of the observed or the unobserved parts of one kind."""
    for one in lane.segments:
        begin, end = (one.begin, one.observed_end) if observed else (one.observed_end, one.end)
        if one.kind is kind and (observed or end > begin):
            yield begin / _DAY, end / _DAY


def _name_entries(axes: Axes, rows: Sequence[_LanePosition]) -> None:
    """Name each entry next to its rows, with a line between two entries; skip names that do not fit."""
    blocks = []
    for entry, members in groupby(rows, key=lambda row: row.lane.entry):
        block = list(members)
        blocks.append(
            (block[0].top, block[-1].top + block[-1].height, f"{truncate(one_line(entry), _NAME)} ({len(block)})")
        )
    for top, _, _ in blocks[1:] if len(blocks) <= _ENTRIES else ():
        axes.axhline(top, color=GRAY, linewidth=0.6)
    room = blocks[-1][1] / _ENTRIES
    last, ticks = -room, []
    for top, bottom, name in blocks:
        middle = (top + bottom) / 2
        if middle - last >= room:
            ticks.append((middle, name))
            last = middle
    axes.set_yticks([middle for middle, _ in ticks], [name for _, name in ticks])


def _title(timeline: Timeline) -> str:
    summary, retried = timeline.summary, sum(lane.attempts > 1 for lane in timeline.lanes)
    counts = counts_line(summary.counts) + (f", {retried} with more than one attempt" if retried else "")
    offline = f" (the state of {rfc3339(timeline.at)}; the server was not asked)" if timeline.offline else ""
    return f"{truncate(one_line(timeline.project), _NAME)}: {counted(summary.total, 'replica')}{offline}\n{counts}"


def _explain(axes: Axes, lanes: Sequence[Lane]) -> None:
    from matplotlib.patches import Patch  # noqa: PLC0415 - an extra, see pictures

    shown = {one.kind for lane in lanes for one in lane.segments}
    patches = [Patch(color=_COLORS[kind], label=kind.value) for kind in SegmentKind if kind in shown]
    if any(one.observed_until is not None for lane in lanes for one in lane.segments):
        patches.append(Patch(color=GRAY, alpha=_FADED, label="not observed"))
    axes.legend(
        handles=patches, loc="lower right", bbox_to_anchor=(1.0, 1.0), ncols=len(patches), borderaxespad=0.2,
        handlelength=1.0, columnspacing=1.2, fontsize="small",
    )  # fmt: skip


def _draw_counts(axes: Axes, timeline: Timeline) -> None:
    """Draw the number of running and of waiting replicas over time, as observed by listings."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - an extra, see pictures

    most = 1
    for waiting, color in ((True, GRAY), (False, BLUE)):
        times, counts = changes_of_count(timeline, waiting=waiting)
        if times:
            most = max(most, *counts)
            style: dict[str, Any] = {"color": color, "linewidth": 1.0, "linestyle": ":" if waiting else "-"}
            axes.step(times, counts, where="post", label="waiting" if waiting else "running", **style)
    axes.set_ylim(0, 1.08 * most)
    axes.set_ylabel("at once")
    axes.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
    if timeline.lanes:
        axes.legend(loc="lower right", bbox_to_anchor=(1.0, 1.0), fontsize="small", ncols=2, borderaxespad=0.0)


def changes_of_count(timeline: Timeline, *, waiting: bool) -> tuple[list[float], list[int]]:
    """The times (in days) at which the number of waiting or running replicas changes, and the new numbers."""
    changes: Counter[float] = Counter()
    for lane in timeline.lanes:
        for one in lane.segments:
            if (one.kind is SegmentKind.WAITING) == waiting:
                changes[one.begin] += 1
                changes[one.observed_end] -= 1
    times, counts, now = [], [], 0
    for moment in sorted(changes):
        now += changes[moment]
        times.append(moment / _DAY)
        counts.append(now)
    return times, counts


def _draw_times(panels: Sequence[Axes], timeline: Timeline) -> None:
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415 - an extra, see pictures

    ends = [one.end for lane in timeline.lanes for one in lane.segments] or [timeline.at]
    begin = min((lane.begin for lane in timeline.lanes), default=timeline.at)
    duration = max(max(ends) - begin, 1.0)
    for axes in panels:
        locator = AutoDateLocator(minticks=4, maxticks=9)  # type: ignore[no-untyped-call]  # matplotlib's own
        axes.xaxis.set_major_locator(locator)
        dates = ConciseDateFormatter(locator, tz="UTC")  # type: ignore[no-untyped-call]  # as above
        axes.xaxis.set_major_formatter(dates)
        axes.set_xlim((begin - 0.01 * duration) / _DAY, (begin + 1.02 * duration) / _DAY)
    panels[0].tick_params(axis="x", labelbottom=False)
    panels[0].xaxis.get_offset_text().set_visible(False)
    panels[1].set_title(f"{short_duration(duration)} in total", fontsize="small", color=GRAY, loc="left", pad=2)
