"""`state:` of manifests: another store in use is an error that names both, and no request is sent."""

from __future__ import annotations

import pytest

from skaha_apply.model.errors import StateError
from skaha_apply.model.project import Project
from skaha_apply.workflow.setup.context import StateLocation
from skaha_apply.workflow.setup.settings import Settings
from skaha_apply.workflow.state.binding import find_store

URL = "https://git.example.org/api/v4/projects/7/terraform/state/survey"


@pytest.fixture
def check(tmp_path, monkeypatch):
    """A function that compares the state of a manifest with that of an invocation, below a checkout."""
    monkeypatch.delenv("TF_HTTP_ADDRESS", raising=False)
    (tmp_path / ".git").mkdir()
    (tmp_path / "sub").mkdir()

    def run(said, used=None, *, sandbox=False):
        setting = Settings(state=used, sandbox=sandbox, cwd=tmp_path / "sub")
        location = StateLocation(
            setting, tmp_path, "ws.example.org", "ws.example.org/skaha", "https://ws.example.org/skaha"
        )
        find_store(location, Project(name="survey", sessions=(), state=said))

    return run


@pytest.mark.parametrize(
    ("said", "used"),
    [
        (None, None),
        (None, URL),
        (".skaha-apply/ws.example.org/survey.state.json", None),
        ("memory/survey.json", "../memory/survey.json"),
        ("memory/", "../memory/"),
        (URL, URL),
        (URL, URL + "/"),
        (URL, URL.replace("//git", "//me:pw@GIT").replace(".org", ".org:443") + "?key=1"),
    ],
)
def test_the_same_store_in_another_spelling(check, said, used):
    check(said, used)


@pytest.mark.parametrize(
    ("said", "used"),
    [
        (URL, None),
        (URL, URL.replace("https", "http")),
        (URL, URL + "2"),
        (URL.replace("example.org", "example.org:8443"), URL),
        (URL, "other.json"),
        ("memory/survey.json", None),
        ("memory/survey.json", "memory/survey.json"),
        ("memory/survey.json", URL),
    ],
)
def test_another_store_is_refused(check, said, used):
    with pytest.raises(StateError) as raised:
        check(said, used)
    assert "declare the state" in raised.value.message
    assert "--state" in raised.value.hint


def test_the_message_names_both_and_the_way_to_choose(check, tmp_path):
    with pytest.raises(StateError) as raised:
        check(URL.replace("//", "//me:secret@") + "?key=secret")
    assert str(tmp_path) in raised.value.message
    assert f"--state {URL}, or TF_HTTP_ADDRESS={URL}, selects the declared state" in raised.value.hint
    assert "secret" not in raised.value.message + raised.value.hint


def test_the_variable_of_terraform_chooses_too(check, monkeypatch):
    monkeypatch.setenv("TF_HTTP_ADDRESS", URL)
    check(URL)
    with pytest.raises(StateError):
        check("memory/survey.json")


def test_the_sandbox_has_a_state_of_its_own(check):
    check(URL, sandbox=True)
