"""What holds for each manifest of this repository: nothing in it that the server would drop, change or refuse."""

import re
import shutil
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
    """Its sessions as their first replica is sent."""
    loaded = load([path], root=ROOT)
    assert loaded.diagnostics == ()
    return [spec.filled(1, {}) for project in loaded.projects for spec in project.sessions]


def test_all_that_are_promised_are_there():
    names = {"quickstart/quickstart.yaml", "fits-processing.yaml", "notebook.yaml", "mixed.yaml"}
    names |= {f"{name}/{name}.yaml" for name in ("tile-survey", "sweep", "reduce-and-combine", "desks")}
    assert {str(path.relative_to(ROOT / "manifests")) for path in FILES} >= names


def test_all_examples_load_together_without_a_word():
    loaded = load(FILES, root=ROOT)

    assert loaded.diagnostics == ()
    assert sorted(project.name for project in loaded.projects) == sorted(read(path)["project"] for path in FILES)
    specs = {spec.name: spec for project in loaded.projects for spec in project.sessions}
    assert dict(specs["night-log"].env) == {"NIGHT": "2026-11-22", "BAND": "r", "STEP": "log"}
    assert tuple(specs["merge"].needs) == ("find-sources",)
    assert specs["viewer"].protect


def test_a_clone_with_one_manifest_of_the_user_reads_that_one_only(tmp_path):
    shutil.copytree(ROOT / "manifests", tmp_path / "manifests", ignore=shutil.ignore_patterns("images", "results"))
    (tmp_path / "manifests" / "mine.yaml").write_text(
        "version: 1\nproject: mine\nsessions:\n  - {name: a, image: images.canfar.net/skaha/astroml:24.07, cmd: x}\n"
    )

    loaded = load([tmp_path / "manifests"], root=tmp_path)

    assert [project.name for project in loaded.projects] == ["mine"]
    assert [project.name for project in load([tmp_path / "manifests" / "sweep"], root=tmp_path).projects] == ["sweep"]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_an_editor_finds_the_schema_and_a_reader_the_purpose(path):
    first, *rest = path.read_text().splitlines()

    schema = re.fullmatch(r"# yaml-language-server: \$schema=(\S+)", first)[1]
    assert (path.parent / schema).resolve() == ROOT / "schemas" / "manifest.v1.schema.json"
    assert rest[1].startswith("# ")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_the_form(path):
    assert read(path)["version"] == 1
    for spec in sessions(path):
        assert spec.cores in CORES
        assert spec.ram in RAM
        assert re.fullmatch(r"images\.canfar\.net/[a-z0-9-]+/[a-z0-9-]+:[\w.-]+", spec.image)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_that_the_server_drops_or_changes(path):
    for spec in sessions(path):
        assert not (spec.kind in INTERACTIVE and (spec.cmd or spec.args or spec.env or spec.replicas > 1))
        for argument in [spec.cmd or "x", *spec.args]:
            assert re.fullmatch(r"[^\s\"'\\$]+", argument)
        for name, value in spec.env.items():
            assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
            assert re.fullmatch(r"[^=\s\"\\$]+", value)
            assert not name.startswith(("REPLICA_", "SKAHA_"))


def test_no_two_sessions_have_the_same_name():
    specs = [spec for path in FILES for spec in sessions(path)]
    live = Counter(spec.live_name(replica + 1) for spec in specs for replica in range(spec.replicas))

    assert [name for name, times in live.items() if times > 1] == []
    assert all(re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", name) for name in live)
    assert len({read(path)["project"] for path in FILES}) == len(FILES)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_needs_and_payloads_exist(path):
    kinds = {spec.entry_key: spec.kind for spec in sessions(path)}
    for spec in sessions(path):
        assert all(kinds[needed] == "headless" for needed in spec.needs)
        if spec.cmd == "python":
            assert (ROOT / spec.args[0]).is_file()


def test_the_case_that_everybody_starts_from():
    (spec,) = sessions(ROOT / "manifests" / "fits-processing.yaml")
    assert (spec.replicas, spec.cores, spec.ram) == (100, 8, 32)
    assert spec.image == "images.canfar.net/skaha/astroml:24.07"
