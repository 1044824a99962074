from __future__ import annotations

import pytest

import skaha_apply
from skaha_apply.model.errors import UsageError
from skaha_apply.model.project import Project
from skaha_apply.workflow.setup.variables import check_complete

MANIFEST = """\
version: 1
project: survey
variables: {night: {default: n0}, token: {sensitive: true}}
sessions:
  - name: reduce
    image: images.canfar.net/skaha/astroml:24.07
    cmd: run
    args: ["${var.night}", "${var.token}"]
"""


@pytest.fixture
def manifest(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SKAHA_VAR_night", raising=False)
    (tmp_path / "m.yaml").write_text(MANIFEST)
    return "m.yaml"


def test_values_are_given_as_on_the_command_line(manifest, monkeypatch):
    assert skaha_apply.load(manifest).sessions[0].args[0] == "n0"
    monkeypatch.setenv("SKAHA_VAR_night", "n1")
    assert skaha_apply.load(manifest).sessions[0].args[0] == "n1"
    assert skaha_apply.load(manifest, variables={"night": 843}).sessions[0].args[0] == "843"
    with pytest.raises(UsageError, match="nihgt"):
        skaha_apply.load(manifest, variables={"nihgt": "n2"})


def test_a_sensitive_value_may_lack_until_something_is_created(manifest):
    project = skaha_apply.load(manifest)
    assert project.withheld == {"token"}
    with pytest.raises(UsageError, match="without a value: token"):
        check_complete(project)
    given = skaha_apply.load(manifest, variables={"token": "tok-7Kq9"})
    check_complete(given)
    assert "tok-7Kq9" not in repr(given)


def test_a_project_without_a_manifest_has_secrets_too():
    session = skaha_apply.Session(
        name="reduce", image="images.canfar.net/skaha/astroml:24.07", cmd="run", env={"TOKEN": "${var.token}"}
    )
    project = skaha_apply.define("survey", session, secrets={"token": "tok-7Kq9"})
    assert isinstance(project, Project)
    assert project.sessions[0].filled(1, project.secrets).env == {"TOKEN": "tok-7Kq9"}
    assert "tok-7Kq9" not in repr(project)
