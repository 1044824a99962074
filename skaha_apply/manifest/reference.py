"""Generates the committed schema and the reference part of docs/manifest.md from the table of fields.

`python -m skaha_apply.manifest.reference` writes both, below the working directory.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from skaha_apply.manifest.fields.project_fields import TOP_FIELDS
from skaha_apply.manifest.fields.session_fields import SESSION_FIELDS
from skaha_apply.manifest.generate.yaml_writer import scalar
from skaha_apply.manifest.schema import schema_text
from skaha_apply.manifest.source.file_diagnostics import SYNTAX_RULES
from skaha_apply.model.spec import Decides, SessionSpec, field_roles

EFFECTS = {
    Decides.WORK: "replaces active sessions, and finished work runs again (see `rerun`)",
    Decides.RESOURCES: "replaces active and failed sessions; finished work stays done",
}
BEGIN = "<!-- generated from the table of fields: begin -->"
END = "<!-- generated: end -->"
SCHEMA = Path("schemas/manifest.v1.schema.json")
PAGE = Path("docs/manifest.md")


def reference() -> str:
    """The keys of a manifest and the syntax errors, as Markdown."""
    top = "".join(f"| `{name}` | {text} |\n" for name, text in TOP_FIELDS.items())
    top += "| `x-…` | Your own keys, for anchors. |\n"
    forms = "".join(f"| `{name}` | {text} |\n" for name, text in SYNTAX_RULES.items())
    parts = [
        f"## Top level\n\n| key | meaning |\n|---|---|\n{top}",
        "## Keys of a session\n\nAll except `name`, `matrix` and `needs` can be in `defaults` too.\n",
        *(_field(field.name) for field in SESSION_FIELDS),
        f"## Syntax errors\n\n| rule | reason |\n|---|---|\n{forms}",
    ]
    return "\n".join(parts)


def _field(name: str) -> str:
    field = next(field for field in SESSION_FIELDS if field.name == name)
    examples = "\n".join(f"{name}: {_written(example)}" for example in field.examples)
    return (
        f"### {name}\n\n{field.description}\n\n- type: {field.kind}\n- default: {field.default}\n{_effect(name)}\n"
        f"```yaml\n{examples}\n```\n"
    )


def _effect(name: str) -> str:
    """The line that states what a change of a key causes; none for a key that is in no digest."""
    role = field_roles(SessionSpec).get(name)
    effect = EFFECTS.get(role.decides) if role else None
    return f"- a change: {effect}\n" if effect else ""


def _written(value: Any, *, flow: bool = False) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list):
        return f"[{', '.join(_written(item, flow=True) for item in value)}]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{name}: {_written(item, flow=True)}" for name, item in value.items()) + "}"
    return scalar(str(value), flow=flow)


def with_reference(page: str) -> str:
    """A page whose generated part is replaced by the present one."""
    before, _, rest = page.partition(BEGIN)
    _, _, after = rest.partition(END)
    return f"{before}{BEGIN}\n\n{reference()}\n{END}{after}"


def write(folder: Path) -> None:
    """Write the schema and the page below a folder, the checkout."""
    (folder / SCHEMA).parent.mkdir(parents=True, exist_ok=True)
    (folder / SCHEMA).write_text(schema_text(), encoding="utf-8")
    page = folder / PAGE
    page.write_text(with_reference(page.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    write(Path())
