"""A survey on GitHub, with the files as a user copies them: fork, review, merge, failure, schedule, cancel."""

from __future__ import annotations

import re
import subprocess

SECRETS = {"SKAHA_TOKEN": "secret-of-the-tests"}
FROM_HERE = {"pull_request": {"number": 5, "head": {"repo": {"full_name": "astro/survey"}}}}
FROM_FORK = {"pull_request": {"number": 6, "head": {"repo": {"full_name": "someone/survey"}}}}
FIRST, FORKED, MERGED, LATER = "1" * 40, "2" * 40, "3" * 40, "4" * 40
BAD = "  - {name: bad, cmd: sh, args: [fails.sh]}\n"


def test_pull_request_review_merge_apply_schedule_cancel(kit, hub, checkout, sandbox, tmp_path):  # noqa: PLR0915 - one story
    sandbox.settings(workdir=str(checkout))
    (checkout / "fails.sh").write_text("until [ -e fail ]; do sleep 0.05; done; echo 'OSError: disk full'; exit 1\n")
    subprocess.run(["git", "init", "--quiet", "--bare", tmp_path / "state.git"], check=True)
    state = f"git:{tmp_path / 'state.git'}"

    def run(name, file, job, event=None, **given):
        github = {key: given.pop(key) for key in ("event_name", "sha") if key in given}
        made = kit.Job(hub, name, checkout, event=event, **github)
        made.code = made.run(kit.EXAMPLES / file, job, state=state, **given)
        return made

    def comment(name, sha, archive, repo):
        return run(name, "skaha-comment.yml", "comment", event=hub.finished(sha, archive, repo=repo))

    # A pull request from a fork has no secrets: its plan compares with nothing, and states it.
    hub.pull(6, FORKED, repo=kit.FORK, merged=LATER)
    forked = run("fork", "skaha-plan.yml", "plan", FROM_FORK)
    assert forked.code == 0, forked.log
    assert sandbox.requests(0)["counts"] == {}
    assert "there is no state to compare with" in forked.log
    assert comment("fork-comment", FORKED, forked.artifact, kit.FORK).code == 0
    assert "This plan comes from a fork." in hub.comments[0]["body"]

    # One from the repository is planned against the server, and its comment is reviewed.
    kit.write(checkout, more=BAD)
    hub.pull(5, FIRST, merged=MERGED)
    planned = run("plan", "skaha-plan.yml", "plan", FROM_HERE, secrets=SECRETS)
    assert planned.code == 0, planned.log
    assert comment("comment", FIRST, planned.artifact, kit.REPOSITORY).code == 0
    digest = planned.outputs("plan")["digest"]
    assert f"Digest: `{digest}`" in hub.comments[1]["body"]
    assert "Plan: 4 to create" in hub.comments[1]["body"]

    # The merge applies that plan and no other.
    kit.write(checkout, replicas=5, more=BAD)
    stale = run("stale", "skaha-apply.yml", "apply", event_name="push", sha=MERGED, secrets=SECRETS)
    assert stale.codes == [0, 0, 5]
    assert "### Nothing was applied: the plan is not the reviewed one" in stale.summary
    assert "\n-+   create  reduce [1-3]" in stale.summary
    assert "\n++   create  reduce [1-5]" in stale.summary
    assert sandbox.sessions() == []
    kit.write(checkout, more=BAD)
    applied = run("apply", "skaha-apply.yml", "apply", event_name="push", sha=MERGED, secrets=SECRETS)
    assert applied.codes == [0, 0, 0], applied.log
    assert applied.outputs("reviewed")["digest"] == digest
    assert len(sandbox.sessions()) == 4

    # The merge of a fork: nothing is applied, until a person runs the workflow with the digest of this plan.
    refused = run("forked", "skaha-apply.yml", "apply", event_name="push", sha=LATER, secrets=SECRETS)
    assert refused.codes == [0, 5]
    assert "pull request 6 comes from a fork, and is not trusted" in refused.summary
    assert f"Digest of survey: `{digest}`" in refused.summary

    # The schedule fails once for a failure.
    (checkout / "fail").touch()
    sandbox.wait_until(lambda: any(one["status"] == "Failed" for one in sandbox.get().json()))
    first = run("first", "skaha-schedule.yml", "refresh", secrets=SECRETS)
    assert first.code == 9, first.log
    assert "::error title=bad failed::OSError: disk full" in first.log
    assert run("second", "skaha-schedule.yml", "refresh", secrets=SECRETS).code == 0
    assert len(sandbox.sessions()) == 4

    # GitHub cancels an apply. A person starts the next one, which finds what the canceled one has created.
    kit.write(checkout, more=BAD + "  - {name: more, cmd: 'true', replicas: 30}\n")
    cancel_an_apply(kit.Job(hub, "canceled", checkout), state, sandbox)
    read = run("read", "skaha-apply.yml", "apply", event_name="push", sha=LATER, secrets=SECRETS)
    digest = re.search(r"Digest of survey: `(.+)`", read.summary)[1]
    by_hand = {"event_name": "workflow_dispatch", "inputs": {"digest": digest}, "secrets": SECRETS}
    assert len(run("by-hand", "skaha-apply.yml", "apply", **by_hand).codes) == 2
    assert len(sandbox.sessions()) == 34
    refs = subprocess.run(["git", "-C", tmp_path / "state.git", "for-each-ref"], capture_output=True, check=True)
    assert b"lock" not in refs.stdout


def cancel_an_apply(job, state, sandbox):
    sandbox.faults(latency_ms=[20, 200], only=["POST /session"])
    given = {"INPUT_COMMAND": "apply", "INPUT_STATE": state, "INPUT_ARGS": "--concurrency 2", **SECRETS}
    assert job.cancel(given, lambda: sandbox.wait_until(lambda: len(sandbox.sessions()) > 6)) == 130, job.log
    assert 6 < len(sandbox.sessions()) < 34
    sandbox.faults()
