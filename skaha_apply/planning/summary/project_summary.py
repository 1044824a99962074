"""Makes the summary of a project, from which every view takes its numbers (design 10.12)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.progress.core_time import core_hours
from skaha_apply.model.progress.summary import CoreHours, ProjectSummary
from skaha_apply.planning.summary.core_hours import Median, core_time, planned_cost
from skaha_apply.planning.summary.entry_summaries import entry_summaries, is_in_summary, is_planned
from skaha_apply.planning.summary.grid import in_manifest_order
from skaha_apply.planning.summary.pace import project_pace

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.plan import Action, DecidedEntry, Plan
    from skaha_apply.model.progress.summary import EntrySummary
    from skaha_apply.model.spec import SessionSpec
    from skaha_apply.planning.summary.entry_summaries import Snapshot


def project_summary(
    actions: Sequence[Action], snapshot: Snapshot, decided_before: Iterable[DecidedEntry] = ()
) -> ProjectSummary:
    """The summary of a project; see `entry_summaries` for the arguments.

    Core-hours count replicas that left the manifest too.
    """
    entries = entry_summaries(actions, snapshot, decided_before)
    medians = {
        one.name.casefold(): Median(one.median, one.median_is_upper_bound) for one in entries if one.median is not None
    }
    return ProjectSummary(
        at=snapshot.now,
        entries=entries,
        pace=project_pace(entries, snapshot.now),
        core_hours=_core_hours(entries, actions, snapshot),
        planned=planned_cost([one for one in actions if is_planned(one, snapshot)], medians),
    )


def plan_summary(plan: Plan, snapshot: Snapshot, sessions: Iterable[SessionSpec]) -> ProjectSummary:
    """The summary after a plan, whose replicas that were done before only count.

    `sessions` are the session specs in the order of the manifest, which is that of the entries.
    """
    actions = plan.actions if plan.decided_before is None else plan.decided_now
    return project_summary(in_manifest_order(actions, sessions), snapshot, plan.decided_before or ())


def _core_hours(entries: Sequence[EntrySummary], actions: Iterable[Action], snapshot: Snapshot) -> CoreHours:
    others = [one for one in actions if not is_in_summary(one) and not one.deletes_second_session]
    pairs = ((snapshot.record(one), snapshot.spec(one)) for one in others)
    left = core_time(((record, spec) for record, spec in pairs if record is not None), snapshot.now)
    return CoreHours(
        used=sum((one.core_hours.used for one in entries), core_hours(left.used)),
        lost=sum((one.core_hours.lost for one in entries), core_hours(left.lost)),
        to_come=sum(one.core_hours.to_come for one in entries),
        to_come_is_upper_bound=any(one.core_hours.to_come_is_upper_bound for one in entries),
    )
