"""Programs whose name has a space in it, or is empty."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown
from skaha_apply.lint.source import item, written
from skaha_apply.lint.suspects import suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """`cmd` becomes a single element of the container's command [PostAction.getHeadlessImageBundle]."""
    for project, path, spec in suspects(projects, _has_space, "cmd"):
        cmd = spec.cmd or ""
        if not cmd.strip():
            detail = "The server would start a program without a name. Remove cmd, or write the program."
            yield RuleDiagnostic(project, f"{path}.cmd", "cmd is blank", detail)
        elif len(cmd.split()) > 1:
            detail = f"The server takes the text as the name of one program, {shown(cmd)}, and does not find it. "
            detail += _as_list(written(project, f"{path}.cmd", cmd))
            space = "space" if " " in cmd.strip() else "tab or line end"
            yield RuleDiagnostic(project, f"{path}.cmd", f"cmd has a {space} in it", detail)
        elif " " in cmd:
            program = item(written(project, f"{path}.cmd", cmd).strip())
            detail = f"The server starts a program with exactly this name. Write cmd: {program}."
            yield RuleDiagnostic(project, f"{path}.cmd", "cmd begins or ends with a space", detail)


def _has_space(spec: SessionSpec) -> bool:
    return spec.cmd is not None and (not spec.cmd.strip() or " " in spec.cmd or len(spec.cmd.split()) > 1)


def _as_list(text: str) -> str:
    """What to write for a command of several words; a space within a value does not separate words."""
    words = text.split()
    if len(words) > 1:
        return f"Write cmd: [{', '.join(map(item, words))}]."
    return "The space comes from a value that is filled in. Give only the program there, and its arguments in args."


RULE = Rule(
    id="cmd-space",
    severity=Severity.ERROR,
    title="A `cmd` with a space in it, or a blank one.",
    why="The container uses the whole text of `cmd` as the name of one program. With `cmd: bash -c` it looks for a "
    "program with the name `bash -c`.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: python /arc/projects/survey/reduce.py
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: [python, /arc/projects/survey/reduce.py]
""",
    check=check,
)
