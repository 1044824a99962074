"""More replicas than a list has items."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

INDEX = re.compile(r"sessions\[([0-9]+)\]")


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Only lists below the folder of the invocation are counted; others are not known here."""
    for project in projects:
        for path, length in project.items.items():
            index = INDEX.match(path)
            spec = project.sessions[int(index[1])] if index else None
            if index is None or spec is None or spec.replicas <= length:
                continue
            empty = spec.replicas - length
            summary = f"{spec.replicas:,} replicas of {shown(spec.name)} share a list of {length:,}"
            detail = f"{empty:,} of them would wait in the queue, start and have no work. Write replicas: "
            detail += f"{max(length, 1)} or less. `skaha-apply split` shows how a list is shared out."
            yield RuleDiagnostic(project, path, summary, detail, also=(f"{index[0]}.replicas",))


RULE = Rule(
    id="excess-replicas",
    severity=Severity.WARNING,
    title="More replicas than items in the list that they share.",
    why="A replica without a share waits in the queue and occupies a node, but has no work. The rule reads lists "
    "(.txt, .csv, .lst, .list, .tsv) that an argument or a variable names by a path relative to the manifest, or to "
    "the folder of the invocation. (The example is right if its list has 4 lines or more.)",
    bad="",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  replicas: 4
  cmd: python
  args: [/arc/projects/survey/reduce.py, --list, tiles.txt]
""",
    check=check,
)
