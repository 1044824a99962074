"""The release workflow: only a tag of the version is built, and its notes are the section of the changelog."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from skaha_apply.model import __version__

ROOT = Path(__file__).parents[2]
WORKFLOW = YAML(typ="safe", pure=True).load((ROOT / ".github" / "workflows" / "release.yml").read_text())
CHANGELOG = f"# Changelog\n\n## 9.0.0 (unreleased)\n\n- Later\n\n## {__version__} (2026-12-01)\n\n### A\n\n- One\n\n"


@pytest.fixture
def check(tmp_path):
    """Runs the first script of the job `build` for a tag and a changelog; gives the process and its notes."""
    for name in (".ci/release_notes.py", "skaha_apply/model/__init__.py"):
        (tmp_path / name).parent.mkdir(parents=True)
        shutil.copy(ROOT / name, tmp_path / name)
    script = next(step["run"] for step in WORKFLOW["jobs"]["build"]["steps"] if "run" in step)

    def run(tag, changelog):
        (tmp_path / "CHANGELOG.md").write_text(changelog)
        words = ["env", "-i", f"PATH={os.environ['PATH']}", f"GITHUB_REF_NAME={tag}", f"RUNNER_TEMP={tmp_path}"]
        words += ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script]
        done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done, (tmp_path / "release" / "notes.md").read_text()

    return run


def test_the_notes_are_the_section_of_the_version(check):
    done, notes = check(f"v{__version__}", CHANGELOG + "## 0.0.9 (2026-01-01)\n\n- Earlier\n")
    assert (done.returncode, notes) == (0, "### A\n\n- One\n"), done.stderr
    assert check(f"v{__version__}", CHANGELOG)[1] == notes


@pytest.mark.parametrize(
    ("tag", "changelog", "problem"),
    [
        ("v9.9.9", CHANGELOG, f"the tag must be v{__version__}"),
        (__version__, CHANGELOG, f"the tag must be v{__version__}"),
        ("v$(touch pwned)", CHANGELOG, "the tag is v$(touch pwned)"),
        (f"v{__version__}", CHANGELOG.replace("2026-12-01", "unreleased"), f"write ## {__version__} (YYYY-MM-DD)"),
        (f"v{__version__}", CHANGELOG.replace("- One", "").replace("### A", ""), "is empty"),
        (f"v{__version__}", CHANGELOG.replace(f"## {__version__}", f"## {__version__}1"), "has no section"),
    ],
)
def test_a_release_that_is_not_ready_ends_before_the_build(check, tmp_path, tag, changelog, problem):
    done, notes = check(tag, changelog)
    assert (done.returncode, notes) == (1, "")
    assert done.stderr.startswith("error: ")
    assert problem in done.stderr
    assert not (tmp_path / "pwned").exists()


def test_the_job_that_runs_code_has_no_rights_and_the_others_run_none():
    assert WORKFLOW["permissions"] == {}
    jobs = WORKFLOW["jobs"]
    assert {name: job["permissions"] for name, job in jobs.items()} == {
        "build": {"contents": "read"},
        "publish": {"id-token": "write"},
        "notes": {"contents": "write"},
    }
    assert jobs["publish"]["environment"] == "pypi"
    for name in ("publish", "notes"):
        assert not [step for step in jobs[name]["steps"] if "checkout" in step.get("uses", "")]
    assert "run" not in "".join(key for step in jobs["publish"]["steps"] for key in step)


def test_the_changelog_of_this_checkout_has_the_version():
    assert f"\n## {__version__} (" in (ROOT / "CHANGELOG.md").read_text()
