"""The numbers that every report file has: what left the manifest, the work to come, and the diagnostics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.counts import counted

if TYPE_CHECKING:
    from skaha_apply.model.report import CommandResult, ProjectResult


def project_numbers(one: ProjectResult) -> dict[str, int | float]:
    """The numbers of one project by their keys in JSON."""
    return {"left_manifest": one.left_manifest}


def total_numbers(result: CommandResult) -> dict[str, int | float]:
    """The sums over all projects, then the number of errors and warnings in the manifests."""
    found: dict[str, int | float] = {}
    for one in result.projects:
        for name, number in project_numbers(one).items():
            found[name] = found.get(name, 0) + number
    return {**found, **{f"lint_{name}": count for name, count in result.lint_counts.items()}}


def numbers_text(result: CommandResult) -> str:
    """The numbers in sentences, for people."""
    numbers = total_numbers(result)
    left, lint = int(numbers.get("left_manifest", 0)), result.lint_counts
    return (
        f"Left the manifest: {counted(left, 'replica')}. "
        f"In the manifests: {counted(lint['errors'], 'error')}, {counted(lint['warnings'], 'warning')}."
    )
