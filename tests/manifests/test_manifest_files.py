"""What holds for each manifest of this repository, read as plain YAML: what the server would drop, change or refuse."""

import re
from collections import Counter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from skaha_apply.manifest import load

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "manifests").rglob("*.yaml"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]
INTERACTIVE = {"notebook", "desktop", "carta", "firefly", "contributed"}
# The options of the stock deployment: memory has gaps.
CORES = {1, 2, 4, 8, 16}
RAM = {1, 2, 4, 8, 16, 32, 64, 128}


def read(path):
    return YAML(typ="safe", pure=True).load(path.read_text())


def sessions(path):
    document = read(path)
    return [document.get("defaults", {}) | session for session in document["sessions"]]


def test_all_that_are_promised_are_there():
    names = {"quickstart/quickstart.yaml", "fits-processing.yaml", "notebook.yaml", "mixed.yaml"}
    assert {str(path.relative_to(ROOT / "manifests")) for path in FILES} >= names


def test_the_whole_folder_loads_without_a_word():
    loaded = load([ROOT / "manifests"], root=ROOT)

    assert loaded.diagnostics == ()
    assert sorted(project.name for project in loaded.projects) == sorted(read(path)["project"] for path in FILES)
    specs = {spec.name: spec for project in loaded.projects for spec in project.sessions}
    assert dict(specs["night-log"].env) == {"NIGHT": "2026-11-22", "BAND": "r", "STEP": "log"}
    assert tuple(specs["merge"].needs) == ("find-sources",)
    assert specs["viewer"].protect


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_an_editor_finds_the_schema_and_a_reader_the_purpose(path):
    first, *rest = path.read_text().splitlines()

    schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]
    assert (path.parent / schema).resolve() == ROOT / "schemas" / "manifest.v1.schema.json"
    assert rest[1].startswith("# ")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_form(path):
    document = read(path)
    assert document["version"] == 1
    for session in sessions(path):
        assert session["cores"] in CORES
        assert session["ram"] in RAM
        assert re.fullmatch(r"images\.canfar\.net/[a-z0-9-]+/[a-z0-9-]+:[\w.-]+", session["image"])


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_that_the_server_drops_or_changes(path):
    for session in sessions(path):
        interactive = session.get("kind", "headless") in INTERACTIVE
        assert not (interactive and {"cmd", "args", "env", "replicas"} & set(session))
        for argument in [session.get("cmd", "x"), *session.get("args", [])]:
            assert isinstance(argument, str)
            assert re.fullmatch(r"[^\s\"'\\$]+", argument)
        for name, value in session.get("env", {}).items():
            assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
            assert re.fullmatch(r"[^=\s\"\\$]+", value)
            assert not name.startswith(("REPLICA_", "SKAHA_"))


def test_no_two_sessions_have_the_same_name():
    live = Counter()
    for path in FILES:
        for session in sessions(path):
            count = session.get("replicas", 1)
            live.update([session["name"]] if count == 1 else [f"{session['name']}-{i + 1}" for i in range(count)])

    assert [name for name, times in live.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in live)
    assert len({read(path)["project"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_needs_and_payloads_exist(path):
    kinds = {session["name"]: session.get("kind", "headless") for session in sessions(path)}
    for session in sessions(path):
        assert all(kinds[needed] == "headless" for needed in session.get("needs", []))
        if session.get("cmd") == "python":
            assert (ROOT / session["args"][0]).is_file()


def test_the_case_that_everybody_starts_from():
    (session,) = sessions(ROOT / "manifests" / "fits-processing.yaml")
    assert (session["replicas"], session["cores"], session["ram"]) == (100, 8, 32)
    assert session["image"] == "images.canfar.net/skaha/astroml:24.07"
