"""Commands with the state in a git repository: nothing of the user's git is touched, each refusal is one message."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.acceptance.conftest import asking_for_a_password

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}
NAMES = ("reduce-1", "reduce-2", "reduce-3")
STATE, LOCK = "refs/heads/skaha-state/survey", "refs/heads/skaha-lock/skaha-state/survey"


def git(*words, folder):
    words = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *map(str, words)]
    return subprocess.run(words, check=True, capture_output=True, cwd=folder).stdout.decode(errors="replace")


@pytest.fixture
def remote(tmp_path):
    git("init", "--quiet", "--bare", tmp_path / "remote.git", folder=tmp_path)
    return tmp_path / "remote.git"


@pytest.fixture
def git_desk(desk, remote):
    """A desk in a checkout, with a repository next to it for the state."""
    desk.remote = remote
    desk.option = ("--state", "git:remote.git")
    return desk


def refs(remote):
    lines = git("for-each-ref", "--format=%(refname) %(objectname)", folder=remote).splitlines()
    return dict(line.split() for line in lines)


def stored(remote, ref=STATE):
    return json.loads(git("show", f"{ref}:state.json", folder=remote))


def hook(remote, text, name="pre-receive"):
    path = remote / "hooks" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def test_the_state_lives_in_the_repository_and_the_checkout_of_the_user_is_untouched(git_desk, sandbox, tmp_path):
    desk = git_desk
    git("init", "--quiet", folder=desk.folder)
    desk.write(SLEEP)
    (desk.folder / ".gitignore").write_text("*\n!m.yaml\n")
    git("add", "-f", "m.yaml", ".gitignore", folder=desk.folder)
    git("commit", "-qm", "x", folder=desk.folder)
    for name in ("pre-push", "reference-transaction", "post-checkout", "pre-commit"):
        hook(desk.folder / ".git", f"touch {tmp_path}/acted", name)
    before = {path: path.read_bytes() for path in (desk.folder / ".git").rglob("*") if path.is_file()}
    desk.environment |= {
        "GIT_DIR": "/nowhere",
        "GIT_INDEX_FILE": str(tmp_path / "index"),
        "GIT_WORK_TREE": "/nowhere",
        "GIT_OBJECT_DIRECTORY": "/nowhere",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.hooksPath",
        "GIT_CONFIG_VALUE_0": str(desk.folder / ".git" / "hooks"),
        "GIT_TRACE": str(tmp_path / "acted"),
        "EMAIL": "",
    }
    desk.apply(*desk.option)
    assert [record["name"] for record in stored(desk.remote)["replicas"]] == list(NAMES)
    assert list(refs(desk.remote)) == [STATE]
    assert not list(desk.folder.rglob("*.state.json"))
    assert desk.plan(*desk.option)["has_changes"] is False
    assert {path: path.read_bytes() for path in (desk.folder / ".git").rglob("*") if path.is_file()} == before
    assert not (tmp_path / "acted").exists()
    assert not (tmp_path / "index").exists()
    assert sorted(desk.live()) == list(NAMES)


def test_an_apply_that_changes_nothing_leaves_the_branch(git_desk, sandbox):
    desk = git_desk
    desk.write(SLEEP)
    desk.apply(*desk.option)
    sandbox.wait_until(lambda: {one["status"] for one in desk.live().values()} == {"Running"})
    desk.apply(*desk.option)
    before = refs(desk.remote)
    desk.apply(*desk.option)
    desk("refresh", *desk.option)
    assert refs(desk.remote) == before


def test_each_project_has_its_branch_and_one_branch_has_one_project(git_desk, one_line):
    desk = git_desk
    desk.write({"name": "one", "cmd": "true"}, name="a.yaml")
    desk.write({"name": "two", "cmd": "true"}, name="b.yaml", project="Other")
    ended = desk("apply", "--yes", "--state", "git:remote.git#both", "a.yaml", "b.yaml", code=4)
    one_line(ended, r"one state", r"2 projects", r"remove #BRANCH")
    assert refs(desk.remote) == {}
    desk.apply(*desk.option, "a.yaml", "b.yaml")
    assert sorted(refs(desk.remote)) == ["refs/heads/skaha-state/%4fther", STATE]
    ended = desk("plan", "--state", "git:remote.git#skaha-state/survey", "b.yaml", code=1)
    one_line(ended, r"belongs to project 'survey'")


def test_the_manifest_declares_the_address_and_another_store_is_refused(git_desk, one_line):
    desk = git_desk
    desk.write(SLEEP, state="git:remote.git")
    one_line(desk("apply", "--yes", code=1), r"declare the state git:\S+#skaha-state/survey", r"--state git:")
    assert refs(desk.remote) == {}
    desk.apply(*desk.option)
    desk.apply("--state", f"git:{desk.remote}/#skaha-state/survey")
    ended = desk("plan", "--state", "git:remote.git#x", code=1)
    one_line(ended, r"#x")


BAD = {
    "git:--upload-pack=touch acted": "do not begin with '-'",
    "git:ext::touch acted#x": "word::address can run a program",
    "git:remote.git#a..b": "does not accept the name of the branch",
    "git:remote.git#a b": "does not accept the name of the branch",
    "s4:bucket": "unknown kind of state store 's4:'",
}


@pytest.mark.parametrize("address", BAD)
def test_an_address_that_could_act_is_a_usage_error_and_nothing_runs(git_desk, one_line, address):
    desk = git_desk
    desk.write(SLEEP)
    ended = desk("plan", "--state", address, code=4)
    one_line(ended, re.escape(BAD[address]))
    assert not list(desk.folder.glob("acted*"))
    assert refs(desk.remote) == {}


def test_a_bad_branch_in_a_manifest_has_its_position(git_desk, one_line):
    git_desk.write(SLEEP, state="git:ext::sh")
    ended = git_desk("plan", *git_desk.option, code=4)
    one_line(ended, r"m\.yaml:\d+", r"word::address")


def test_a_remote_that_asks_for_a_password_is_an_error_at_once_and_the_password_is_shown_nowhere(
    git_desk, odd_server, one_line
):
    asked = []
    url = f"{odd_server(asking_for_a_password(asked))}/r.git"
    git_desk.write(SLEEP)
    one_line(git_desk("plan", "--state", f"git:{url}", code=1), r"requires a login", r"SKAHA_GIT_PASSWORD")
    assert set(asked) == {None}
    with_password = url.replace("://", "://anna:s3cr3t@")
    ended = git_desk("apply", "--yes", "-v", "--state", f"git:{with_password}", code=1)
    one_line(ended, r"requires a login")
    assert "s3cr3t" not in ended.out + ended.err
    assert "Basic YW5uYTpzM2NyM3Q=" in asked
    ended = git_desk("plan", "--state", f"git:{url}", code=1, SKAHA_GIT_PASSWORD="t0ken")
    assert "Basic eC1hY2Nlc3MtdG9rZW46dDBrZW4=" in asked
    assert "t0ken" not in ended.out + ended.err


def test_the_password_goes_to_no_server_that_the_remote_redirects_to(git_desk, odd_server):
    asked = []

    class Redirecting(asking_for_a_password([])):
        def do_GET(self):  # noqa: N802 - the name that the server looks for
            self.send_response(301)
            self.send_header("Location", other + self.path)
            self.send_header("Content-Length", "0")
            self.end_headers()

    other = odd_server(asking_for_a_password(asked)).replace("127.0.0.1", "localhost")
    git_desk.write(SLEEP)
    git_desk("plan", "--state", f"git:{odd_server(Redirecting)}/r.git", code=1, SKAHA_GIT_PASSWORD="t0ken")
    assert set(asked) == {None}


def test_a_missing_remote_and_a_folder_without_a_repository_are_named(git_desk, one_line):
    git_desk.write(SLEEP)
    for address in ("git:absent.git", "git:home", "git:file:///nowhere/r.git"):
        one_line(git_desk("apply", "--yes", "--state", address, code=1), r"there is no such repository", r"git init")


def test_dubious_ownership_is_named(git_desk, one_line):
    git_desk.write(SLEEP)
    subprocess.run(["chown", "-R", "12345", str(git_desk.remote)], check=False)
    if git_desk.remote.stat().st_uid == os.getuid():
        pytest.skip("the owner cannot be changed here")
    one_line(git_desk("plan", *git_desk.option, code=1), r"dubious ownership", r"safe\.directory")


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("hook", r"protected branch, or a hook"),
        ("receive.denyNonFastForwards", r"refuses to replace or delete a branch"),
        pytest.param("receive.denyDeletes", r"refuses to replace or delete a branch", marks=pytest.mark.slow),
    ],
)
def test_a_remote_that_refuses_a_push_is_named(git_desk, one_line, setting, message):
    desk = git_desk
    desk.write(SLEEP)
    if setting == "hook":
        hook(desk.remote, "echo 'remote: error: GH006: Protected branch update failed' >&2; exit 1")
    else:
        git("config", setting, "true", folder=desk.remote)
    ended = desk.apply(*desk.option, code=1)
    assert re.search(message, " ".join(ended.err.split()))
    assert (desk.live() == {}) is (setting != "receive.denyDeletes"), "no intent could be stored"


def test_without_git_the_error_states_it(git_desk, one_line, tmp_path):
    git_desk.write(SLEEP)
    (tmp_path / "empty").mkdir()
    one_line(git_desk("plan", *git_desk.option, code=1, PATH=str(tmp_path / "empty")), r"git is not installed")
    old = tmp_path / "empty" / "git"
    old.write_text("#!/bin/sh\necho git version 2.17.1\n")
    old.chmod(0o755)
    ended = git_desk("plan", *git_desk.option, code=1, PATH=f"{old.parent}:{os.environ['PATH']}")
    one_line(ended, r"git is too old .* 2\.17\.1", r"2\.29")


def test_two_runners_at_once_and_a_killed_one(git_desk, sandbox, one_line):
    desk = git_desk
    desk.write(SLEEP)
    sandbox.faults(latency_ms=1500, only=["POST /session"])
    process = desk.start("apply", "--yes", *desk.option)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 1)
    ended = desk("apply", "--yes", *desk.option, code=6)
    one_line(ended, r"locked by", rf"process {process.pid}", r"\(\d+ s ago\)", r"never expires")
    process.kill()
    desk.finish(process, check=False)
    sandbox.faults()
    sandbox.wait_until(lambda: len(sandbox.sessions()) >= 1)
    lock_id = re.search(r"state unlock ([0-9a-f-]{36})", ended.err)[1]
    desk("state", "unlock", "another", *desk.option, code=1)
    assert LOCK in refs(desk.remote)
    desk("state", "unlock", lock_id, *desk.option)
    desk.apply(*desk.option)
    assert sorted(desk.live()) == list(NAMES)
    assert len(sandbox.sessions()) == len(NAMES)
    assert list(refs(desk.remote)) == [STATE]


def test_pull_push_move_and_rebind(git_desk, sandbox, one_line):
    desk = git_desk
    desk.write(SLEEP)
    desk.apply(*desk.option)
    (desk.folder / "s.json").write_text(desk("state", "pull", *desk.option).out)
    desk("state", "push", "s.json", "--state", "git:remote.git#copy")
    assert stored(desk.remote, "copy") == stored(desk.remote)
    desk("state", "mv", "reduce", "calibrate", *desk.option)
    assert stored(desk.remote)["replicas"][0]["session"] == "calibrate"
    desk("state", "mv", "survey", "next", *desk.option)
    assert sorted(refs(desk.remote)) == ["refs/heads/copy", "refs/heads/skaha-state/next"]
    assert "Nothing to rebind" in desk("state", "rebind", "--project", "next", "--yes", *desk.option).out
    assert sorted(refs(desk.remote)) == ["refs/heads/copy", "refs/heads/skaha-state/next"]
    checked = desk("doctor", "--state", "git:remote.git#copy", "-o", "json").json
    assert "lock" in json.dumps(checked)


def test_a_refused_state_is_rescued_and_can_be_pushed(git_desk, one_line):
    desk = git_desk
    desk.write(SLEEP)
    hook(desk.remote, "while read old new ref; do git show $new:state.json | grep -q '\"id\":' && exit 1; done; exit 0")
    ended = desk.apply(*desk.option, code=1)
    made = set(desk.live())
    assert made
    push = re.search(r"`skaha-apply (state push \S+ --state '[^']+')`", " ".join(ended.err.split()))
    assert push, ended.err
    (desk.remote / "hooks" / "pre-receive").unlink()
    desk(*[word.strip("'") for word in push[1].split()])
    assert not list(desk.folder.rglob("*.rescue.json"))
    desk.apply(*desk.option)
    assert sorted(desk.live()) == list(NAMES)
    assert made <= set(NAMES)


def test_the_history_is_an_option_and_a_variable(git_desk, one_line):
    desk = git_desk
    desk.write(SLEEP)
    desk.apply(*desk.option, "--state-history", "2")
    count = lambda: len(git("log", "--format=%s", STATE, folder=desk.remote).splitlines())  # noqa: E731
    assert count() == 2
    desk("state", "mv", "reduce", "a", *desk.option, SKAHA_APPLY_STATE_HISTORY="3")
    assert count() == 3
    one_line(desk("plan", *desk.option, code=4, SKAHA_APPLY_STATE_HISTORY="0"), r"SKAHA_APPLY_STATE_HISTORY", r"1 to")


@pytest.mark.skipif(not Path("/usr/lib/git-core/git-daemon").exists(), reason="git daemon is not installed")
@contextmanager
def daemon(desk, *words):
    """A git daemon on loopback that exports the folder of a desk; gives its address."""
    port = _free_port()
    given = ["--reuseaddr", "--export-all", "--base-path=.", "--listen=127.0.0.1", f"--port={port}", *words, "."]
    process = subprocess.Popen([shutil.which("git"), "daemon", *given], cwd=desk.folder, stderr=subprocess.DEVNULL)
    try:
        desk.sandbox.wait_until(lambda: _is_open(port))
        yield f"git:git://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def test_over_the_network_with_git_daemon(git_desk, one_line):
    desk = git_desk
    desk.write(SLEEP)
    with daemon(desk, "--enable=receive-pack") as address:
        option = ("--state", f"{address}/remote.git")
        desk.apply(*option)
        assert desk.plan(*option)["has_changes"] is False
        assert list(refs(desk.remote)) == [STATE]
        ended = desk("plan", "--state", f"{address}/absent.git", code=1)
        one_line(ended, r"there is no such repository")
    one_line(desk("plan", *option, code=1), r"unable to connect", r"network")


@pytest.mark.parametrize(
    ("words", "message"),
    [([], r"or the account cannot see it or write in it"), (["--informative-errors"], r"has no write permission")],
)
def test_a_remote_that_only_reads_is_named(git_desk, one_line, words, message):
    git_desk.write(SLEEP)
    with daemon(git_desk, *words) as address:
        assert git_desk.plan("--state", f"{address}/remote.git")["has_changes"] is True
        one_line(git_desk("apply", "--yes", "--state", f"{address}/remote.git", code=1), message)
    assert git_desk.live() == {}


def _free_port():
    import socket  # noqa: PLC0415

    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def _is_open(port):
    import socket  # noqa: PLC0415

    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0


NOTEBOOK = {"name": "nb", "kind": "notebook"}


def test_a_session_of_an_interactive_kind_is_found_again_without_its_id(git_desk, sandbox):
    """A fresh machine has only the digest; it renews, replaces and deletes the session that the listing shows."""
    desk = git_desk
    desk.write(NOTEBOOK)
    desk.apply(*desk.option)
    (session,) = sandbox.sessions()
    record = stored(desk.remote)["replicas"][0]
    assert re.fullmatch("id-[0-9a-f]{4}", record["id"])
    desk("refresh", *desk.option)
    plan = desk.plan(*desk.option)
    assert (plan["has_changes"], plan["summary"]["unchanged"]) == (False, 1)
    before = refs(desk.remote)
    desk("refresh", *desk.option)
    assert refs(desk.remote) == before, "a known ID is no news"
    desk.write({**NOTEBOOK, "cores": 2, "ram": 4})
    desk.apply(*desk.option)
    assert sorted(desk.live()) == ["nb"]
    old, new = (one["id"] for one in sandbox.sessions())
    assert old == session["id"]
    desk("destroy", "--yes", *desk.option)
    assert desk.live() == {}
    objects = git("cat-file", "--batch-all-objects", "--batch", folder=desk.remote)
    assert "survey: serial" in objects
    assert old not in objects
    assert new not in objects


def test_an_interactive_session_that_is_not_listed_is_never_created_twice(git_desk, sandbox):
    desk = git_desk
    desk.write(NOTEBOOK)
    desk.apply(*desk.option)
    desk("refresh", *desk.option)
    (session,) = sandbox.sessions()
    sandbox.delete(session["id"])
    sandbox.wait_until(lambda: desk.live() == {})
    desk.apply(*desk.option)
    assert len(sandbox.sessions()) == 1
    assert stored(desk.remote)["replicas"][0]["phase"] == "running"
    (action,) = desk.plan("--all", *desk.option)["actions"]
    assert (action["action"], action["reason_code"]) == ("unchanged", "id_unknown")
    desk("mark", "rerun", "nb", "--yes", "--force", *desk.option, code=4)
    desk("state", "forget", "nb/1", *desk.option)
    desk.apply(*desk.option)
    assert len(sandbox.sessions()) == 2
    assert sorted(desk.live()) == ["nb"]


def test_many_creates_make_few_pushes_however_slow_the_remote(git_desk):
    """Intents travel in groups: 150 creates with 128 intents in the first group, not one push for each."""
    desk = git_desk
    desk.write({"name": "reduce", "replicas": 150, "cmd": "true"})
    hook(desk.remote, 'echo x >> "$GIT_DIR/pushes"; sleep 0.3')
    desk.apply(*desk.option)
    assert len(desk.sandbox.sessions()) == 150
    assert len((desk.remote / "pushes").read_text().split()) <= 8
