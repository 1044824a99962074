"""Whether `--target` and `--exclude` mean anything: a misspelt one would pass for "nothing to do"."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.model.errors import UsageError
from skaha_apply.planning.options import matches

if TYPE_CHECKING:
    from collections.abc import Sequence

    from skaha_apply.model.spec import Project, ReplicaKey
    from skaha_apply.planning.options import PlanOptions
    from skaha_apply.workflow.world import Place

MOST_NAMED = 10


async def check_scope(place: Place, projects: Sequence[Project], options: PlanOptions) -> None:
    """Refuse patterns that mean no replica of any project of the call, desired or recorded.

    Raises:
        UsageError: naming the pattern, and what there is.
        StateError: when a state cannot be read.
    """
    if not options.limited:
        return
    known: dict[ReplicaKey, str] = {}  # to the name of its matrix as written
    for project in projects:
        document = await place.at(project).store(project.name).read()
        if document is not None:
            known |= {record.key: document.specs[record.spec].group for record in document.replicas}
        known |= {
            (spec.key, replica): spec.group for spec in project.sessions for replica in range(1, spec.replicas + 1)
        }
    for pattern in (*options.targets, *options.excludes):
        if not any(matches(pattern, *key, group) for key, group in known.items()):
            names = sorted({group or session for (session, _), group in known.items()})
            more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
            raise UsageError(
                f"{pattern!r} means no replica of {', '.join(project.name for project in projects)}",
                hint=f"there are: {', '.join(names[:MOST_NAMED])}{more}",
            )
