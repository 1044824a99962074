"""Quotes, backslashes and dollar signs, which the server acts on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from skaha_apply.lint.rule import Rule, RuleDiagnostic, all_text, sessions, shown, texts
from skaha_apply.model.diagnostics import Severity

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from skaha_apply.model.project import Project

ID = "server-escape"
WHAT = {
    "$": ("a dollar sign", "takes `$` as a reference and answers 400 or 500", "`\\$`"),
    "\\": ("a backslash", "drops a backslash and keeps what follows it", "four backslashes"),
    '"': ("a double quote", "ends the value at a double quote, which cuts it or answers 500", '`\\\\\\"`'),
}


def check(projects: Sequence[Project]) -> Iterable[RuleDiagnostic]:
    """Values become regular-expression replacements, then YAML scalars, without escaping [SessionJobBuilder]."""
    for project, path, spec in sessions(projects):
        whole = all_text(spec)
        if not any(char in whole for char in WHAT):
            continue
        for part, what, text in texts(spec):
            char = next((char for char in WHAT if char in text), None)
            if char is None:
                continue
            named, happens, instead = WHAT[char]
            detail = f"The server {happens}. Write it without; or send what the server turns into it, {instead}, "
            detail += f"in single quotes, with the comment `# skaha-apply: ignore[{ID}]` on that line."
            yield RuleDiagnostic(project, f"{path}.{part}", f"{what}{_text(part, text)} has {named} in it", detail)


def _text(part: str, text: str) -> str:
    return "" if part == "cmd" else f" ({shown(text)})" if part.startswith("env") else f" {shown(text)}"


RULE = Rule(
    id=ID,
    severity=Severity.ERROR,
    title="A quote, a backslash or a dollar sign in `cmd`, `args` or `env`.",
    why="The server fills these values into its template twice without escaping them: `\\x` becomes `x`, `$` is an "
    'error, `"` ends the value. So `$HOME` is refused and JSON arrives cut or not at all. Values are sent as they are '
    "written; who wants the server's own escapes (`\\$HOME`, of which the program's shell then sees `$HOME`; "
    "`\\$(NAME)` is filled in by Kubernetes) writes them and switches this rule off for the line.",
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
