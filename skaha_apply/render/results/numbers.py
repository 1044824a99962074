"""The numbers that every report file has: what left the manifest, the cost to come, and the diagnostics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.report import ProjectResult
from skaha_apply.planning.summary.core_hours import planned_cost
from skaha_apply.render.cost import cost_text, total_cost

if TYPE_CHECKING:
    from skaha_apply.model.progress.summary import PlannedCost
    from skaha_apply.model.report import CommandResult


def project_numbers(one: ProjectResult) -> dict[str, int | float]:
    """The numbers of one project by their keys in JSON.

    `core_hours_expected` (from median run times) and `core_hours_at_most` (from timeouts) are what the creates of the
    plan will use, now and later. A key with `_for` is the number of replicas in such a number; `core_hours_replicas` is
    the number of all that will be created.
    """
    cost = _cost(one)
    return {
        "left_manifest": one.left_manifest,
        "core_hours_replicas": cost.replicas,
        "core_hours_expected": round(cost.expected, 4),
        "core_hours_expected_for": cost.expected_for,
        "core_hours_at_most": round(cost.at_most, 4),
        "core_hours_at_most_for": cost.bounded,
    }


def _cost(one: ProjectResult) -> PlannedCost:
    return planned_cost(one.plan.actions if one.plan else ())


def total_numbers(result: CommandResult) -> dict[str, int | float]:
    """The sums over all projects, then the number of errors and warnings in the manifests."""
    found: Counter[str] = Counter()
    for one in result.projects:
        found.update(project_numbers(one))
    lint = {f"lint_{name}": count for name, count in result.lint_counts.items()}
    return {**project_numbers(ProjectResult("")), **found, **lint}


def numbers_text(result: CommandResult) -> str:
    """The numbers in sentences, for people."""
    left, lint = sum(one.left_manifest for one in result.projects), result.lint_counts
    parts = [
        f"Left the manifest: {counted(left, 'replica')}.",
        cost_text(total_cost([_cost(one) for one in result.projects])),
        f"In the manifests: {counted(lint['errors'], 'error')}, {counted(lint['warnings'], 'warning')}.",
    ]
    return " ".join(filter(None, parts))
