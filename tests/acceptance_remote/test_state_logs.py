"""`--state-logs`: the logs of failed replicas travel with a state in git, and `logs` and `show` read them elsewhere."""

from __future__ import annotations

import json
import shutil
import subprocess

import pytest

from tests.acceptance_remote.conftest import counting_repository, pushes

STATE = "refs/heads/skaha-state/survey"
OPTION = ("--state", "git:remote.git")


@pytest.fixture
def git(tmp_path):
    """A function that runs git in the repository for the state, which is next to the desk."""
    remote = counting_repository(tmp_path / "remote.git")

    def run(*words):
        done = subprocess.run(["git", "-C", remote, *words], check=True, capture_output=True)
        return done.stdout.decode(errors="replace")

    run.remote = remote
    return run


def files(git):
    return sorted(git("ls-tree", "-r", "--name-only", STATE).split())


def test_a_colleague_reads_the_log_of_a_failure_from_the_branch_until_it_is_repaired(desk, git, sandbox, tmp_path):
    notebook = sandbox.create(name="nb", type="notebook").text.strip()
    (desk.folder / "run.sh").write_text(
        f'echo "secret $TOKEN {notebook}"; printf "\\033[31mfailed $REPLICA_ID\\n" >&2; [ "$REPLICA_ID" = 1 ]\n'
    )
    work = {"name": "tile", "replicas": 2, "cmd": "bash", "args": ["run.sh"], "env": {"TOKEN": "${var.token}"}}
    desk.write(work, variables={"token": {"sensitive": True}})
    desk.environment["SKAHA_VAR_token"] = "hunter2hunter2"
    desk.apply(*OPTION, "--state-logs", "--wait", "complete", "--poll", "0.2s", code=9)
    state = json.loads(git("show", f"{STATE}:state.json"))
    failed = next(one for one in state["replicas"] if one["replica"] == 2)
    path = f"logs/tile-2/1-{failed['id']}"
    assert [one for one in files(git) if one.endswith(".log")] == [f"{path}.log"]
    assert set(files(git)) <= {f"{path}.log", f"{path}.events", "state.json"}
    text = git("show", f"{STATE}:{path}.log")
    assert "failed 2" in text
    for secret in ("hunter2hunter2", notebook, "\x1b"):
        assert secret not in text
    assert "id-" in text
    assert git("rev-list", "--count", STATE).strip() == "1"

    for one in desk.live().values():
        sandbox.delete(one["id"])
    shutil.rmtree(desk.folder / ".skaha-apply")
    assert "failed 2" in desk("logs", "tile/2", *OPTION).out
    assert "failed 2" in desk("show", "tile/2", *OPTION).out
    assert "no saved copy" in desk("logs", "tile/1", *OPTION, code=1).err

    before = pushes(git.remote)
    desk("mark", "complete", "tile/2", *OPTION, "--yes")
    assert pushes(git.remote) == before + 2
    assert files(git) == ["state.json"]


def test_without_the_option_no_log_leaves_the_machine_and_kept_ones_stay(desk, git):
    (desk.folder / "run.sh").write_text("echo it failed; exit 3\n")
    fails = {"name": "tile", "cmd": "bash", "args": ["run.sh"]}
    desk.write(fails)
    desk.apply(*OPTION, "--wait", "complete", "--poll", "0.2s", code=9)
    assert files(git) == ["state.json"]
    desk("mark", "rerun", "tile", *OPTION, "--yes")
    desk.apply(*OPTION, "--wait", "complete", "--poll", "0.2s", code=9, SKAHA_APPLY_STATE_LOGS="1")
    kept = files(git)
    assert len(kept) > 1
    desk.write(fails, {"name": "other", "cmd": "true"})
    desk.apply(*OPTION, code=9)
    assert files(git) == kept
    desk.write({"name": "third", "cmd": "true"})
    desk.apply(*OPTION)
    assert files(git) == ["state.json"]


def test_the_log_of_a_replica_that_timed_out_stays_although_its_session_is_deleted(desk, git, sandbox):
    (desk.folder / "run.sh").write_text("echo no convergence yet; exec sleep 600\n")
    desk.write({"name": "tile", "cmd": "bash", "args": ["run.sh"], "timeout": "30s"})
    desk.apply(*OPTION, "--state-logs")
    session = f"/session/{desk.live()['tile']['id']}"
    sandbox.wait_until(lambda: "convergence" in sandbox.get(session, view="logs").text)
    sandbox.clock(31)
    for _ in range(2):
        desk.apply(*OPTION, "--state-logs", code=9)
        assert "tile" not in desk.live()
        (path,) = (one for one in files(git) if one.endswith(".log"))
        assert git("show", f"{STATE}:{path}").strip() == "no convergence yet"


def test_a_state_without_logs_refuses_the_option_before_anything_is_done(desk, one_line):
    desk.write({"name": "tile", "cmd": "true"})
    one_line(desk("apply", "--yes", "--state-logs", code=4), r"--state-logs requires a state in git", r"--state git:")
    assert desk.live() == {}
