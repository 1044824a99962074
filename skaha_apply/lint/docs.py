"""Generates the pages of the rules from the rules: `python -m skaha_apply.lint.docs docs/rules`."""

from __future__ import annotations

import sys
from pathlib import Path
from textwrap import indent

from skaha_apply.lint.rules import RULES
from skaha_apply.model.diagnostics import Severity

HEADER = """version: 1
project: survey
"""


def manifest(sessions: str) -> str:
    """A whole manifest with the sessions of an example."""
    return f"{HEADER}sessions:\n{indent(sessions.strip(chr(10)), '  ')}\n"


def pages() -> dict[str, str]:
    """The text of every page by its file name, the index included."""
    made = {"README.md": _index()}
    for rule in RULES:
        is_error = rule.severity is Severity.ERROR
        effect = "This is an error, so `plan` and `apply` stop." if is_error else "This is a warning."
        found = f"## Wrong\n\n```yaml\n{manifest(rule.bad)}```\n\n" if rule.bad else ""
        made[f"{rule.id}.md"] = (
            f"# {rule.id}\n\n{rule.title} {effect}\n\n{rule.why}\n\n{found}"
            f"## Right\n\n```yaml\n{manifest(rule.good)}```\n\n"
            f"A comment `# skaha-apply: ignore[{rule.id}]` on the line, or alone on the line above, switches the rule "
            "off there. skaha-apply then sends the value as written.\n"
        )
    return made


def _index() -> str:
    rows = "".join(f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |\n" for rule in RULES)
    return (
        "# Rules\n\n`skaha-apply lint` checks these rules without a server. `plan` and `apply` check them too, and "
        f"stop on every error.\n\n| rule | severity | what it reports |\n|---|---|---|\n{rows}"
    )


def write(folder: Path) -> None:
    """Write all pages, and remove pages of rules that no longer exist."""
    made = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules"))
