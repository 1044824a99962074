"""The JSON schema of the state document, for those who read it with programs of their own."""

from __future__ import annotations

from typing import Any

from skaha_apply.model.state import STATE_FORMAT, StateDocument
from skaha_apply.state.codec import ALWAYS, MAJOR


def state_schema() -> dict[str, Any]:
    """The schema of format 1.x, from the model; it allows unknown keys, for later minor versions add some."""
    schema = StateDocument.model_json_schema(mode="serialization")
    for part in (schema, *schema["$defs"].values()):
        if part.get("additionalProperties") is False:
            del part["additionalProperties"]
    schema["properties"]["format_version"] = {
        "description": f"MAJOR.MINOR; this schema describes {STATE_FORMAT} and later minor versions",
        "pattern": rf"^{MAJOR}\.[0-9]+$",
        "type": "string",
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **schema,
        "title": "State of a skaha-apply project",
        "required": sorted({*schema["required"], *ALWAYS}),
    }
