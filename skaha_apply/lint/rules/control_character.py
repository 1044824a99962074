"""Line ends and control characters."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown, texts
from skaha_apply.lint.suspects import text_suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

LINE_END = re.compile("[\n\r\x85\u2028\u2029]")
CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufffe\uffff]")


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Values become quoted YAML scalars, whose lines are folded [SessionJobBuilder]; tabs stay."""
    for project, path, spec in text_suspects(projects, lambda text: not text.isprintable()):
        for part, what, text in texts(spec):
            if LINE_END.search(text):
                detail = "The server replaces line ends by spaces. Write the script to a file; or write `;` and tabs "
                detail += "instead of line ends in the text for a shell's -c."
                yield RuleDiagnostic(project, f"{path}.{part}", f"{what} {shown(text)} has more than one line", detail)
            elif found := CONTROL.search(text):
                detail = "The server responds with 500. Remove the character."
                summary = f"{what} {shown(text)} has the control character U+{ord(found[0]):04X} in it"
                yield RuleDiagnostic(project, f"{path}.{part}", summary, detail)


RULE = Rule(
    id="control-character",
    severity=Severity.ERROR,
    title="A line end or a control character in `cmd`, `args` or `env`.",
    why="The server writes values into a YAML text. Line ends become spaces there, and other control characters are an "
    "error. Tabs stay.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: ["-c", "date\\nhostname"]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: ["-c", "date;hostname"]
""",
    check=check,
)
