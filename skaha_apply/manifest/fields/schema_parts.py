"""Pieces of the JSON schema of a manifest: what each kind of value may look like to other YAML readers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from skaha_apply.manifest.fields import readers
from skaha_apply.manifest.fields.values import FORM, PROJECT
from skaha_apply.model.durations import MAX_DURATION, json_pattern
from skaha_apply.model.session import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

# Any scalar, taken as written; other readers read a key without a value as null, so `~` requires quotes there.
TEXT: Mapping[str, Any] = {"type": ["string", "number", "boolean"]}
AMOUNT: Mapping[str, Any] = {"type": "number", "exclusiveMinimum": 0, "maximum": sys.float_info.max}
REFERENCE = r"(^|[^$])\$\{[A-Za-z_][A-Za-z0-9_.-]*\}"
FILLED_AMOUNT: Mapping[str, Any] = {"anyOf": [AMOUNT, {"type": "string", "pattern": REFERENCE}]}
NAME_PATTERN = "^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?$"
ANY_CASE = "^ *(" + "|".join("".join(f"[{char.upper()}{char}]" for char in kind) for kind in Kind) + ") *$"
PROJECT_PATTERN = "^" + PROJECT.pattern.removesuffix(r"\Z") + "$"
COUNT: Mapping[str, Any] = {"type": "integer", "minimum": 1}
DURATION: Mapping[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": MAX_DURATION},
        {"type": "string", "pattern": json_pattern()},
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
                    "description": "The share that must succeed once all has ended; ended: whatever the result is.",
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
NAMES: Mapping[str, Any] = {"pattern": f"^{FORM}$"}  # of axes and variables
FILE: Mapping[str, Any] = {
    "type": "object",
    "properties": {"file": {"description": "A path below the folder of the manifest, or of the invocation.", **TEXT}},
    "required": ["file"],
    "additionalProperties": False,
}
AXIS: Mapping[str, Any] = {"anyOf": [{"type": "array", "items": {**TEXT, "minLength": 1}}, FILE]}
WITH_REFERENCES = r"^([A-Za-z0-9-]|\$\{[A-Za-z_][A-Za-z0-9_.-]*\})+$"
NAME: Mapping[str, Any] = {
    "anyOf": [
        {"type": ["string", "number"], "pattern": NAME_PATTERN},
        {"type": "string", "allOf": [{"pattern": WITH_REFERENCES}, {"pattern": REFERENCE}]},
    ],
}
VARIABLES: Mapping[str, Any] = {
    "type": "object",
    "propertyNames": NAMES,
    "additionalProperties": {
        "type": "object",
        "properties": {
            "default": {
                "description": "The value if an invocation gives none. Without it, each invocation must give a value.",
                **TEXT,
            },
            "sensitive": {
                "description": "If true, the tool never prints or stores the value, for example a token.",
                "type": "boolean",
            },
            "description": {"description": "The purpose of the variable.", **TEXT},
        },
        "additionalProperties": False,
    },
}
MAX_ACTIVE: Mapping[str, Any] = {
    "anyOf": [
        COUNT,
        {
            "type": "object",
            "properties": {
                "project": {"description": "The limit of this project.", **COUNT},
                "account": {"description": "The limit of the account, over all projects and tools.", **COUNT},
            },
            "minProperties": 1,
            "additionalProperties": False,
        },
    ],
}
MOVED: Mapping[str, Any] = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": {
            "from": {"description": "The former name of the entry, as written.", **TEXT},
            "to": {"description": "The present name of the entry, as written.", **TEXT},
        },
        "required": ["from", "to"],
        "additionalProperties": False,
    },
}
NOTIFY: Mapping[str, Any] = {
    "type": "object",
    "properties": {
        "command": {
            "description": "A program and its arguments. It runs without a shell and gets the message as JSON.",
            "type": "array",
            "items": TEXT,
            "minItems": 1,
        },
        "url": {
            "description": "An address that gets a POST with the message as JSON.",
            "type": "string",
            "pattern": rf"^[hH][tT][tT][pP][sS]?://[^/\s]+(/\S*)?$|{REFERENCE}",
        },
        "on": {
            "description": "The messages: the first failure, the end of the work.",
            "anyOf": [
                {"enum": ["failure", "end"]},
                {"type": "array", "items": {"enum": ["failure", "end"]}, "minItems": 1},
            ],
        },
    },
    "anyOf": [{"required": ["command"]}, {"required": ["url"]}],
    "additionalProperties": False,
}


def filled(shape: Mapping[str, Any]) -> Mapping[str, Any]:
    """A shape, or a text with a reference that becomes such a value."""
    return {"anyOf": [shape, {"type": "string", "pattern": REFERENCE}]}


def matrix(keys: Mapping[str, Any]) -> dict[str, Any]:
    """The shape of a matrix; `keys` are the keys of a session that may differ between combinations."""
    choosing = {"type": "object", "minProperties": 1, "additionalProperties": TEXT}
    return {
        "type": "object",
        "properties": {
            "rows": {
                "description": "A CSV file with a header. Each column is a value, each row a combination.",
                **FILE,
            },
            "include": {
                "description": "Combinations to add, or combinations with other keys.",
                "type": "array",
                "items": {**choosing, "properties": keys},
            },
            "exclude": {"description": "Combinations to leave out.", "type": "array", "items": choosing},
        },
        "propertyNames": NAMES,
        "additionalProperties": AXIS,
        "if": {"required": ["rows"]},
        "then": {"propertyNames": {"enum": ["rows", "include", "exclude"]}},
        "else": {"not": {"propertyNames": {"enum": ["include", "exclude"]}}},
    }
