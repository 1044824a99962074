"""The JSON schema of a manifest, for editors and for checks without this package; made from the table of fields."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.document import VERSION
from skaha_apply.manifest.expansion.matrix import OF_THE_WHOLE
from skaha_apply.manifest.fields.project_fields import TOP_FIELDS
from skaha_apply.manifest.fields.schema_parts import (
    MAX_ACTIVE,
    MOVED,
    NOTIFY,
    PROJECT_PATTERN,
    TEXT,
    VARIABLES,
    filled,
    matrix,
)
from skaha_apply.manifest.fields.session_fields import BY_NAME, DEFAULT_FIELDS, SESSION_FIELDS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from skaha_apply.manifest.fields.readers import SessionField

KEYS = "#/properties/sessions/items/properties"
TEXTS = frozenset({"name", "image", "matrix", "needs", "cmd", "args", "env"})  # whose shapes take references already
DIALECT = "https://json-schema.org/draft/2020-12/schema"
EXAMPLE: dict[str, Any] = {
    "version": 1,
    "project": "fits-survey",
    "max_active": 200,
    "variables": {"night": {"default": "2026-11-22"}},
    "defaults": {"image": "images.canfar.net/skaha/astroml:24.07", "cores": 2, "ram": 8},
    "sessions": [
        {
            "name": "reduce",
            "replicas": 100,
            "cmd": "python",
            "args": ["/arc/projects/survey/reduce.py", "--night", "${var.night}"],
            "retries": 2,
        },
        {
            "name": "mosaic-${tile}",
            "matrix": {"tile": ["t001", "t002"], "include": [{"tile": "t002", "ram": 64}]},
            "needs": [{"name": "reduce", "require": "95%"}],
            "cmd": "bash",
            "args": ["/arc/projects/survey/mosaic.sh", "${tile}"],
        },
        {"name": "desk", "kind": "notebook", "renew": "2d", "protect": True},
    ],
}


def manifest_schema() -> dict[str, Any]:
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
            "version": _top("version", {"const": VERSION}),
            "project": _top("project", {"type": ["string", "number"], "pattern": PROJECT_PATTERN}, "fits-survey"),
            "state": _top("state", TEXT, "https://gitlab.example.org/api/v4/projects/7/terraform/state/fits-survey"),
            "max_active": _top("max_active", MAX_ACTIVE, 200, {"project": 200, "account": 250}),
            "notify": _top("notify", NOTIFY, {"url": "https://chat.example.org/hook", "on": ["failure", "end"]}),
            "moved": _top("moved", MOVED, [{"from": "tile-${tile}", "to": "field-${tile}"}]),
            "variables": _top("variables", VARIABLES, EXAMPLE["variables"], {"token": {"sensitive": True}}),
            "defaults": _top("defaults", _keys(DEFAULT_FIELDS.values()), EXAMPLE["defaults"]),
            "sessions": _top("sessions", {"type": "array", "items": _session()}, EXAMPLE["sessions"]),
        },
        "patternProperties": {"^x-": {"description": "Your own keys, for anchors."}},
        "required": ["version", "project", "sessions"],
        "additionalProperties": False,
        "if": {"properties": {"defaults": {"required": ["image"]}}, "required": ["defaults"]},
        "else": {"properties": {"sessions": {"items": {"required": ["image"]}}}},
        "examples": [EXAMPLE],
    }


def schema_text() -> str:
    """The schema as it is committed: JSON, indented, ending in a line end."""
    return json.dumps(manifest_schema(), indent=2, ensure_ascii=False) + "\n"


def _top(name: str, shape: Mapping[str, Any], *examples: Any) -> dict[str, Any]:
    """The schema of a key at the top."""
    described = {"title": name.capitalize(), "description": _plain(TOP_FIELDS[name]), **shape}
    return {**described, "examples": list(examples)} if examples else described


def _session() -> dict[str, Any]:
    return {
        "title": "Session",
        "description": "One session, or as many as its matrix has combinations and it has replicas.",
        **_keys(SESSION_FIELDS, "name"),
    }


def _keys(fields: Iterable[SessionField], *required: str) -> dict[str, Any]:
    """A mapping of these keys, and no others."""
    always = {"required": list(required)} if required else {}
    return {"type": "object", "properties": _properties(fields), **always, "additionalProperties": False}


def _properties(fields: Iterable[SessionField]) -> dict[str, Any]:
    return {
        field.name: {
            "title": field.name.capitalize(),
            "description": _plain(field.description),
            **_shape(field),
            "examples": list(field.examples),
        }
        for field in fields
    }


def _shape(field: SessionField) -> Mapping[str, Any]:
    if field.name == "matrix":
        keys = (name for name in BY_NAME if name not in OF_THE_WHOLE)
        return matrix({name: {"$ref": f"{KEYS}/{name}"} for name in keys})
    return field.schema if field.name in TEXTS else filled(field.schema)


def _plain(text: str) -> str:
    """A description without the marks of Markdown, which editors show as they are."""
    return re.sub(r"\[([^]]*)\]\(#[^)]*\)", r"\1 in docs/manifest.md", text).replace("`", "")
