"""`needs` with a name that no headless session of the project has."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

from skaha_apply.lint.project_entries import projects_with_needs
from skaha_apply.lint.rule import Rule, RuleDiagnostic, double_quoted, sessions, shown
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from skaha_apply.lint.project_entries import ProjectEntry
    from skaha_apply.model.project import Project


MOST = 63  # characters of a name that are compared with others
GUESSES = 20  # suggestions of a name; each compares with every session


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Names are compared as written, without regard to case."""
    for project, known in projects_with_needs(projects):
        wrong: dict[str, tuple[str, str]] = {}
        for _, path, spec in sessions([project]):
            for index, need in enumerate(spec.needs):
                if need not in wrong:
                    wrong[need] = _wrong(need, project, known, guess=len(wrong) < GUESSES)
                summary, detail = wrong[need]
                if summary:
                    yield RuleDiagnostic(project, f"{path}.needs[{index}]", summary, detail)


def _wrong(need: str, project: Project, known: Mapping[str, ProjectEntry], *, guess: bool) -> tuple[str, str]:
    needed = known.get(need.casefold())
    if needed is None:
        return f"no session of the project has the name {shown(need)}", _instead(
            need.casefold(), project, known, guess=guess
        )
    kinds = {spec.kind for _, spec in needed.members if spec.kind.interactive}
    if kinds:
        detail = "An interactive session is never done, so this session would never start."
        return f"{shown(need)} is a {min(kinds)} session", detail
    return "", ""


def _instead(need: str, project: Project, known: Mapping[str, ProjectEntry], *, guess: bool) -> str:
    stem = need.rpartition("-")[0]
    of_matrix = {spec.key: spec.group for spec in project.sessions if spec.values and spec.key in (need, stem)}
    if group := of_matrix.get(need) or of_matrix.get(stem) or _begun_by(need, project):
        return (
            f"The session comes from a matrix. Write the name as the manifest has it: {_written(group)}. If both "
            "entries have the same axis, a session waits only for those with its own value."
        )
    if stem in known:
        return f"`needs` cannot name a single replica. Write {_written(known[stem].name)}."
    near = get_close_matches(need[:MOST], known, n=1) if guess else []
    if near:
        return f"Did you mean {known[near[0]].name}?"
    return "The session must be in a loaded manifest of this project. Check that its file is among the paths."


def _begun_by(need: str, project: Project) -> str:
    """The name of a matrix as written, `det-${tile}`, whose text before the first value is the name: `det`."""
    groups = {spec.group for spec in project.sessions if spec.values and "${" in spec.group}
    return next((group for group in sorted(groups) if group.partition("${")[0].rstrip("-").casefold() == need), "")


def _written(name: str) -> str:
    return f"needs: [{double_quoted(name) if '$' in name else name}]"


RULE = Rule(
    id="needs-unknown",
    severity=Severity.ERROR,
    title="`needs` that names no headless session of the project.",
    why=(
        "`needs` names other headless sessions of the same project by their `name` as written. The session starts "
        "when they are done."
    ),
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: mosaic
  needs: [reduse]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
- name: mosaic
  needs: [reduce]
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python
""",
    check=check,
)
