from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from skaha_apply.model.errors import ExitCode
from skaha_apply.model.plan import Change
from skaha_apply.model.reasons import Reason, ReasonCode
from skaha_apply.model.report import Failure, ReplicaReport, Report, SharedCause
from skaha_apply.render.plan.documents import (
    plan_document,
    plan_schema,
    plans_document,
    report_document,
    reports_document,
)

PUBLISHED = Path(__file__).parents[2] / "schemas" / "plan.v1.schema.json"


def test_the_published_schema_is_fresh():
    fresh = json.dumps(plan_schema(), indent=2) + "\n"
    assert PUBLISHED.read_text(encoding="utf-8") == fresh, "write it anew: skaha-apply schema plan"


def test_a_plan_is_the_promised_document(action, plan):
    replaced = action(
        "replace",
        replica=3,
        id="k2j3h4g5",
        reason=Reason(ReasonCode.SPEC_CHANGED),
        changes=(Change("args[2]", "r", "g"),),
    )
    shown = plan(replaced, action("done"), action("retired", replica=2), core_hours_lost=0.4)
    assert plan_document(shown) == {
        "format_version": "1.4",
        "project": "survey",
        "server": "https://ws-uv.canfar.net/skaha/v1",
        "digest": "sha256:0",
        "has_changes": True,
        "refused": None,
        "core_hours_lost": 0.4,
        "core_hours_to_come": {"replicas": 0, "expected": 0.0, "expected_for": 0, "at_most": 0.0, "bounded": 0},
        "summary": {
            "create": 0, "replace": 1, "delete": 0, "adopt": 0, "renew": 0, "retry": 0, "wait": 0, "blocked": 0,
            "conflict": 0, "protected": 0, "unknown": 0, "failed": 0, "done": 1, "unchanged": 0,
            "retired": 1,
        },
        "actions": [
            {
                "action": "replace", "session": "reduce", "replica": 3, "replicas": 100, "name": "reduce-3",
                "id": "k2j3h4g5", "reason": "spec changed", "reason_code": "spec_changed",
                "changes": [{"path": "args[2]", "from": "r", "to": "g"}],
            },
        ],
    }  # fmt: skip


def test_all_lists_everything(action, plan):
    shown = plan(action("done"), action("unchanged", replica=2), action("retired", replica=3))
    assert plan_document(shown)["actions"] == []
    listed = plan_document(shown, everything=True)["actions"]
    assert [one["action"] for one in listed] == ["done", "unchanged", "retired"]


def test_several_projects_come_in_one_document(action, plan):
    one, two = plan(action("create")), plan(project="other")
    assert [each["project"] for each in plans_document([one, two])["plans"]] == ["survey", "other"]
    assert plans_document([one]) == plan_document(one)


def test_plans_obey_the_schema_and_it_refuses_another_major_version(action, plan):
    validator = jsonschema.Draft202012Validator(plan_schema())
    validator.check_schema(plan_schema())
    document = plan_document(plan(action("create", changes=(Change("ram", None, 4),))), everything=True)
    validator.validate(document)
    validator.validate(plans_document([plan(), plan(action("delete"))]))
    validator.validate({**document, "later": "minor versions add keys"})
    for wrong in ({"format_version": "2.0"}, {"summary": {"create": 1}}, {"actions": None}):
        with pytest.raises(jsonschema.ValidationError):
            validator.validate({**document, **wrong})


def test_a_report_is_the_promised_document():
    report = Report(
        project="survey",
        applied={"create": 2},
        failed=(Failure("reduce-3", "create", "400 no"),),
        sessions=(
            ReplicaReport("reduce-1", 1, "k2j3h4g5", "running", "reduce", "https://x"),
            ReplicaReport("reduce-2", 2, "a1b2c3d4", "failed", "reduce", cause="MemoryError"),
        ),
        causes=(SharedCause("MemoryError", 1, ("reduce-2",)),),
        exit_codes=frozenset({ExitCode.PARTIAL}),
    )
    expected = {
        "format_version": "1.2",
        "project": "survey",
        "applied": {"create": 2},
        "failed": [{"name": "reduce-3", "action": "create", "error": "400 no"}],
        "sessions": [
            {"name": "reduce-1", "replica": 1, "id": "k2j3h4g5", "phase": "running", "cause": None},
            {"name": "reduce-2", "replica": 2, "id": "a1b2c3d4", "phase": "failed", "cause": "MemoryError"},
        ],
        "causes": [{"cause": "MemoryError", "count": 1, "names": ["reduce-2"]}],
        "usage": None,
    }
    assert report_document(report) == expected
    assert reports_document([report]) == expected
    assert reports_document([report, report]) == {"format_version": "1.2", "reports": [expected, expected]}
