"""A GitLab on this machine: jobs of the component run with bash in an empty environment; states are in a store."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from ruamel.yaml import YAML

from tests.acceptance_remote import conftest as remote
from tests.acceptance_remote.conftest import GitLabStates
from tests.github import conftest as github
from tests.github.conftest import PYTHON3

serve, checkout = remote.serve, github.checkout

ROOT = Path(__file__).parents[2]
COMPONENT = ROOT / "templates" / "skaha-apply.yml"
PLAIN = ROOT / "examples" / "ci" / "gitlab" / "skaha-apply.yml"


def inputs():
    """The default of each input of the component."""
    spec = next(iter(YAML(typ="safe", pure=True).load_all(COMPONENT.read_text())))
    return {name: one["default"] for name, one in spec["spec"]["inputs"].items()}


def jobs(given=()):
    """The text of the jobs for some inputs."""
    values = inputs() | dict(given)
    text = COMPONENT.read_text().partition("\n---\n")[2]
    return re.sub(r"\$\[\[ inputs\.([a-z-]+) \]\]", lambda found: values[found[1]], text)


class Project:
    """A project at GitLab: its runner, its store of states, and the files that a job leaves for later ones."""

    def __init__(self, sandbox, store, checkout):
        self.sandbox, self.store, self.checkout, self.log = sandbox, store, checkout, ""
        shims = checkout.parent / "bin"
        shims.mkdir()
        self.installed = checkout.parent / "installed"
        (shims / "python3").write_text(PYTHON3.format(python=sys.executable, log=self.installed))
        (shims / "python3").chmod(0o755)
        self.predefined = {
            "PATH": f"{shims}:{os.environ['PATH']}",
            "HOME": str(checkout.parent),
            "CI": "true",
            "GITLAB_CI": "true",
            "CI_PROJECT_DIR": str(checkout),
            "CI_API_V4_URL": f"http://127.0.0.1:{store.port}/api/v4",
            "CI_PROJECT_ID": "7",
            "CI_JOB_TOKEN": store.password,
            "SKAHA_URL": sandbox.url,
            "SKAHA_APPLY_RETRY_TIME": "1s",
            "TF_HTTP_RETRY_WAIT_MIN": "0",
        }

    def run(self, name, given=(), **variables):
        """Run a job; returns its exit code. Variables of the job with `expand: false` stay as they are."""
        document = YAML(typ="safe", pure=True).load(jobs())
        job, base = document[name], document[document[name]["extends"]]
        environment = {**self.predefined, **variables}
        for key, value in base["variables"].items():
            text = self._interpolated(value["value"], given) if isinstance(value, dict) else self._expanded(value)
            environment[key] = text
        script = "\n".join([*base["before_script"], *job["script"]])
        words = ["env", "-i", *(f"{key}={value}" for key, value in environment.items())]
        words += ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(words, cwd=self.checkout, capture_output=True, text=True, timeout=120, check=False)
        self.log = done.stdout + done.stderr
        assert "Traceback" not in self.log, self.log
        assert self.store.password not in self.log
        return done.returncode

    def _expanded(self, text):
        return re.sub(r"\$\{(\w+)\}", lambda found: self.predefined[found[1]], text)

    @staticmethod
    def _interpolated(text, given):
        """The defaults are in the text; a job of another pipeline has the given inputs in their place."""
        by_default = {value: dict(given).get(name, value) for name, value in inputs().items()}
        return by_default.get(text, text)


@pytest.fixture
def project(sandbox, serve, checkout):
    store = serve(GitLabStates)
    store.user = "gitlab-ci-token"
    return Project(sandbox, store, checkout)


@pytest.fixture(scope="session")
def kit():
    """The names of this module."""
    return SimpleNamespace(**globals())
