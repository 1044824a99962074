"""The values of a state are written as pydantic writes them, and read as it reads them, without it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from skaha_apply.model.errors import StateError
from skaha_apply.model.session import Phase
from skaha_apply.model.spec import SessionSpec
from skaha_apply.model.state import Attempt, StateDocument, TargetRecord
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.document.digest import document_text, is_intact
from skaha_apply.state.values.declared_types import classes, declared_fields
from skaha_apply.state.values.writer import json_values, line
from tests.state.generated_documents import documents

RECORD = {"session": "a", "replica": 1, "name": "a", "spec": "s", "work": "w", "run": "r", "phase": "done"}


@cache
def adapter(kind):
    return TypeAdapter(kind)


def written_by_pydantic(item):
    return adapter(type(item)).dump_json(item, exclude_defaults=True).decode()


@settings(deadline=None)
@given(documents)
def test_a_document_is_written_as_pydantic_writes_it(document):
    entries = (document.replicas, document.intents, document.tombstones, document.doubts, document.specs.values())
    for item in (item for items in entries for item in items):
        assert line(item) == written_by_pydantic(item)
    values = adapter(StateDocument).dump_python(document, mode="json")
    assert json.dumps(json_values(document)) == json.dumps(values)
    text = json.loads(encode(document))
    for name in ("notices", "controller", "identities", "written", "account", "writer"):
        assert text.get(name) == (values[name] or text.get(name))


@settings(deadline=None)
@given(st.floats(-1e15, 1e15))  # earlier versions of pydantic write 1e16
@example(0.0001)
@example(0.00012345)
@example(-1.5e-05)
@example(9.9e-06)
@example(5e-324)
@example(1e15)
def test_a_number_is_written_as_pydantic_writes_it(number):
    attempt = Attempt(attempt=1, phase=Phase.FAILED, ram=number, ram_used=number)
    assert line(attempt) == written_by_pydantic(attempt)
    whole = Attempt(attempt=1, phase=Phase.FAILED, ram=7, ram_used=7)
    assert line(whole) == written_by_pydantic(whole)


@settings(deadline=None)
@given(documents)
def test_a_proven_text_is_read_as_an_unproven_one(document):
    text = encode(document)
    raw = json.loads(text)
    del raw["digest"]
    read, checked = decode(text, "x"), decode(json.dumps(raw).encode(), "x")
    assert read == checked == document
    assert repr(read) == repr(checked)  # the same types too


def test_every_type_of_a_state_can_be_read_and_written():
    assert {Attempt, SessionSpec, StateDocument, TargetRecord} < classes(StateDocument)


def test_a_type_without_a_form_is_refused():
    @dataclass
    class Other:
        """A type that has no form in JSON."""

        names: frozenset[str]

    Other.__annotations__["names"] = frozenset[str]
    with pytest.raises(TypeError, match="a state cannot contain a value of type frozenset"):
        declared_fields(Other)


def proven(version="1.3", **record):
    """A text with a right digest and one record."""
    members = {"format_version": version, "serial": 1, "lineage": "l", "project": "p", "server": "s"}
    members |= {"specs": {"s": {"name": "a", "image": "i"}}, "replicas": [RECORD | record]}
    text = document_text({name: json.dumps(value) for name, value in members.items()})
    assert is_intact(text)
    return text


def test_a_wrong_value_in_a_proven_text_names_its_place():
    assert decode(proven(), "x").replicas[0].name == "a"
    for record, message in (
        ({"phase": "asleep"}, r"replicas\[0\]\.phase: Input should be 'accepted'"),
        ({"seen": "yesterday"}, r"replicas\[0\]\.seen: "),
        ({"earlier": [{"attempt": 1}]}, r"replicas\[0\]\.earlier\[0\]\.phase: Field required"),
    ):
        with pytest.raises(StateError, match=message):
            decode(proven(**record), "x")


def test_a_proven_text_of_a_newer_minor_version_is_checked():
    assert decode(proven("1.99", mood="good"), "x").replicas[0].name == "a"
    with pytest.raises(StateError, match=r"replicas\[0\]\.replica: Input should be a valid integer"):
        decode(proven("1.99", replica="many"), "x")
