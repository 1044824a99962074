"""The counts of a result for the plan widget of a GitLab merge request (`artifacts:reports:terraform`).

GitLab reads the keys `create`, `update` and `delete`, and ignores the others.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from skaha_apply.model.plan import ActionKind
from skaha_apply.render.printable import as_json
from skaha_apply.render.results.numbers import total_numbers

if TYPE_CHECKING:
    from collections.abc import Mapping

    from skaha_apply.model.report import CommandResult, ProjectResult

WIDGET: Mapping[str, tuple[ActionKind, ...]] = {
    "create": (ActionKind.CREATE, ActionKind.RETRY),
    "update": (ActionKind.REPLACE, ActionKind.RENEW, ActionKind.ADOPT),
    "delete": (ActionKind.DELETE,),
}


def render(result: CommandResult, **_: bool) -> str:
    """The sums over all projects: what a plan will change, or what an apply has changed."""
    counts: Counter[str] = Counter()
    for one in result.projects:
        counts.update(_counts(one))
    widget = {key: sum(counts[kind.value] for kind in kinds) for key, kinds in WIDGET.items()}
    return as_json({**widget, **total_numbers(result), "exit_code": int(result.exit_code)})


def _counts(one: ProjectResult) -> Mapping[str, int]:
    if one.report is not None:
        return one.report.applied
    return one.plan.summary if one.plan is not None else {}
