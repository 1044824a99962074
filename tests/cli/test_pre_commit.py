"""The hooks, as pre-commit itself installs and runs them in somebody's repository."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
INSTALL_S = 280  # the hooks get an environment of their own, with everything from the registry
UGLY = "project: p\nversion:  1\nsessions:\n- {name: a, image: images.canfar.net/skaha/astroml:24.07, cmd: a b}\n"
CONFIG = """\
repos:
  - repo: {repo}
    rev: {rev}
    hooks:
      - id: skaha-apply-fmt
      - id: skaha-apply-lint
"""


def git(folder, *words):
    identity = ["-c", "user.name=A User", "-c", "user.email=user@example.org", "-c", "commit.gpgsign=false"]
    made = subprocess.run(["git", "-C", folder, *identity, *words], capture_output=True, text=True, check=True)
    return made.stdout.strip()


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """This checkout as a repository that can be installed from: its present files, committed."""
    folder = tmp_path_factory.mktemp("hooks") / "skaha-apply"
    folder.mkdir()
    names = git(ROOT, "ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    wanted = ("skaha_apply/", "pyproject.toml", "README.md", "LICENSE", ".pre-commit-hooks.yaml")
    for name in names:
        if name.startswith(wanted) and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes((ROOT / name).read_bytes())
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "as it is")
    return folder


@pytest.mark.timeout(INSTALL_S + 60)
def test_the_hooks_format_and_refuse_then_let_pass(checkout, tmp_path):
    work = tmp_path / "work"
    work.mkdir()
    git(work, "init", "--quiet")
    config = CONFIG.format(repo=checkout.as_uri(), rev=git(checkout, "rev-parse", "HEAD"))
    (work / ".pre-commit-config.yaml").write_text(config)
    (work / "survey.yaml").write_text(UGLY)
    git(work, "add", "survey.yaml", ".pre-commit-config.yaml")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTHON"))}
    environment = {**kept, "PRE_COMMIT_HOME": str(tmp_path / "home"), "PRE_COMMIT_COLOR": "never"}

    def run():
        return subprocess.run(
            [sys.executable, "-m", "pre_commit", "run", "--verbose"],
            cwd=work, env=environment, capture_output=True, text=True, timeout=INSTALL_S, check=False,
        )  # fmt: skip

    first = run()
    assert first.returncode == 1, first.stdout + first.stderr
    assert "changed survey.yaml" in first.stdout
    assert "survey.yaml:4:" in first.stdout
    assert "[cmd-space]" in first.stdout
    assert (work / "survey.yaml").read_text().startswith("version: 1\nproject: p\nsessions:\n  - {name: a")
    (work / "survey.yaml").write_text((work / "survey.yaml").read_text().replace("a b", "a"))
    git(work, "add", "survey.yaml")
    second = run()
    assert second.returncode == 0, second.stdout + second.stderr
