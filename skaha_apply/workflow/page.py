"""What a page shows of a project: its status, its timeline, and the ends of the logs that were saved."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.apply.log_saver import label
from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.display.page import TAIL, LogTail, ProjectPage
from skaha_apply.model.masking.secrets import masked
from skaha_apply.model.plan import ActionKind
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.session import Observation, Phase
from skaha_apply.planning.situation import Situation
from skaha_apply.workflow.status import project_status
from skaha_apply.workflow.timeline import timeline

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import ReplicaKey
    from skaha_apply.model.state import ReplicaRecord
    from skaha_apply.model.status import ProjectStatus
    from skaha_apply.workflow.reconcile.request import ApplyRequest
    from skaha_apply.workflow.reconcile.results import PassResult
    from skaha_apply.workflow.setup.context import StateLocation

MOST_LOGS = 200  # saved logs that a page has, those of failed replicas first
_END = 65_536  # bytes at the end of a log that are read
_REASONS = {
    Phase.ACCEPTED: ReasonCode.ACCEPTED,
    Phase.PENDING: ReasonCode.PENDING,
    Phase.RUNNING: ReasonCode.RUNNING,
    Phase.TERMINATING: ReasonCode.TERMINATING,
}
_FIRST = (Phase.FAILED, Phase.UNKNOWN)


def project_page(
    location: StateLocation, project: Project, status: ProjectStatus, plan: Plan | None = None
) -> ProjectPage:
    """The project as a page shows it; `plan` adds its notes and the rule that refuses it.

    It reads saved logs, and sends no request.

    Raises:
        StateError: a saved log cannot be read.
    """
    return ProjectPage(
        status=status,
        timeline=timeline(status),
        sessions=project.sessions,
        server=location.url or location.server,
        limit=_limit(project),
        logs=_saved_logs(location, project, status),
        notes=plan.notes if plan else (),
        refused=plan.refused if plan else None,
    )


def page_of_plan(location: StateLocation, project: Project, situation: Situation, plan: Plan) -> ProjectPage:
    """The project as a plan sees it; raises what `project_page` raises."""
    return project_page(location, project, project_status(project, situation, plan), plan)


def page_after_pass(request: ApplyRequest, last: PassResult) -> ProjectPage | None:
    """The project after a pass of `apply` or `refresh`; None if the pass has not listed the sessions.

    It shows the plan of the pass and the records after it, as the live table does. What the pass has carried out is
    not shown as left to do.
    """
    if last.document is None or last.listing is None or last.plan is None:
        return None
    records = dict(last.records) or {record.key: record for record in last.document.replicas}
    deleted = frozenset(pending.id for pending in last.document.tombstones)
    plan = replace(last.plan, actions=tuple(_after_pass(one, records, deleted) for one in last.plan.actions))
    document = replace(last.document, replicas=tuple(records[key] for key in sorted(records)))
    seen = Observation(last.listing, found=last.listing.at, whole=False)
    return page_of_plan(request.context.location, request.project, Situation(document, seen), plan)


def _after_pass(action: Action, records: Mapping[ReplicaKey, ReplicaRecord], deleted: frozenset[str | None]) -> Action:
    """An action with the record after the pass; an action that was carried out has become `unchanged`."""
    record, before = records.get(action.key), action.record
    if action.kind.changes and _is_carried_out(record, before, deleted):
        code = _REASONS.get(record.phase, ReasonCode.COMPLETED) if record else ReasonCode.DUE
        reason = Reason(code) if code is not ReasonCode.DUE else Reason(code, note="deleted")
        return replace(action, kind=ActionKind.UNCHANGED, record=record, reason=reason, sessions_to_delete=())
    return action if record is before else replace(action, record=record)


def _is_carried_out(record: ReplicaRecord | None, before: ReplicaRecord | None, deleted: frozenset[str | None]) -> bool:
    if record is None or before is None:
        return record is not before
    return record.id in deleted or record.id != before.id or record.renewed != before.renewed


def _limit(project: Project) -> int | None:
    """The most sessions of the project that can be active at the same time; None if nothing limits them."""
    limits = [one for one in (project.max_active.project, project.max_active.account) if one is not None]
    entries = {spec.entry_key: spec.parallelism for spec in project.sessions if not spec.kind.interactive}
    known = [one for one in entries.values() if one is not None]
    if known and len(known) == len(entries):
        limits.append(sum(known))
    return min(limits, default=None)


def _saved_logs(location: StateLocation, project: Project, status: ProjectStatus) -> Mapping[str, LogTail]:
    """The last lines of the logs of ended replicas, by live name."""
    logs, specs = location.logs(project.name), status.document.specs
    if not logs.folder.exists():
        return {}
    ended = [one for one in status.document.replicas if one.logged and not one.phase.active and one.id]
    ended.sort(key=_importance)
    found = {}
    for record in ended[:MOST_LOGS]:
        text = masked(logs.tail(record.name, label(record, specs.get(record.spec)), _END), project.secrets)
        if lines := text.rstrip().splitlines()[-TAIL:]:
            found[record.name] = LogTail(record.attempt, tuple(lines))
    return found


def _importance(record: ReplicaRecord) -> tuple[bool, float]:
    """Sorts failed and unknown replicas first, then those that ended last."""
    return record.phase not in _FIRST, -(record.ended or 0.0)
