"""Quotes, backslashes and dollar signs, which the server interprets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, shown, texts
from skaha_apply.lint.suspects import text_suspects
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

ID = "server-escape"
WHAT = {
    "$": ("a dollar sign", "reads `$` as a reference and responds with 400 or 500", "`\\$`"),
    "\\": ("a backslash", "drops a backslash and keeps the next character", "four backslashes"),
    '"': ("a double quote", "ends the value at a double quote: it cuts the value or responds with 500", '`\\\\\\"`'),
}
CHARACTER = re.compile(r"""[$\\"]""")


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Values become regular-expression replacements, then YAML scalars, without escaping [SessionJobBuilder]."""
    for project, path, spec in text_suspects(projects, CHARACTER.search):
        for part, what, text in texts(spec):
            char = next((char for char in WHAT if char in text), None)
            if char is None:
                continue
            named, happens, instead = WHAT[char]
            detail = (
                f"The server {happens}. Write the text without {named}. Or write {instead} in single quotes, with the "
            )
            detail += f"comment `# skaha-apply: ignore[{ID}]` on that line: the server changes it into {named}."
            yield RuleDiagnostic(project, f"{path}.{part}", f"{what}{_text(part, text)} has {named} in it", detail)


def _text(part: str, text: str) -> str:
    return "" if part == "cmd" else f" ({shown(text)})" if part.startswith("env") else f" {shown(text)}"


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    title="A quote, a backslash or a dollar sign in `cmd`, `args` or `env`.",
    why="The server fills these values into its template twice and does not escape them: `\\x` becomes `x`, `$` is an "
    'error, and `"` ends the value. It refuses `$HOME`, and it cuts or refuses JSON. skaha-apply sends values as '
    "written. If you need the server's own escapes, write them and switch this rule off for the line: with `\\$HOME` "
    "the shell of the program reads `$HOME`, and Kubernetes fills in `\\$(NAME)`.",
    bad="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args: [-c, "ls\\t$HOME"]
""",
    good="""
- name: reduce
  image: images.canfar.net/skaha/astroml:24.07
  cmd: bash
  args:
    - -c
    # skaha-apply: ignore[server-escape]
    - "ls\\t\\\\$HOME"
""",
    check=check,
)
