"""Keys of other tools: each row of the table is a diagnostic with the key to write."""

from __future__ import annotations

from pathlib import Path

import pytest

from skaha_apply import manifest
from skaha_apply.manifest.fields.foreign_keys import FOREIGN_KEYS
from skaha_apply.manifest.fields.project_fields import TOP_FIELDS
from skaha_apply.manifest.fields.session_fields import BY_NAME

HEAD = "version: 1\nproject: p\n"


def diagnosed(text):
    return manifest.load(["-"], root=Path(), stdin=text.encode).diagnostics


@pytest.mark.parametrize("key", FOREIGN_KEYS)
def test_a_key_of_another_tool_is_an_error_with_the_key_to_write(key):
    row = FOREIGN_KEYS[key]
    assert key not in {**BY_NAME, **TOP_FIELDS}
    assert not row.key or (row.key in {**BY_NAME, **TOP_FIELDS} and row.key in row.detail)
    if row.key in TOP_FIELDS and row.key not in BY_NAME:
        text = f"{HEAD}{key}: x\nsessions: []\n"
    else:
        text = f"{HEAD}sessions:\n  - name: a\n    image: h/p/n:1\n    {key}: x\n"
    found = [one for one in diagnosed(text) if one.rule == "unknown-key"]
    assert [one.detail for one in found] == [row.detail]


@pytest.mark.parametrize("key", ["dependsOn", "Depends-On", "CPUs"])
def test_case_and_dashes_do_not_matter(key):
    (found,) = diagnosed(f"{HEAD}sessions:\n  - name: a\n    image: h/p/n:1\n    {key}: x\n")
    assert found.detail.startswith("Write ")


def test_a_key_is_not_suggested_where_it_cannot_be():
    (found,) = diagnosed(f"{HEAD}memory: 16\nsessions: []\n")
    assert "ram" not in found.detail
