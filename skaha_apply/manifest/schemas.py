"""The JSON schema of a manifest, for editors and for checks without this package; made from the table of fields."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.document import VERSION
from skaha_apply.manifest.fields import DEFAULT_FIELDS, SESSION_FIELDS
from skaha_apply.manifest.shapes import PROJECT_PATTERN
from skaha_apply.manifest.toplevel import TOP_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from skaha_apply.manifest.fields import Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "project": "fits-survey",
    "defaults": {"image": "images.canfar.net/skaha/astroml:24.07", "cores": 2, "ram": 8},
    "sessions": [
        {
            "name": "reduce",
            "replicas": 100,
            "cmd": "python",
            "args": ["/arc/projects/survey/reduce.py", "--band", "r"],
        },
        {"name": "mosaic", "needs": ["reduce"], "cmd": "bash", "args": ["/arc/projects/survey/mosaic.sh"]},
    ],
}


def schema() -> dict[str, Any]:
    """The schema of one manifest file, JSON Schema draft 2020-12.

    It holds for what other YAML readers make of a manifest: where text is meant it allows any scalar but null, since
    numbers and truth values are taken as they are written. The rules of `lint` go further.
    """
    return {
        "$schema": DIALECT,
        "title": "skaha-apply manifest",
        "description": "The sessions that should exist on a Skaha server.",
        "type": "object",
        "properties": {
            "version": {"title": "Version", "description": TOP_FIELDS["version"], "const": VERSION},
            "project": {
                "title": "Project",
                "description": TOP_FIELDS["project"],
                "type": ["string", "number"],
                "pattern": PROJECT_PATTERN,
                "examples": ["fits-survey"],
            },
            "defaults": {
                "title": "Defaults",
                "description": TOP_FIELDS["defaults"],
                "type": "object",
                "properties": _properties(DEFAULT_FIELDS.values()),
                "additionalProperties": False,
                "examples": [EXAMPLE["defaults"]],
            },
            "sessions": {
                "title": "Sessions",
                "description": TOP_FIELDS["sessions"],
                "type": "array",
                "items": {
                    "title": "Session",
                    "description": "One session, or as many as it has replicas.",
                    "type": "object",
                    "properties": _properties(SESSION_FIELDS),
                    "required": ["name"],
                    "additionalProperties": False,
                },
                "examples": [EXAMPLE["sessions"]],
            },
        },
        "patternProperties": {"^x-": {"description": "Yours: for anchors that are used elsewhere."}},
        "required": ["version", "project", "sessions"],
        "additionalProperties": False,
        "if": {"properties": {"defaults": {"required": ["image"]}}, "required": ["defaults"]},
        "else": {"properties": {"sessions": {"items": {"required": ["image"]}}}},
        "examples": [EXAMPLE],
    }


def schema_text() -> str:
    """The schema as it is committed: JSON, indented, ending in a line end."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


def _properties(fields: Iterable[Field]) -> dict[str, Any]:
    return {
        field.name: {
            "title": field.name.capitalize(),
            "description": field.description.replace("`", ""),
            **field.schema,
            "examples": list(field.examples),
        }
        for field in fields
    }
