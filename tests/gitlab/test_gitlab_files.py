"""The component and the file for older instances: valid for GitLab, equal, and described in the docs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ruamel.yaml import YAML


def check(file):
    words = [Path(sys.executable).parent / "check-jsonschema", "--builtin-schema", "vendor.gitlab-ci", file]
    return subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, check=False)


def test_the_schema_of_gitlab_accepts_the_jobs(kit, tmp_path):
    made = tmp_path / "jobs.yml"
    made.write_text(kit.COMPONENT.read_text().partition("\n---\n")[2])
    for file in (made, kit.PLAIN):
        assert check(file).returncode == 0, check(file).stdout
    made.write_text(made.read_text().replace("when: manual", "when: maybe"))
    assert check(made).returncode == 1


def test_the_file_for_older_instances_has_the_jobs_of_the_component(kit):
    assert kit.PLAIN.read_text().partition("\n\n")[2] == kit.jobs()


def test_no_input_is_in_a_script_and_each_is_described(kit):
    document = YAML(typ="safe", pure=True).load(kit.COMPONENT.read_text().partition("\n---\n")[2])
    scripts = [line for job in document.values() for key in ("before_script", "script") for line in job.get(key, ())]
    assert len(scripts) > 10
    assert [line for line in scripts if "[[" in line] == []
    page = (kit.ROOT / "docs" / "ci.md").read_text()
    assert [name for name in kit.inputs() if f"\n| `{name}` |" not in page] == []
    assert [name for name in document if name[0] != "." and f"\n| `{name}` |" not in page] == []


def test_jobs_that_write_the_state_wait_for_each_other(kit):
    document = YAML(typ="safe", pure=True).load(kit.jobs())
    writers = [name for name, job in document.items() if job.get("resource_group") == "skaha-apply"]
    assert writers == ["skaha-apply", "skaha-refresh"]
    assert [document[name]["interruptible"] for name in writers] == [False, False]
    assert document["skaha-apply"]["rules"][0]["when"] == "manual"


def test_a_schedule_runs_one_job(kit):
    document = YAML(typ="safe", pure=True).load(kit.jobs())
    rules = {name: document[name]["rules"][0]["if"] for name in ("skaha-refresh", "skaha-doctor")}
    assert rules["skaha-refresh"].replace("!=", "==") == rules["skaha-doctor"]
