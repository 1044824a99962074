"""Plans and reports as JSON for scripts and CI. The committed schema of a plan is generated from these models."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from skaha_apply.model.plan import COUNTED, PLAN_FORMAT, ActionKind
from skaha_apply.model.report import REPORT_FORMAT
from skaha_apply.planning.summary.core_hours import planned_cost
from skaha_apply.render.printable import as_json, mask_references
from skaha_apply.render.reasons import reason_text
from skaha_apply.render.run.failures import causes_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.plan import Action, Plan
    from skaha_apply.model.report import Report
    from skaha_apply.render.color import Paint


_Version = Annotated[
    str,
    Field(
        pattern=r"^1\.\d+$",
        description="MAJOR.MINOR: a minor version adds keys, so ignore unknown keys; refuse another major",
    ),
]


def _counts(schema: dict[str, Any]) -> None:
    keys = [kind.value for kind in COUNTED]
    schema["properties"] = {key: {"type": "integer", "minimum": 0} for key in keys}
    schema["required"] = [key for key in keys if key != ActionKind.RETIRED]  # plans of format 1.0 do not have it


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, serialize_by_alias=True, populate_by_name=True)


class ChangeDocument(_Document):
    """One field that differs; null if the field was or will be absent."""

    path: str = Field(description="the field as the manifest names it: args[2], env.BAND, ram")
    before: Any = Field(alias="from")
    after: Any = Field(alias="to")


class ActionDocument(_Document):
    """What happens to one replica, and why."""

    action: str = Field(description="a key of summary (`retired` only with --all); with --all also `not loaded`")
    session: str = Field(description="the name in the manifest; for a matrix the name of the combination")
    group: str = Field(
        default="", description="the name of the entry as written, `tile-${tile}`; only if it differs from session"
    )
    replica: int = Field(ge=1, description="REPLICA_ID, from 1")
    replicas: int = Field(ge=1, description="REPLICA_COUNT")
    name: str = Field(description="the live name, in lower case")
    id: str | None = Field(
        description="ID of the session; a short digest if the session is interactive; null if there is no session"
    )
    reason: str = Field(description="for people; an open set")
    reason_code: str = Field(default="", description="for programs; a later minor version may add codes")
    changes: list[ChangeDocument]


class CostDocument(_Document):
    """The core-hours to come. Interactive sessions do not count, because they have no end."""

    replicas: int = Field(ge=0, description="number of replicas that are created now or later")
    expected: float = Field(ge=0, description="from the median run time of their entry")
    expected_for: int = Field(ge=0, description="number of replicas in `expected`: those with a median")
    at_most: float = Field(ge=0, description="from `timeout`")
    bounded: int = Field(ge=0, description="number of replicas in `at_most`: those with a timeout")
    expected_is_upper_bound: bool = Field(
        default=False,
        description="true if listings showed the end of no finished replica of an entry closely; otherwise absent",
    )


class PlanDocument(_Document):
    """The plan of one project, as `plan -o json` prints it; several projects give `{format_version, plans}`."""

    format_version: _Version
    project: str
    server: str
    digest: str = Field(
        description="digest of what a reviewer approves: the desired replicas, and the actions that cannot be undone"
    )
    offline: bool = Field(
        default=False, description="true for `plan --offline`, which sends no request to the server; otherwise absent"
    )
    has_changes: bool = Field(description="true if there is a create, replace, delete, adopt, renew or retry")
    refused: str | None = Field(
        description="the safety rule that refuses the plan, and the option that lifts it; null if none does"
    )
    core_hours_lost: float = Field(ge=0)
    core_hours_to_come: CostDocument = Field(
        description="core-hours of the replicas that will be created now or later, if each needs one more attempt"
    )
    summary: dict[str, int] = Field(description="number of replicas by action", json_schema_extra=_counts)
    actions: list[ActionDocument] = Field(
        description="all but unchanged and done replicas; deletes, replaces, then others in the order of the manifest",
    )


class PlansDocument(_Document):
    """The plans of several projects."""

    format_version: _Version
    plans: list[PlanDocument]


def render(plans: Sequence[Plan], _paint: Paint, *, everything: bool) -> str:
    """The text of the format `json`."""
    return as_json(plans_document(plans, everything=everything))


def plan_document(plan: Plan, *, everything: bool = False) -> dict[str, Any]:
    """One plan as a JSON value; with `everything` it includes the replicas that are unchanged or done."""
    shown = [action for action in plan.actions if everything or not action.kind.is_quiet]
    document = PlanDocument(
        format_version=PLAN_FORMAT,
        project=plan.project,
        server=plan.server,
        digest=plan.digest,
        offline=plan.offline,
        has_changes=plan.has_changes,
        refused=plan.refused and reason_text(plan.refused),
        core_hours_lost=plan.core_hours_lost,
        core_hours_to_come=_cost(plan),
        summary=plan.summary,
        actions=[_action(action) for action in shown],
    )
    made = document.model_dump(mode="json", by_alias=True)
    if not plan.offline:
        del made["offline"]
    if not document.core_hours_to_come.expected_is_upper_bound:
        del made["core_hours_to_come"]["expected_is_upper_bound"]
    for action in made["actions"]:
        if not action["group"]:
            del action["group"]
    return made


def plans_document(plans: Sequence[Plan], *, everything: bool = False) -> dict[str, Any]:
    """The document of one invocation: a plan, or `{format_version, plans}` for several projects."""
    documents = [plan_document(plan, everything=everything) for plan in plans]
    return documents[0] if len(documents) == 1 else {"format_version": PLAN_FORMAT, "plans": documents}


def report_document(report: Report) -> dict[str, Any]:
    """The report of one apply as a JSON value."""
    return {
        "format_version": REPORT_FORMAT,
        "project": report.project,
        "applied": dict(report.applied),
        "failed": [{"name": one.name, "action": one.action, "error": one.error} for one in report.failed],
        "sessions": [
            {
                "name": one.name,
                "replica": one.replica,
                "id": one.id,
                "phase": one.phase,
                "cause": one.cause or None,
            }
            for one in report.sessions
        ],
        "causes": causes_document(report.causes),
        "usage": None
        if report.usage is None
        else {
            "elapsed_s": round(report.usage.elapsed, 3),
            "core_hours": round(report.usage.core_hours, 4),
            "logs": report.usage.logs or None,
        },
    }


def reports_document(reports: Sequence[Report]) -> dict[str, Any]:
    """The document of one invocation: a report, or `{format_version, reports}` for several projects."""
    documents = [report_document(report) for report in reports]
    return documents[0] if len(documents) == 1 else {"format_version": REPORT_FORMAT, "reports": documents}


def plan_schema() -> dict[str, Any]:
    """The JSON Schema of the output of `plan -o json`."""
    from pydantic import TypeAdapter  # noqa: PLC0415 - only the schema needs it

    schema = TypeAdapter(PlanDocument | PlansDocument).json_schema(mode="serialization", by_alias=True)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"skaha-apply plan, format {PLAN_FORMAT}",
        **schema,
    }


def _cost(plan: Plan) -> CostDocument:
    cost = planned_cost(plan.actions)
    return CostDocument(
        replicas=cost.replicas,
        expected=round(cost.expected, 4),
        expected_for=cost.expected_for,
        at_most=round(cost.at_most, 4),
        bounded=cost.bounded,
        expected_is_upper_bound=cost.expected_is_upper_bound,
    )


def _action(action: Action) -> ActionDocument:
    return ActionDocument(
        action=action.kind.value,
        session=action.session,
        group=action.group,
        replica=action.replica,
        replicas=action.replicas,
        name=action.name,
        id=action.id,
        reason=reason_text(action.reason),
        reason_code=action.reason.code.value,
        changes=[
            ChangeDocument(path=change.path, before=mask_references(change.before), after=mask_references(change.after))
            for change in action.changes
        ],
    )
