"""The pages of the rules, made from the rules themselves: `python -m skaha_apply.lint.docs docs/rules`."""

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
    """An example's sessions as a whole manifest."""
    return f"{HEADER}sessions:\n{indent(sessions.strip(chr(10)), '  ')}\n"


def pages() -> dict[str, str]:
    """The text of every page by its file name, the index included."""
    made = {"README.md": _index()}
    for rule in RULES:
        stops = "An error: `plan` and `apply` stop." if rule.severity is Severity.ERROR else "A warning."
        found = f"## Found\n\n```yaml\n{manifest(rule.bad)}```\n\n" if rule.bad else ""
        made[f"{rule.id}.md"] = (
            f"# {rule.id}\n\n{rule.title} {stops}\n\n{rule.why}\n\n{found}"
            f"## Right\n\n```yaml\n{manifest(rule.good)}```\n\n"
            f"A comment `# skaha-apply: ignore[{rule.id}]` on the line, or alone on the line above, switches the rule "
            "off there; what is written is sent as it is.\n"
        )
    return made


def _index() -> str:
    rows = "".join(f"| [{rule.id}]({rule.id}.md) | {rule.severity} | {rule.title} |\n" for rule in RULES)
    return (
        "# Rules\n\n`skaha-apply lint` checks these without asking the server, and `plan` and `apply` stop on every "
        f"error.\n\n| rule | severity | finds |\n|---|---|---|\n{rows}"
    )


def write(folder: Path) -> None:
    """Write all pages, and remove those of rules that are no more."""
    made = pages()
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.md"):
        if old.name not in made:
            old.unlink()
    for name, text in made.items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1] if len(sys.argv) > 1 else "docs/rules"))
