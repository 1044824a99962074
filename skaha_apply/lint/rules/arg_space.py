"""Arguments with a space in them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, double_quoted, shown
from skaha_apply.lint.source import written
from skaha_apply.lint.suspects import text_suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project
    from skaha_apply.model.spec import SessionSpec

SHELLS = frozenset({"bash", "dash", "ksh", "sh", "zsh"})


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """`args` is split at every single space, without quoting [PostAction.getHeadlessImageBundle]."""
    for project, path, spec in text_suspects(projects, lambda text: " " in text):
        for index, text in enumerate(spec.args):
            if " " in text:
                count = len(text.split(" "))
                detail = f"The server splits arguments at every space, so the program receives {count} arguments. "
                detail += _way_out(spec, index, written(project, f"{path}.args[{index}]", text))
                summary = f"the argument {shown(text)} has a space in it"
                yield RuleDiagnostic(project, f"{path}.args[{index}]", summary, detail)


def _way_out(spec: SessionSpec, index: int, text: str) -> str:
    if " " not in text:
        return (
            f"The space comes from a value of {text}. Use values without spaces, or pass the text in a file. "
            "${slug.NAME} gives the value as in a name, with `-` instead of each space."
        )
    with_tabs = double_quoted("\t".join(text.split()))
    program = (spec.cmd or "").rpartition("/")[2]
    if program in SHELLS and index and spec.args[index - 1].startswith("-") and spec.args[index - 1].endswith("c"):
        return f"A shell reads tabs as spaces, and the server does not change tabs: write {with_tabs}."
    return (
        f"If the program reads tabs as spaces, write {with_tabs}. If these are several arguments, write them as "
        "several items. Otherwise pass the text in a file."
    )


RULE = Rule(
    id="arg-space",
    severity=Severity.ERROR,
    title="An argument with a space in it.",
    why="The server splits arguments at every space, also within quotes. An argument with a space arrives as several "
    "arguments.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: [-c, cd /arc/projects/survey && make]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: [-c, "cd\\t/arc/projects/survey\\t&&\\tmake"]
""",
    check=check,
)
