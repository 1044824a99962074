"""The JSON schema of the state document, for users who read states with their own programs."""

from __future__ import annotations

from inspect import cleandoc
from typing import Any

from skaha_apply.model.state import ARCHIVE_FORMAT, STATE_FORMAT, StateDocument
from skaha_apply.state.codec import ALWAYS, MAJORS
from skaha_apply.state.document.digest import KEY
from skaha_apply.state.document.spec_compression import LIKE
from skaha_apply.state.values.declared_types import classes


def state_schema() -> dict[str, Any]:
    """The schema of the formats 1.x and 2.x, from the model.

    It allows unknown keys, because newer minor versions add keys.
    """
    from pydantic import TypeAdapter  # noqa: PLC0415 - only the schema needs it

    schema = TypeAdapter(StateDocument).json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        if part.get("additionalProperties") is False:
            del part["additionalProperties"]
    # Earlier versions of pydantic take no description from a dataclass.
    texts = {kind.__name__: cleandoc(kind.__doc__ or "") for kind in classes(StateDocument)}
    parts = schema.pop("$defs")
    schema = {"$defs": parts, "description": texts["StateDocument"], **schema}
    parts |= {name: {"description": texts[name], **parts[name]} for name in texts.keys() & parts.keys()}
    parts["SpecLikeAnother"] = _like_another(parts["SessionSpec"])
    choice = [{"$ref": "#/$defs/SpecLikeAnother"}, {"$ref": "#/$defs/SessionSpec"}]
    schema["properties"]["specs"]["additionalProperties"] = {"anyOf": choice}
    schema["properties"][KEY] = {
        "description": "sha256 of the text after this line, and the first 16 digits of the sha256 of the JSON of each "
        "member; absent in states of earlier versions and after an edit by hand",
        "type": "object",
        "additionalProperties": {"type": "string"},
    }
    schema["properties"]["format_version"] = {
        "description": f"MAJOR.MINOR; this schema describes {STATE_FORMAT}, {ARCHIVE_FORMAT} (with `done`) and later "
        "minor versions",
        "pattern": rf"^({'|'.join(MAJORS)})\.[0-9]+$",
        "type": "string",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "State of a skaha-apply project",
        "required": sorted({*schema["required"], *ALWAYS}),
    }


def _like_another(spec: dict[str, Any]) -> dict[str, Any]:
    """The schema of a spec that is written as the differences from another spec of its entry."""
    text = {"type": "string"}
    by_name = {"type": "object", "additionalProperties": {"anyOf": [text, {"type": "null"}]}}
    by_index = {"type": "object", "propertyNames": {"pattern": "^[0-9]+$"}, "additionalProperties": text}
    changes = {
        LIKE: text | {"description": "the key of a spec that is written in full"},
        "args": {
            "anyOf": [{"type": "array", "items": text}, by_index],
            "description": "those that differ, by index from 0; all of them if their number differs",
        },
        "env": by_name | {"description": "those that differ; null for an absent one"},
        "values": by_name | {"description": "those that differ; null for an absent one"},
    }
    return {
        "title": "SpecLikeAnother",
        "description": "A spec that differs from another one in these fields.",
        "type": "object",
        "properties": {name: {**part} for name, part in spec["properties"].items()} | changes,
        "required": [LIKE],
    }
