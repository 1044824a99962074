"""The numbers that every report file has: what left the manifest, the cost to come, and the diagnostics."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted
from skaha_apply.model.report import ProjectResult
from skaha_apply.planning.summary.core_hours import planned_cost
from skaha_apply.render.times import hours_text

if TYPE_CHECKING:
    from skaha_apply.model.report import CommandResult


def project_numbers(one: ProjectResult) -> dict[str, int | float]:
    """The numbers of one project by their keys in JSON.

    `core_hours_expected` (from median run times) and `core_hours_at_most` (from timeouts) are what the creates of the
    plan will use, now and later.
    """
    cost = planned_cost(one.plan.actions if one.plan else ())
    return {
        "left_manifest": one.left_manifest,
        "core_hours_expected": round(cost.expected, 4),
        "core_hours_at_most": round(cost.at_most, 4),
    }


def total_numbers(result: CommandResult) -> dict[str, int | float]:
    """The sums over all projects, then the number of errors and warnings in the manifests."""
    found: Counter[str] = Counter()
    for one in result.projects:
        found.update(project_numbers(one))
    lint = {f"lint_{name}": count for name, count in result.lint_counts.items()}
    return {**project_numbers(ProjectResult("")), **found, **lint}


def numbers_text(result: CommandResult) -> str:
    """The numbers in sentences, for people."""
    numbers, lint = total_numbers(result), result.lint_counts
    parts = [f"Left the manifest: {counted(int(numbers['left_manifest']), 'replica')}."]
    if expected := numbers["core_hours_expected"]:
        parts.append(f"Cost to come: about {hours_text(expected)} core-hours (median run time).")
    if most := numbers["core_hours_at_most"]:
        parts.append(f"Cost to come: at most {hours_text(most)} core-hours (timeout).")
    parts.append(f"In the manifests: {counted(lint['errors'], 'error')}, {counted(lint['warnings'], 'warning')}.")
    return " ".join(parts)
