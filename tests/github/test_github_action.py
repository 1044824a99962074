"""The action and the reusable workflow, step by step against the sandbox: inputs, outputs, summary, annotations."""

from __future__ import annotations

import re
import subprocess

import pytest

SECRETS = {"SKAHA_TOKEN": "secret-of-the-tests"}


@pytest.fixture
def job(kit, hub, checkout):
    return kit.Job(hub, "job", checkout)


def test_plan_and_apply_leave_outputs_files_and_a_summary(kit, job, sandbox, tmp_path):
    given = {"state": str(tmp_path / "state.json"), "paths": "manifests/\n"}
    assert job.act({"command": "plan", **given}, SECRETS, "plan") == 0
    plan = job.outputs("plan")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", plan["digest"])
    assert (plan["has-changes"], plan["exit-code"]) == ("true", "0")
    assert kit.Path(plan["plan-file"]).exists()
    assert kit.Path(plan["comment-file"]).read_text().startswith("<!-- skaha-apply plan survey -->\n")
    assert f"Digest of survey: `{plan['digest']}`" in job.summary
    assert sandbox.sessions() == []

    args = "--settle 0.2s"
    assert job.act({"command": "apply", **given, "digest": "sha256:" + 64 * "0", "args": args}, SECRETS, "other") == 5
    assert sandbox.sessions() == []
    assert "the plan is not the reviewed one" in job.log
    assert job.act({"command": "apply", **given, "digest": plan["digest"], "args": args}, SECRETS, "apply") == 0
    assert len(sandbox.sessions()) == 3
    assert job.outputs("apply")["has-changes"] == "true"
    assert "### survey: 3 created" in job.summary
    assert job.installed.read_text().splitlines() == [f"install --quiet --disable-pip-version-check {kit.ROOT}"]


def test_a_failed_replica_is_an_annotation_with_its_cause(kit, job, sandbox, checkout, tmp_path):
    sandbox.settings(workdir=str(checkout))
    fails = "until [ -e apply-ended ]; do sleep 0.05; done; echo 'MemoryError: 100% of it'; exit 1\n"
    (checkout / "fails.sh").write_text(fails)
    kit.write(checkout, more="  - {name: bad, cmd: sh, args: [fails.sh]}\n")
    given = {"state": str(tmp_path / "state.json"), "args": "--settle 0.2s"}
    assert job.act({"command": "apply", **given}, SECRETS) == 0
    (checkout / "apply-ended").touch()
    sandbox.wait_until(lambda: any(one["status"] == "Failed" for one in sandbox.get().json()))
    assert job.act({"command": "refresh", "state": given["state"]}, SECRETS, "first") == 9
    assert "::error title=bad failed::MemoryError: 100%25 of it\n" in job.log
    assert job.act({"command": "refresh", "state": given["state"]}, SECRETS, "second") == 0
    assert job.act({"command": "doctor", "state": given["state"], "args": "--expires-within 3d"}, SECRETS) == 0


def test_lint_annotates_and_inputs_run_nothing(job, checkout):
    (checkout / "manifests" / "$(touch pwned).yaml").write_text("version: 1\nproject: two\nsessions: 3\n")
    hostile = "$(touch pwned) `touch pwned`"
    assert job.act({"command": "lint", "paths": f"manifests/\n{hostile}"}) == 1
    assert re.search(r"^::error file=manifests/", job.log, re.MULTILINE)
    assert job.act({"command": "plan", "args": hostile, "state": hostile}, SECRETS) != 0
    for name in ("digest", "version"):
        assert job.act({"command": "plan", name: hostile}, SECRETS) != 0
    for name, value in (("command", "status"), ("paths", "--sandbox"), ("args", "'"), ("digest", "none")):
        assert job.act({"command": "apply", name: value}, SECRETS) == 4
        assert f"::error title=skaha-apply::the input {name}" in job.log
    assert not list(job.hub.folder.rglob("pwned"))


def test_a_push_without_a_reviewed_plan_applies_nothing(kit, hub, checkout):
    for sha in ("5" * 40, "6" * 40):
        hub.pull(9, "7" * 40, merged="6" * 40)
        job = kit.Job(hub, sha, checkout, sha=sha)
        assert job.act({"command": "reviewed"}, {"GITHUB_TOKEN": kit.TOKEN}) == 5
        problem = "is not the merge" if sha[0] == "5" else "pull request 9 has no plan of its last commit"
        assert problem in job.summary
        assert "run this workflow by hand" in job.log


def test_the_checkout_cannot_replace_a_module(job, checkout):
    for name in ("json.py", "skaha_apply.py"):
        (checkout / name).write_text("open('pwned', 'w')\n")
    assert job.act({"command": "lint"}) == 0
    assert not (checkout / "pwned").exists()


def test_the_reusable_workflow_installs_its_version_and_runs(kit, job, tmp_path):
    inputs = {"command": "plan", "version": "0.1.0", "state": str(tmp_path / "state.json")}
    assert job.run(kit.REUSABLE, "run", state="", secrets=SECRETS, inputs=inputs) == 0
    assert job.installed.read_text() == "install --quiet --disable-pip-version-check skaha-apply==0.1.0\n"
    assert job.outputs("run")["has-changes"] == "true"


SLOW = {"latency_ms": [20, 200], "only": ["POST /session"]}
# The responses of some creates never come, so the end takes the whole time for requests in flight.
LOST = {"script": [{"match": {"method": "POST"}, "nth": 8, "times": 2, "fault": "hang_after"}]}


@pytest.mark.parametrize("case", [(SLOW, "{}/state.json"), (LOST, "git:{}/state.git")], ids=["file", "git"])
def test_a_job_that_github_cancels_loses_nothing_and_leaves_no_lock(kit, job, sandbox, checkout, case):
    subprocess.run(["git", "init", "--quiet", "--bare", job.hub.folder / "state.git"], check=True)
    kit.write(checkout, replicas=40)
    sandbox.faults(**case[0])
    state = case[1].format(job.hub.folder)
    given = {"INPUT_COMMAND": "apply", "INPUT_STATE": state, "INPUT_ARGS": "--concurrency 4 --settle 0.2s", **SECRETS}

    def is_ready():
        sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 9)

    assert job.cancel(given, is_ready) == 130, job.log
    assert 8 <= len(sandbox.sessions()) < 40
    assert "cannot" not in job.log
    sandbox.faults()
    assert job.act({"command": "apply", "state": state, "args": "--settle 0.2s"}, SECRETS) == 0, job.log
    assert len(sandbox.sessions()) == 40
    if case[0] is LOST:
        refs = subprocess.run(
            ["git", "-C", job.hub.folder / "state.git", "for-each-ref"], capture_output=True, check=True
        )
        assert b"lock" not in refs.stdout
