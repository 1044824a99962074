"""Pieces of the JSON schema of a manifest: what each kind of value may look like to other YAML readers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest import readers
from skaha_apply.manifest.values import PROJECT
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

# Any scalar, taken as written; null is what other readers make of a key without a value, so there `~` wants quotes.
TEXT: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
AMOUNT: Mapping[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": sys.float_info.max}
NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
ANY_CASE = "^ *(" + "|".join("".join(f"[{char.upper()}{char}]" for char in kind) for kind in Kind) + ") *$"
PROJECT_PATTERN = "^" + PROJECT.pattern.removesuffix(r"\Z") + "$"
COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 1}
SPAN: Mapping[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": readers.LONGEST},
        {"type": "string", "pattern": readers.SPAN_PATTERN},
    ],
}
NEED: Mapping[str, Any] = {
    "anyOf": [
        TEXT,
        {
            "type": "object",
            "properties": {
                "name": {"description": "The name as it is written there.", **TEXT},
                "require": {
                    "description": "The share that has to succeed once all has ended; ended: whatever the result.",
                    "anyOf": [
                        {"enum": [readers.ENDED]},
                        {"type": "string", "pattern": readers.SHARE_PATTERN},
                    ],
                },
            },
            "required": ["name"],
            "additionalProperties": False,
        },
    ],
}
LIST: Mapping[str, Any] = {
    "anyOf": [
        {"type": "array", "items": TEXT},
        {
            "type": "object",
            "properties": {"file": {"description": "A list, one value a line.", **TEXT}},
            "required": ["file"],
            "additionalProperties": False,
        },
    ],
}
MATRIX: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "rows": {"description": "A table with a header line instead of axes."},
        "include": {"type": "array", "items": {"type": "object"}},
        "exclude": {"type": "array", "items": {"type": "object"}},
    },
    "additionalProperties": LIST,
}
