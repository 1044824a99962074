"""The committed schema and the reference page are those of the code, and agree with the loader."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
import textwrap
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from skaha_apply.lint import check
from skaha_apply.manifest import load, schema
from skaha_apply.manifest.reference import PAGE, SCHEMA, with_reference
from skaha_apply.manifest.schemas import schema_text
from skaha_apply.model.variables import Given

ROOT = Path(__file__).parents[2]
_SPEC = importlib.util.spec_from_file_location("tables_of_errors", Path(__file__).with_name("test_manifest_errors.py"))
_TABLES = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_TABLES)
HEAD, SESSION_ERRORS, WHOLE_ERRORS = _TABLES.HEAD, _TABLES.SESSION_ERRORS, _TABLES.WHOLE_ERRORS
IMAGE = "images.canfar.net/skaha/astroml:24.07"


def valid(text):
    document = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))  # dates are texts in JSON
    return jsonschema.Draft202012Validator(schema()).is_valid(document)


def test_the_schema_is_fresh_and_a_schema():
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(schema())


def test_the_page_is_fresh():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert with_reference(page) == page


def test_examples_in_the_schema_are_valid():
    for example in schema()["examples"]:
        jsonschema.validate(example, schema())
        text = json.dumps(example)
        assert load(["-"], root=Path(), stdin=text.encode).diagnostics == ()
    for name, field in schema()["properties"]["sessions"]["items"]["properties"].items():
        assert field["description"]
        assert field["title"]
        for example in field["examples"]:
            assert jsonschema.Draft202012Validator(field).is_valid(example), (name, example)


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda path: path.stem)
def test_manifests_of_the_repository(path):
    assert valid(path.read_text(encoding="utf-8"))
    assert load([path], root=ROOT).diagnostics == ()


def test_manifests_of_the_page(tmp_path, monkeypatch):
    """Each is valid, and clean by every rule; the table is that of the page too."""
    monkeypatch.chdir(tmp_path)
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    whole = [block.partition("```")[0] for block in page.split("```yaml\n")[1:] if block.startswith("version:")]
    assert len(whole) == 8
    (tmp_path / "tiles.txt").write_text("# the survey\n\nNGC 4501\nM 87\n", encoding="utf-8")
    (tmp_path / "fields.csv").write_text("field,ra" + page.partition("```\nfield,ra")[2].partition("```")[0])
    made = {}
    for text in whole:
        assert valid(text)
        result = load(["-"], root=Path(), stdin=text.encode, given=Given({"token": "secret"}))
        assert (result.diagnostics, check(result.projects)) == ((), ())
        made[result.projects[0].name] = result.projects[0].sessions
    assert [spec.name for spec in made["mosaics"]] == [
        "mosaic-ngc-4501-r",
        "mosaic-ngc-4501-g",
        "mosaic-m-87-r",
        "mosaic-calibration-u",
    ]
    assert [spec.ram for spec in made["mosaics"]] == [64, 64, 8, 8]
    assert [(spec.name, spec.ram, spec.args[5:]) for spec in made["fields"]] == [
        ("field-cosmos", 32, ()),
        ("field-elais-n1", 64, ("--deep",)),
    ]


BODIES = [
    ("cores: 2", True),
    ("x-mine: 3", False),
    ("nmae: x", False),
    ("cores: many", False),
    ("ram: 32GB", False),
    ("replicas: 0", False),
    ("protect: yes", False),
    ("args: [1, 1.5, true, '~', a]", True),
    ("args: [[a]]", False),
    ("args: a b", True),
    ("cmd: []", False),
    ("env: {A: 1}", True),
    ("env: [A]", False),
    ("kind: Notebook", True),
    ("kind: ' HEADLESS '", True),
    ("cores: 1e300", True),
    ("needs: a", True),
]


# What a YAML reader refuses by itself, or what is about the file and not about its content.
NOT_STRUCTURE = {"duplicate-key", "encoding", "file", "too-large", "yaml"}
STRUCTURE = [
    *((f"{HEAD}sessions:\n  - name: s\n    image: {IMAGE}\n    {row[0]}\n", row[1]) for row in SESSION_ERRORS),
    *(row[:2] for row in WHOLE_ERRORS),
]


@pytest.mark.parametrize(("text", "rule"), STRUCTURE, ids=lambda value: repr(value)[-40:])
def test_the_schema_finds_every_error_of_structure(text, rule):
    if rule in NOT_STRUCTURE:
        return
    try:
        found = not valid(text)
    except (YAMLError, ValueError, TypeError):
        found = True
    assert found


def test_check_jsonschema_finds_them_too(tmp_path):
    """The program that people run in CI, on one file of each kind."""
    for name, body in (("good", "kind: notebook"), ("bad", "cores: many")):
        (tmp_path / f"{name}.yaml").write_text(f"{HEAD}sessions:\n  - name: s\n    image: {IMAGE}\n    {body}\n")
    program = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(ROOT / SCHEMA)]
    made = [
        subprocess.run([*program, tmp_path / f"{name}.yaml"], capture_output=True, text=True, check=False)
        for name in ("good", "bad")
    ]
    assert [one.returncode for one in made] == [0, 1], made
    assert "$.sessions[0].cores" in made[1].stdout


@pytest.mark.parametrize("path", sorted((ROOT / "manifests").rglob("*.yaml")), ids=lambda path: path.stem)
def test_the_first_line_of_each_manifest_names_the_schema(path):
    first = path.read_text(encoding="utf-8").splitlines()[0]
    named = first.removeprefix("# yaml-language-server: $schema=")
    assert (path.parent / named).resolve() == (ROOT / SCHEMA).resolve()


@pytest.mark.parametrize(("body", "good"), BODIES)
def test_schema_and_loader_agree(body, good):
    text = f"version: 1\nproject: p\nx-any: {{}}\nsessions:\n  - name: s\n    image: {IMAGE}\n" + textwrap.indent(
        body, "    "
    )
    assert valid(text) is good
    assert (load(["-"], root=Path(), stdin=text.encode).diagnostics == ()) is good
