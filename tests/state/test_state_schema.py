"""The published schema is the one the model gives, and every state obeys it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema

from skaha_apply.lazy_dataclass import replace
from skaha_apply.state.codec import encode
from skaha_apply.state.schema import state_schema

PUBLISHED = Path(__file__).parents[2] / "schemas" / "state.v2.schema.json"


def test_the_published_schema_is_fresh():
    fresh = json.dumps(state_schema(), indent=2) + "\n"
    assert PUBLISHED.read_text(encoding="utf-8") == fresh, "write it anew: skaha-apply schema state"


def test_a_written_state_obeys_the_schema_and_so_does_one_of_a_later_minor_version(make_document):
    validator = jsonschema.Draft202012Validator(state_schema())
    validator.check_schema(state_schema())
    document = make_document()
    raw = json.loads(encode(document))
    validator.validate(raw)
    (spec,) = document.specs.values()
    shared = {"group": "reduce-${a}", "args": ("x", "y"), "env": {"A": "1"}}
    family = [spec.model_copy(update=shared | {"values": {"a": value}, "args": ("x", value)}) for value in "zy"]
    matrix = json.loads(encode(replace(document, specs={"s1": family[0], "s2": family[1]})))
    assert matrix["specs"]["s2"] == {"like": "s1", "args": {"1": "y"}, "values": {"a": "y"}}
    validator.validate(matrix)
    for wrong in ({"like": 1}, {"args": {"one": "y"}}, {"env": {"A": 1}}):
        broken = json.loads(json.dumps(matrix))
        broken["specs"]["s2"] |= wrong
        assert not validator.is_valid(broken)
    validator.validate(raw | {"format_version": "1.4", "more": 1})
    part = {
        "session": "reduce",
        "spec": "s1",
        "work": "1:w",
        "replicas": "1-9",
        "ended": "2026-01-01T00:00:00Z",
        "file": "f",
    }
    validator.validate(raw | {"format_version": "2.0", "done": [part]})
    assert not validator.is_valid(raw | {"format_version": "2.0", "done": [{**part, "replicas": 9}]})
    assert not validator.is_valid(raw | {"format_version": "3.0"})
    assert not validator.is_valid({key: value for key, value in raw.items() if key != "serial"})
