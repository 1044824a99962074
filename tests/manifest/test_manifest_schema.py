"""The committed schema and the reference page are those of the code, and agree with the loader."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from skaha_apply.lint import check
from skaha_apply.manifest import load, manifest_schema
from skaha_apply.manifest.fields.session_fields import BY_NAME
from skaha_apply.manifest.reference import PAGE, SCHEMA, with_reference
from skaha_apply.manifest.schema import schema_text
from skaha_apply.model.project import MissingValues, VariableValues
from tests.manifest.test_manifest_errors import HEAD, SESSION_ERRORS, WHOLE_ERRORS

ROOT = Path(__file__).parents[2]
IMAGE = "images.canfar.net/skaha/astroml:24.07"


def valid(text):
    document = json.loads(json.dumps(YAML(typ="safe", pure=True).load(text), default=str))  # dates are texts in JSON
    return jsonschema.Draft202012Validator(manifest_schema()).is_valid(document)


def test_the_schema_is_fresh_and_a_schema():
    assert (ROOT / SCHEMA).read_text(encoding="utf-8") == schema_text()
    jsonschema.Draft202012Validator.check_schema(manifest_schema())


def test_the_page_is_fresh():
    page = (ROOT / PAGE).read_text(encoding="utf-8")
    assert with_reference(page) == page


def test_examples_in_the_schema_are_valid():
    for example in manifest_schema()["examples"]:
        jsonschema.validate(example, manifest_schema())
        text = json.dumps(example)
        assert load(["-"], root=Path(), stdin=text.encode).diagnostics == ()
    for name, field in manifest_schema()["properties"]["sessions"]["items"]["properties"].items():
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
    assert len(whole) == 11
    (tmp_path / "tiles.txt").write_text("# the survey\n\nNGC 4501\nM 87\n", encoding="utf-8")
    (tmp_path / "fields.csv").write_text("field,ra" + page.partition("```\nfield,ra")[2].partition("```")[0])
    made = {}
    for text in whole:
        assert valid(text)
        result = load(["-"], root=Path(), stdin=text.encode, given=VariableValues({"token": "secret"}))
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
    ("cores: '${var.n}'", True),
    ("cores: '$${var.n}'", False),
    ("cores: '8'", False),
    ("replicas: ${var.n}\nprotect: ${var.truth}\nkind: ${var.kind}\nrerun: ${var.span}\ntimeout: ${var.span}", True),
    ("retry_wait: 1.5h\ntimeout: 90\npending_timeout: '90'\nrenew: 999d\nrerun: 12h", True),
    ("retry_wait: 1000d", False),
    ("timeout: 0", False),
    ("timeout: 1h30m", False),
    ("timeout: 100000000", False),
    ("retries: 0\nstop_after: 1\nparallelism: 1\npilot: 1", True),
    ("retries: -1", False),
    ("stop_after: 0", False),
    ("rerun: daily", False),
    ("vanished: maybe", False),
    ("when_removed: keep", False),
    ("needs: [a, {name: b}, {name: c, require: 99.5%}, {name: d, require: ended}]", True),
    ("needs: {name: b, require: 95%}", True),
    ("needs: [{require: 95%}]", False),
    ("needs: [{name: b, require: 101%}]", False),
    ("needs: [{name: b, require: 0.95}]", False),
    ("needs: [{name: b, share: 95%}]", False),
    ("matrix: {tile: [1, 1.50, true, a]}\nname: s-${tile}", True),
    ("matrix: {tile: {file: no.txt}}\nname: s-${tile}", True),
    ("matrix: {rows: {file: no.csv}, exclude: [{a: b}], include: [{a: b, ram: 4}]}\nname: s-${a}", True),
    ("matrix: {tile: [a], include: [{tile: a, ram: 4, args: [x], needs: b}]}\nname: s-${tile}", True),
    ("matrix: {tile: [a], include: [{tile: b}], exclude: []}\nname: s-${tile}", True),
    ("matrix: {}\nname: s", False),
    ("matrix: {include: [{a: b}]}", False),
    ("matrix: [a]", False),
    ("matrix: {tile: a}\nname: s-${tile}", False),
    ("matrix: {tile: [[a]]}\nname: s-${tile}", False),
    ("matrix: {tile: ['']}\nname: s-${tile}", False),
    ("matrix: {1a: [x]}\nname: s", False),
    ("matrix: {tile: {path: a}}\nname: s-${tile}", False),
    ("matrix: {tile: {file: a, header: b}}\nname: s-${tile}", False),
    ("matrix: {tile: [a], rows: {file: b}}\nname: s-${tile}", False),
    ("matrix: {rows: fields.csv}\nname: s-${tile}", False),
    ("matrix: {tile: [a], include: {tile: a}}\nname: s-${tile}", False),
    ("matrix: {tile: [a], include: [{tile: a, ram: many}]}\nname: s-${tile}", False),
    ("matrix: {tile: [a], include: [{}]}\nname: s-${tile}", False),
    ("matrix: {tile: [a], exclude: [{tile: [a]}]}\nname: s-${tile}", False),
]
TOPS = [
    ("variables: {night: {default: 2026-11-22, description: a}, token: {sensitive: true}, n: {}}", True),
    ("variables: [night]", False),
    ("variables: {night: a}", False),
    ("variables: {night: {defualt: a}}", False),
    ("variables: {night: {default: [a]}}", False),
    ("variables: {night: {sensitive: maybe}}", False),
    ("variables: {1night: {}}", False),
    ("max_active: 200", True),
    ("max_active: {project: 200, account: 250}", True),
    ("max_active: {account: 250}", True),
    ("max_active: {}", False),
    ("max_active: 0", False),
    ("max_active: {project: many}", False),
    ("max_active: {user: 3}", False),
    ("max_active: [3]", False),
    ("notify: {url: 'https://chat.example.org/hook'}", True),
    ("notify: {url: 'http://[::1]:80/a?b=c', on: failure}", True),
    ("notify: {command: [notify.sh, 1, true], on: [end, failure]}", True),
    ("notify: {url: 'https://${var.a}/', command: ['${var.a}']}\nvariables: {a: {default: h}}", True),
    ("notify: {url: '${var.a}'}\nvariables: {a: {sensitive: true}}", True),
    ("notify: {}", False),
    ("notify: {on: end}", False),
    ("notify: {command: notify.sh}", False),
    ("notify: {command: []}", False),
    ("notify: {url: 'ftp://example.org/'}", False),
    ("notify: {url: 'https://'}", False),
    ("notify: {url: 'https://a/ b'}", False),
    ("notify: {url: 'https://a/', on: []}", False),
    ("notify: {url: 'https://a/', on: start}", False),
    ("notify: {url: 'https://a/', to: me}", False),
    ("notify: 'https://a/'", False),
    ("moved: []", True),
    ("moved: [{from: a}]", False),
    ("moved: [{from: a, to: b, at: c}]", False),
    ("moved: {a: b}", False),
    ("state: https://example.org/state", True),
    ("state: [a]", False),
    ("defaults: {retries: 2, timeout: 2h, rerun: never, cores: '${var.n}'}", True),
    ("defaults: {matrix: {a: [b]}}", False),
    ("defaults: {needs: a}", False),
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
    name = "" if "name: s" in body.splitlines()[-1] else "name: s\n"
    keys = textwrap.indent(f"{name}image: {IMAGE}\n{body}", "    ")[4:]
    agree(f"version: 1\nproject: p\nx-any: {{}}\n{VARIABLES}sessions:\n  - {keys}", good)


@pytest.mark.parametrize(("top", "good"), TOPS)
def test_schema_and_loader_agree_at_the_top(top, good):
    variables = "" if "variables" in top else VARIABLES
    agree(f"version: 1\nproject: p\n{variables}{top}\nsessions:\n  - name: s\n    image: {IMAGE}\n", good)


VARIABLES = (
    "variables: {free: {}, n: {default: 2}, truth: {default: true}, kind: {default: carta}, span: {default: 2h}}\n"
)


def agree(text, good):
    assert valid(text) is good
    result = load(["-"], root=Path(), stdin=text.encode, given=VariableValues(missing=MissingValues.ANY), lists=False)
    assert [one.summary for one in result.diagnostics if one.rule != "unmatched"] == [] if good else result.diagnostics


WORDS = "a 0 1 -1 2.5 true 95% 10s 2d 0s 1w 8GB 1000d '8' '' '${var.free}' ended always hold delete headless"
SCALARS = st.sampled_from(WORDS.split())
CHILDREN = SCALARS | st.one_of(
    st.lists(SCALARS, max_size=2).map(lambda items: f"[{', '.join(items)}]"),
    st.dictionaries(st.sampled_from(["name", "require", "file", "a", "include", "rows"]), SCALARS, max_size=2).map(
        lambda items: "{" + ", ".join(f"{name}: {item}" for name, item in items.items()) + "}"
    ),
)
MATRICES = st.dictionaries(
    st.sampled_from(["a", "b", "rows", "include", "exclude"]),
    CHILDREN
    | st.lists(
        st.dictionaries(st.sampled_from(["a", "b", "ram", "args", "retries", "name"]), CHILDREN, max_size=3).map(
            lambda items: "{" + ", ".join(f"{name}: {item}" for name, item in items.items()) + "}"
        ),
        max_size=2,
    ).map(lambda items: f"[{', '.join(items)}]"),
    min_size=1,
    max_size=3,
).map(lambda items: "{" + ", ".join(f"{name}: {item}" for name, item in items.items()) + "}")
# What a schema cannot check: the targets of names, combinations of values, and the content of files.
BEYOND = {"interpolation", "list-file", "matrix", "unmatched", "variable"}


@settings(deadline=None, max_examples=3 * settings().max_examples)
@given(st.sampled_from([name for name in BY_NAME if name not in ("name", "image")]), CHILDREN | MATRICES)
def test_schema_and_loader_agree_on_whatever_stands_there(key, value):
    name = "s-${a}-${b}" if key == "matrix" else "s"
    text = f"version: 1\nproject: p\n{VARIABLES}sessions:\n  - name: {name}\n    image: {IMAGE}\n    {key}: {value}\n"
    result = load(["-"], root=Path(), stdin=text.encode, given=VariableValues(missing=MissingValues.ANY), lists=False)
    rules = {one.rule for one in result.diagnostics}
    if rules - BEYOND:
        assert not valid(text), result.diagnostics
    elif not rules and (key, value) != ("gpus", "0"):  # which is an error of lint
        assert valid(text)
