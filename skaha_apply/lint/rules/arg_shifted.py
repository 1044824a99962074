"""Arguments that an empty cell leaves out, so that later arguments move forward."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.model.counts import noun_for
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """One diagnostic for each argument of an entry, at its first row: thousands of rows can have the same one."""
    for project in projects:
        found: dict[tuple[str, str, str, str], list[int]] = {}
        for index, left in project.left_out.items():
            spec = project.sessions[index]
            if spec.kind.interactive:
                continue
            for one in left:
                same = (spec.entry_key, one.key, one.name, one.text)
                found.setdefault(same, []).append(index)
        for same, indices in found.items():
            yield _diagnostic(project, same, indices)


def _diagnostic(project: Project, same: tuple[str, str, str, str], indices: list[int]) -> RuleDiagnostic:
    _, key, name, text = same
    one = next(left for left in project.left_out[indices[0]] if (left.key, left.name, left.text) == same[1:])
    summary = f"{name} is empty here, so the argument {shown(text)} is left out and "
    if one.before and one.after:
        summary += f"the option {shown(one.before)} takes {shown(one.after)} as its value"
    elif one.before:
        summary += f"the option {shown(one.before)} has no value"
    else:
        summary += f"{shown(one.after)} takes its place"
    if more := len(indices) - 1:
        summary += f" (and in {more:,} more {noun_for(more, 'combination')})"
    detail = "Fill the cell in. Write an argument that can be absent last, or write an option and its value as one "
    detail += f"argument: --option={text}."
    session = f"sessions[{indices[0]}]"
    return RuleDiagnostic(project, f"{session}.values.{name}", summary, detail, whole=True, also=(f"{session}.{key}",))


RULE = Rule(
    id="arg-shifted",
    severity=Severity.ERROR,
    title="An empty cell of a table leaves out an argument in the middle of others.",
    why="An empty cell leaves out the argument that consists of its value alone. Later arguments move forward, and an "
    "option before it loses its value, so the program computes something else. Only the last argument can be absent, "
    "if no option precedes it. (The diagnostic is at the row of the table. The comment that switches the rule off can "
    "also be on the line of `args`.)",
    bad="",
    good="""
- name: mosaic-${tile}
  matrix: {tile: [t001, t002]}
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
  args: [mosaic.py, "--tile=${tile}"]
""",
    check=check,
)
