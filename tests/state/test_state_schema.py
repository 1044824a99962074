"""The published schema is the one the model gives, and every state obeys it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from skaha_apply.state.codec import encode
from skaha_apply.state.schema import state_schema

PUBLISHED = Path(__file__).parents[2] / "schemas" / "state.v1.schema.json"


def test_the_published_schema_is_fresh():
    fresh = json.dumps(state_schema(), indent=2) + "\n"
    assert PUBLISHED.read_text(encoding="utf-8") == fresh, "write it anew: skaha-apply schema state"


def test_a_written_state_obeys_the_schema_and_so_does_one_of_a_later_minor_version(make_document):
    validator = jsonschema.Draft202012Validator(state_schema())
    validator.check_schema(state_schema())
    raw = json.loads(encode(make_document()))
    validator.validate(raw)
    validator.validate(raw | {"format_version": "1.4", "more": 1})
    assert not validator.is_valid(raw | {"format_version": "2.0"})
    assert not validator.is_valid({key: value for key, value in raw.items() if key != "serial"})
