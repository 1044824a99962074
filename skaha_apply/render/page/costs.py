"""Core-hours that were used, that are still to come, and that were lost; and the spread of the expected end."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from skaha_apply.model.session import Phase
from skaha_apply.planning.safety.core_hours import used_core_hours
from skaha_apply.planning.tracking.pace import project_pace
from skaha_apply.render.page.series import quantile

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.model.status import EntrySummary, ProjectStatus, ReplicaStatus

_LOST = frozenset({Phase.FAILED, Phase.DUE, Phase.GONE, Phase.HELD})
_HOUR = 3600.0
_SPREAD = (10, 90)  # percent of the run times
_DEFAULT_CORES = 1.0  # of a flexible session, where the server reports nothing else


def core_hours(found: ProjectStatus, cores: Mapping[str, float]) -> dict[str, Any]:
    """Core-hours: `used` by all attempts, `lost` by attempts that failed or were deleted, `to_come` until the end.

    `cores` are the cores of a replica by entry. `not_estimated` are open entries without an ended replica, which
    `to_come` leaves out.
    """
    records, specs = found.document.replicas, found.document.specs
    used = used_core_hours(records, specs, 0.0, found.at, _DEFAULT_CORES)
    lost = used_core_hours(_lost(records), specs, 0.0, found.at, _DEFAULT_CORES)
    open_entries = [one for one in found.entries if one.batch and one.open]
    known = [one for one in open_entries if one.median is not None]
    running = _running_seconds(found.rows, found.at)
    come = sum(
        cores.get(one.name, _DEFAULT_CORES)
        * max(0.0, one.open * (one.median or 0.0) - min(running.get(one.name, 0.0), one.open * (one.median or 0.0)))
        for one in known
    )
    return {
        "used": round(used, 2),
        "lost": round(lost, 2),
        "to_come": round(come / _HOUR, 2),
        "not_estimated": [one.name for one in open_entries if one.median is None],
    }


def end_spread(found: ProjectStatus, durations: Mapping[str, Sequence[float]]) -> tuple[float, float] | None:
    """The expected seconds until the end if run times are short and if they are long; None without an expected end.

    `durations` are the sorted run times of done replicas by entry. The 10th and the 90th percentile take the place of
    their median.
    """
    if found.pace.left is None:
        return None
    ends = []
    for share in _SPREAD:
        entries = [_scaled(one, durations.get(one.name, ()), share) for one in found.entries]
        ends.append(project_pace(entries, found.at).left or 0.0)
    low, high = min(*ends, found.pace.left), max(*ends, found.pace.left)
    return low, high


def _scaled(one: EntrySummary, ordered: Sequence[float], share: int) -> EntrySummary:
    if not ordered or not one.median or one.left is None:
        return one
    factor = quantile(ordered, share) / one.median
    return replace(one, median=one.median * factor, left=one.left * factor)


def _lost(records: Iterable[ReplicaRecord]) -> Iterable[ReplicaRecord]:
    """The records with lost attempts only; a record whose last attempt is not lost has no start here."""
    for record in records:
        earlier = tuple(one for one in record.earlier if one.phase in _LOST)
        if record.phase in _LOST:
            yield record.model_copy(update={"earlier": earlier})
        elif earlier:
            yield record.model_copy(update={"earlier": earlier, "started": None})


def _running_seconds(rows: Iterable[ReplicaStatus], now: float) -> dict[str, float]:
    """The seconds for which the running replicas of each entry have been running, all together."""
    found: dict[str, float] = {}
    for row in rows:
        if row.phase == Phase.RUNNING.value and row.started is not None:
            entry = row.group or row.session
            found[entry] = found.get(entry, 0.0) + max(0.0, now - row.started)
    return found


def cores_by_entry(sessions: Iterable[SessionSpec]) -> dict[str, float]:
    """The cores that a replica of each entry requests, the most of its combinations."""
    found: dict[str, float] = {}
    for spec in sessions:
        entry = spec.group or spec.name
        found[entry] = max(found.get(entry, 0.0), _DEFAULT_CORES if spec.cores is None else float(spec.cores))
    return found
