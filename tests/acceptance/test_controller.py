"""`run`, the controller: a real process over the sandbox that reads manifests again and logs a fault once."""

from __future__ import annotations

import fcntl
import json
import os
import random
import shlex
import signal
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import contextmanager

import pytest

from skaha_apply.state.clocks import Clocks
from skaha_apply.state.local.lock import FileLock
from skaha_apply.state.lock_owner import this_process
from tests.acceptance.conftest import asking_for_a_password

INTERVAL = ("--interval", "0.1s")
ROUNDS = "skaha_apply_rounds_total{"
LIMIT_S = 60


class Controller:
    """A process of `run`, and the lines that it has printed."""

    def __init__(self, desk, *words):
        self.desk = desk
        desk.environment["SKAHA_APPLY_RETRY_TIME"] = "0.2s"
        self.out = desk.folder / "run.log"
        with self.out.open("w") as out, (desk.folder / "run.err").open("w") as err:
            self.process = desk.start("run", *INTERVAL, *words, stdout=out, stderr=err)

    @property
    def lines(self):
        return [json.loads(line) for line in self.out.read_text().splitlines(keepends=True) if line.endswith("\n")]

    def events(self, event, **values):
        return [one for one in self.lines if one["event"] == event and values.items() <= one.items()]

    def until(self, found, what="the condition"):
        deadline = time.monotonic() + LIMIT_S
        while not (result := found()):
            assert time.monotonic() < deadline, f"{what} did not happen:\n{self.out.read_text()}"
            assert self.process.poll() is None, f"the controller has ended:\n{self.out.read_text()}"
            time.sleep(0.05)
        return result

    def until_event(self, event, **values):
        return self.until(lambda: self.events(event, **values), f"{event} {values}")[0]

    def until_phases(self, **replicas):
        return self.until(lambda: self.events("pass", replicas=replicas), f"replicas {replicas}")[-1]

    def get(self, path):
        address = self.until_event("started")["listen"]
        with urllib.request.urlopen(f"http://{address}{path}", timeout=10) as response:
            return response.read().decode()

    def rounds(self):
        """The number of rounds that have ended, with and without a fault."""
        return sum(float(line.split()[-1]) for line in self.get("/metrics").splitlines() if line.startswith(ROUNDS))

    def more_rounds(self, number):
        wanted = self.rounds() + number
        self.until(lambda: self.rounds() >= wanted, f"{number} more rounds")

    def stop(self, number=signal.SIGTERM):
        self.until_event("started")
        self.process.send_signal(number)
        assert self.process.wait(LIMIT_S) == 0
        assert self.lines[-1]["event"] in ("started", "stopped")
        assert (self.desk.folder / "run.err").read_text() == ""


@pytest.fixture
def running(desk):
    own = desk

    @contextmanager
    def start(*words, desk=own):
        controller = Controller(desk, *words)
        try:
            yield controller
        finally:
            controller.process.kill()
            controller.process.wait()

    return start


def replicas_of(text):
    """The numbers of `/metrics`, by entry and phase."""
    found = {}
    for line in text.splitlines():
        if line.startswith("skaha_apply_replicas{"):
            labels, _, value = line.removeprefix("skaha_apply_replicas{").partition("} ")
            names = dict(one.replace('"', "").split("=") for one in labels.split(","))
            found[names["entry"], names["phase"]] = int(float(value))
    return found


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_work_is_created_retried_and_counted_until_a_signal_ends_the_run(desk, running, number):
    desk.script('[ "$SKAHA_APPLY_ATTEMPT" = 2 ] || [ "$REPLICA_ID" != 3 ]\n')
    retry = {"retries": 1, "retry_wait": "1s"}
    desk.write(
        {"name": "tile", "replicas": 4, "cmd": "bash", "args": ["run.sh"], **retry},
        {"name": "merge", "cmd": "true", "needs": ["tile"]},
    )
    with running() as controller:
        controller.until_phases(done=5)
        assert replicas_of(controller.until(lambda: controller.get("/metrics"))) == {
            (entry["name"], phase): count
            for entry in desk("status", "-o", "json").json["entries"]
            for phase, count in entry["counts"].items()
        }
        assert json.loads(controller.get("/healthz"))["status"] == "ok"
        assert 'skaha_apply_actions_total{action="retry",project="survey"} 1.0' in controller.get("/metrics")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            controller.get("/other")
        (failed,) = controller.events("failed")
        assert (failed["replica"], failed["level"]) == ("tile-3", "warning")
        controller.stop(number)
    assert sum(one["applied"].get("create", 0) for one in controller.events("pass")) == 5
    assert len(desk.posts()) == 6


def test_deletes_and_replaces_are_reported_and_need_yes(desk, running):
    sleeping = {"cmd": "sleep", "args": ["600"]}
    desk.write({"name": "one", **sleeping}, {"name": "two", **sleeping}, {"name": "three", **sleeping})
    with running() as controller:
        controller.until_phases(running=3)
        desk.write(
            {"name": "one", **sleeping}, {"name": "two", "cmd": "sleep", "args": ["601"]}, {"name": "four", **sleeping}
        )
        note = "not approved, so not carried out"
        controller.until(lambda: len([one for one in controller.events("note") if one["text"].startswith(note)]) == 2)
        controller.until(lambda: set(desk.live()) == {"one", "two", "three", "four"})
        controller.stop()
    assert len([one for one in controller.events("note") if note in one["text"]]) == 2
    with running("--yes") as controller:
        controller.until(lambda: "three" not in desk.live() and controller.events("pass", replicas={"running": 3}))
        controller.stop()
    assert [one["work"] for one in desk.state["replicas"]]
    assert sorted(desk.live()) == ["four", "one", "two"]


def test_a_broken_manifest_and_an_unavailable_server_are_logged_once_and_work_continues(desk, running, sandbox):
    desk.write({"name": "tile", "cmd": "true"})
    with running() as controller:
        controller.until_phases(done=1)
        path = desk.folder / "m.yaml"
        whole = path.read_text()
        path.write_text(whole + "  - broken: [\n")
        controller.until_event("fault", source="manifests")
        assert json.loads(controller.get("/healthz"))["faults"] == ["manifests"]
        desk.write({"name": "tile", "cmd": "true"}, {"name": "next", "cmd": "true"})
        controller.until_event("recovered", source="manifests")
        controller.until_phases(done=2)
        sandbox.faults(rate_503=1)
        controller.until_event("fault", source="server")
        controller.until(lambda: 'skaha_apply_fault{source="server"} 1.0' in controller.get("/metrics"))
        sandbox.faults()
        controller.until_event("recovered", source="server")
        desk.write({"name": "last", "cmd": "true"}, {"name": "next", "cmd": "true"})
        controller.until(lambda: "last" in json.dumps(desk.state["replicas"]))
        controller.stop()
    assert [one["source"] for one in controller.events("fault")] == ["manifests", "server"]
    assert len(desk.posts()) == 3


def test_a_second_controller_ends_at_once_and_other_commands_work_meanwhile(desk, running):
    desk.write({"name": "tile", "cmd": "true"})
    with running() as controller:
        controller.until_phases(done=1)
        ended = desk("run", code=6)
        assert "another controller works on survey" in ended.err
        desk("mark", "rerun", "tile", "--yes", "--lock-timeout", "30s")
        controller.until(lambda: len(desk.posts()) == 2)
        controller.process.kill()
        controller.process.wait()
    with running() as controller:  # the lock of a killed one is free
        controller.until_event("pass")
        controller.stop()


class Elsewhere:
    """Two desks with one state in git, as on two machines. Each starts a controller with long intervals."""

    def __init__(self, desk, running, other):
        self.bare = desk.folder / "states.git"
        subprocess.run(["git", "init", "-q", "--bare", self.bare], check=True)
        self.first, self.second = desk, type(desk)(desk.prepared, other, desk.sandbox)
        for one in (self.first, self.second):
            one.write({"name": "tile", "cmd": "true"})
        self.running = running
        self.words = ("--state", f"git:{self.bare}", "--interval", "5m")

    @contextmanager
    def begin(self, desk, end):
        """A controller at a desk between two of its rounds; `end` ends it."""
        with self.running(*self.words, desk=desk) as controller:
            controller.until_event("pass")
            controller.until(lambda: "skaha-lock" not in self.git("for-each-ref"), "the end of the round")
            yield controller
            if end is signal.SIGKILL:
                controller.process.kill()
            else:
                controller.stop(end)

    def git(self, *words):
        return subprocess.run(["git", "-C", self.bare, *words], check=True, capture_output=True).stdout.decode()

    def lease_of(self, project):
        """The lease in the state of a project; None without a lease or a state."""
        branch = f"refs/heads/skaha-state/{project}"
        if branch not in self.git("for-each-ref"):
            return None
        return json.loads(self.git("show", f"{branch}:state.json")).get("controller")

    @property
    def lease(self):
        return self.lease_of("survey")

    def refused(self, desk):
        """The message of a controller that ends because of another one."""
        ended = desk("run", *self.words, code=6)
        assert "another controller works on survey" in ended.err
        return ended.err


@pytest.fixture
def elsewhere(desk, running, tmp_path_factory):
    return Elsewhere(desk, running, tmp_path_factory.mktemp("elsewhere"))


def test_a_controller_elsewhere_ends_at_once_until_the_first_one_has_ended(elsewhere):
    one, two = elsewhere.first, elsewhere.second
    with elsewhere.begin(one, signal.SIGTERM) as controller:
        message = elsewhere.refused(two)
        assert f"(process {controller.process.pid})" in message
        assert "its lease ends in 60 min" in message
        one("mark", "rerun", "tile", "--yes", *elsewhere.words[:2])  # a person can work meanwhile
    assert elsewhere.lease is None
    with elsewhere.begin(two, signal.SIGTERM):
        assert elsewhere.lease is not None
        assert "another controller" in elsewhere.refused(one)


def test_the_lease_of_a_killed_controller_ends_for_its_own_folder_by_unlock_and_by_the_clock_of_the_server(
    elsewhere, sandbox
):
    one, two = elsewhere.first, elsewhere.second
    with elsewhere.begin(one, signal.SIGKILL):
        lease = elsewhere.lease
    assert lease["id"] in elsewhere.refused(two)
    with elsewhere.begin(one, signal.SIGKILL):  # as systemd starts it again
        assert elsewhere.lease["id"] == lease["id"]
    command = elsewhere.refused(two).partition("run `skaha-apply ")[2].partition("`")[0]
    assert two(*shlex.split(command)).out == "unlocked\n"
    with elsewhere.begin(two, signal.SIGKILL):
        assert elsewhere.lease["id"] != lease["id"]
    elsewhere.refused(one)
    sandbox.clock(3601)
    with elsewhere.begin(one, signal.SIGTERM):
        assert elsewhere.lease["id"] == lease["id"]


def test_a_controller_that_ends_because_of_another_one_leaves_no_lease_in_its_other_projects(elsewhere):
    one, two = elsewhere.first, elsewhere.second
    two.write({"name": "first", "cmd": "true"}, project="first", name="a.yaml")
    with elsewhere.begin(one, signal.SIGTERM):
        elsewhere.refused(two)
        assert "first" in two.live()  # it has made a pass over this project
        assert elsewhere.lease_of("first") is None
        assert elsewhere.lease is not None


def test_a_controller_whose_plan_is_refused_leaves_no_lease_when_it_ends(elsewhere):
    desk = elsewhere.first
    desk.write({"name": "tile", "cmd": "sleep", "args": ["600"]})
    desk.apply(*elsewhere.words[:2])
    desk.write()
    with elsewhere.running("--yes", *elsewhere.words, desk=desk) as controller:
        assert "refused" in controller.until_event("fault", source="survey")["error"]
        controller.until(lambda: elsewhere.lease and "skaha-lock" not in elsewhere.git("for-each-ref"), "the lease")
        controller.until(lambda: controller.rounds() == 1, "the end of the round")
        controller.stop()
    assert elsewhere.lease is None


def test_a_project_that_leaves_the_manifests_leaves_its_lease(elsewhere):
    desk = elsewhere.first
    desk.write({"name": "first", "cmd": "true"}, project="first", name="a.yaml")
    with elsewhere.running(*elsewhere.words[:2], "--interval", "0.5s", desk=desk) as controller:
        controller.until(lambda: elsewhere.lease and elsewhere.lease_of("first"), "both leases")
        (desk.folder / "a.yaml").unlink()
        controller.until(lambda: elsewhere.lease_of("first") is None, "the end of the lease")
        controller.more_rounds(1)
        assert controller.events("fault") == []
        assert elsewhere.lease is not None
        controller.stop()


@pytest.mark.parametrize("project", ["survey", "server"])  # `server` is also a source of faults
def test_a_lock_of_another_process_is_one_fault_however_long_it_lasts(desk, running, project):
    desk.write({"name": "tile", "cmd": "true"}, project=project)
    desk.apply()
    path = desk.state_path.with_name(desk.state_path.name.removesuffix(".json") + ".lock")
    lock = FileLock(path, Clocks())
    assert lock.take(this_process("apply", str(path), time.time())) is None
    with running("--lock-timeout", "0s") as controller:
        first = controller.until_event("fault")
        assert "is locked by" in first["error"]
        age = time.monotonic() + 2  # the message would have another age
        controller.until(lambda: time.monotonic() > age)
        controller.more_rounds(2)
        lock.free()
        controller.until_event("recovered")
        controller.stop()
    assert controller.events("fault") == [first]


@pytest.mark.parametrize("address", ["9100", "127.0.0.1:", "127.0.0.1:x", "127.0.0.1:65536", ":80"])
def test_an_address_that_cannot_be_used_is_an_error_of_usage(desk, address):
    assert "write HOST:PORT" in desk("run", "--listen", address, code=4).err


def test_manifests_on_standard_input_are_refused_because_they_cannot_be_read_again(desk):
    assert "standard input cannot be read again" in desk("run", "-", stdin="version: 1\n", code=4).err


class Origin:
    """A bare repository, and somebody who commits to it."""

    def __init__(self, folder):
        folder.mkdir(exist_ok=True)
        self.bare, self.clone = folder / "origin.git", folder / "other"
        subprocess.run(["git", "init", "-q", "--bare", "-b", "main", self.bare], check=True)
        subprocess.run(["git", "clone", "-q", self.bare, self.clone], check=True, capture_output=True)

    def git(self, *words):
        who = ("-c", "user.name=a", "-c", "user.email=a@localhost")
        subprocess.run(["git", *who, "-C", self.clone, *words], check=True, capture_output=True)

    def commit(self, files, *words):
        """Commit files by name, and push them to `main`; `--amend` replaces the last commit."""
        for name, text in files.items():
            path = self.clone / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "Change the survey", *words)
        self.git("push", "-q", "-f", "origin", "HEAD:main")


@pytest.fixture
def origin(tmp_path):
    return Origin(tmp_path)


def test_manifests_come_from_a_repository_that_nobody_has_cloned(desk, running, origin, tmp_path):
    """Also after a forced push. The state is in the working directory, and no clone is left."""
    tiles = {"name": "tile-${n}", "cmd": "true", "matrix": {"n": {"file": "lists/n.txt"}}}
    manifest = desk.write(tiles)
    text = manifest.read_text()
    manifest.unlink()
    origin.commit({"manifests/m.yaml": text, "lists/n.txt": "1\n"})
    (tmp_path / "clones").mkdir()
    desk.environment["TMPDIR"] = str(tmp_path / "clones")
    with running("--repository", "origin.git") as controller:
        controller.until_phases(done=1)
        assert desk.state_path.exists()
        assert [one["file"] for one in desk.state["specs"].values()] == ["manifests/m.yaml"]
        origin.commit({"lists/n.txt": "1\n2\n3\n"}, "--amend")
        controller.until_phases(done=3)
        (clone,) = (tmp_path / "clones").iterdir()
        git_folder = (clone / ".git").stat()
        origin.bare.rename(tmp_path / "away.git")
        fault = controller.until_event("fault", source="manifests")
        assert "there is no such repository" in fault["error"]
        controller.more_rounds(2)
        assert os.path.samestat((clone / ".git").stat(), git_folder)  # no round has made a clone
        (tmp_path / "away.git").rename(origin.bare)
        controller.until_event("recovered", source="manifests")
        controller.stop()
    assert len(desk.posts()) == 3
    assert list((tmp_path / "clones").iterdir()) == []
    with running("--repository", str(origin.bare), "--branch", "none") as controller:
        assert "branch none: fatal: couldn't find remote ref" in controller.until_event("fault")["error"]
        controller.stop()


def test_a_damaged_clone_is_made_again_and_no_checkout_around_it_is_used(desk, running, origin, tmp_path):
    """A git that was killed leaves a lock file in the clone, and a cleaner of temporary files removes parts of it."""

    def commit(count):
        manifest = desk.write({"name": "tile-${n}", "cmd": "true", "matrix": {"n": [str(n) for n in range(count)]}})
        origin.commit({"m.yaml": manifest.read_text()})
        manifest.unlink()

    around = Origin(tmp_path / "around")
    around.commit({"notes.txt": "mine"})
    clones = around.clone
    desk.environment["TMPDIR"] = str(clones)
    commit(1)
    with running("--repository", "origin.git") as controller:
        controller.until_phases(done=1)
        for count, damage in enumerate(
            (
                lambda clone: (clone / ".git" / "index.lock").touch(),
                lambda clone: (clone / ".git" / "shallow.lock").touch(),
                lambda clone: (clone / ".git").rename(tmp_path / "removed"),
                lambda clone: clone.rename(tmp_path / "removed clone"),
            ),
            start=2,
        ):
            (clone,) = clones.glob("skaha-apply-manifests-*")
            damage(clone)
            commit(count)
            controller.until_phases(done=count)
        assert controller.events("fault") == []
        origin.bare.rename(tmp_path / "away.git")
        controller.until_event("fault", source="manifests")
        controller.more_rounds(1)
        (clone,) = clones.glob("skaha-apply-manifests-*")  # it is as good as before, and the next round updates it
        made = clone.stat()
        (tmp_path / "away.git").rename(origin.bare)
        controller.until_event("recovered", source="manifests")
        assert os.path.samestat(clone.stat(), made)
        controller.stop()
    assert sorted(one.name for one in clones.iterdir()) == [".git", "notes.txt"]
    assert (clones / ".git" / "HEAD").read_text().startswith("ref: ")
    assert len(desk.posts()) == 5


def test_a_folder_for_temporary_files_that_is_gone_is_a_fault(desk, running, origin, tmp_path):
    manifest = desk.write({"name": "tile", "cmd": "true"})
    origin.commit({"m.yaml": manifest.read_text()})
    manifest.unlink()
    clones = tmp_path / "clones"
    clones.mkdir()
    desk.environment["TMPDIR"] = str(clones)
    with running("--repository", "origin.git") as controller:
        controller.until_phases(done=1)
        clones.rename(tmp_path / "removed")
        assert "cannot make a folder" in controller.until_event("fault", source="manifests")["error"]
        clones.mkdir()
        controller.until_event("recovered", source="manifests")
        controller.stop()


def test_a_pull_brings_the_newest_commit_and_a_remote_that_is_gone_is_a_fault(desk, running, origin, tmp_path):
    def commit(*sessions):
        manifest = desk.write(*sessions)
        origin.commit({"m.yaml": manifest.read_text()})
        manifest.unlink()

    commit({"name": "one", "cmd": "true"})
    clone = tmp_path / "clone"
    subprocess.run(["git", "clone", "-q", "-b", "main", origin.bare, clone], check=True, capture_output=True)
    assert "is not in a git checkout" in desk("run", "--pull", ".", code=4).err
    with running("--pull", str(clone)) as controller:
        controller.until_phases(done=1)
        commit({"name": "one", "cmd": "true"}, {"name": "two", "cmd": "true"})
        controller.until_phases(done=2)
        origin.bare.rename(tmp_path / "away.git")
        fault = controller.until_event("fault", source="manifests")
        assert fault["error"].startswith(f"cannot pull {clone}: fatal: ")
        (tmp_path / "away.git").rename(origin.bare)
        controller.until_event("recovered", source="manifests")
        controller.stop()
    assert len(desk.posts()) == 2


@pytest.mark.parametrize(
    ("words", "text"),
    [
        (["--repository", "--upload-pack=x"], "do not begin with '-'"),
        (["--repository", "ext::sh -c touch% x"], "can run a program"),
        (["--repository", "origin.git", "--branch", "--upload-pack=x"], "do not begin with '-'"),
        (["--repository", "origin.git", "--branch", "a:refs/heads/b"], "is not the name of a branch"),
        (["--repository", "origin.git", "../m.yaml"], "is not a path in the repository"),
        (["--repository", "origin.git", "--pull"], "exclude each other"),
        (["--branch", "main"], "requires --repository"),
    ],
)
def test_a_repository_that_git_could_act_on_is_an_error_of_usage(desk, words, text):
    assert text in desk("run", *words, code=4).err


def test_finished_work_does_not_run_again_if_the_state_disappears(desk, running, sandbox):
    desk.write({"name": "tile", "cmd": "true", "replicas": 3})
    with running() as controller:
        controller.until_phases(done=3)
        for session in desk.live().values():
            sandbox.delete(session["id"])
        path, kept = desk.state_path, desk.folder / "kept.json"
        path.rename(kept)
        fault = controller.until_event("fault", source="survey")
        assert "has disappeared since this command began" in fault["error"]
        kept.rename(path)
        controller.until_event("recovered", source="survey")
        controller.stop()
    assert len(desk.posts()) == 3


def test_a_refused_action_is_logged_once_for_an_entry(desk, running, sandbox):
    sandbox.faults(refuse={"POST": {"status": 400, "text": "no such image"}})
    desk.write({"name": "tile-${n}", "cmd": "true", "matrix": {"n": ["1", "2", "3"]}})
    with running() as controller:
        controller.until(lambda: len(desk.posts()) >= 4)
        sandbox.faults()
        controller.until_phases(done=3)
        controller.stop()
    refused, not_tried = (one["error"] for one in controller.events("action-failed"))
    assert "no such image" in refused
    assert refused != not_tried


def test_the_log_of_a_pull_has_no_user_of_a_url(desk, running, tmp_path, odd_server):
    clone = desk.folder / "clone"
    host = odd_server(asking_for_a_password([])).removeprefix("http://")
    subprocess.run(["git", "init", "-q", "-b", "main", str(clone)], check=True)
    origin = (
        ("remote.origin.url", f"http://ghp_secret@{host}/x.git"),
        ("remote.origin.fetch", "+refs/heads/*:refs/remotes/origin/*"),
    )
    for name, value in (*origin, ("branch.main.remote", "origin"), ("branch.main.merge", "refs/heads/main")):
        subprocess.run(["git", "-C", str(clone), "config", name, value], check=True)
    with running("--pull", str(clone)) as controller:
        assert host in controller.until_event("fault", source="manifests")["error"]
        controller.stop()
    assert "ghp_secret" not in controller.out.read_text()


def test_the_password_of_a_repository_goes_to_its_server_only_and_is_in_no_line(desk, running, odd_server):
    asked = []
    host = odd_server(asking_for_a_password(asked)).removeprefix("http://")
    elsewhere = ("--state", "git:https://git.invalid/states.git")
    for user, words, environment, is_sent in (
        ("anna:ghp_secret@", (), {}, True),
        ("", (), {"SKAHA_GIT_PASSWORD": "ghp_secret"}, True),
        ("", elsewhere, {"SKAHA_GIT_PASSWORD": "ghp_secret"}, False),
    ):
        asked.clear()
        desk.environment |= environment
        with running("--repository", f"http://{user}{host}/x.git", *words) as controller:
            fault = controller.until_event("fault", source="manifests")
            assert "the remote requires a login" in fault["error"]
            controller.stop()
        assert any(asked) is is_sent
        assert "ghp_secret" not in controller.out.read_text()
    assert "unencrypted" in desk("run", "--repository", "http://a:ghp_secret@git.invalid/x.git", code=4).err


class Weather:
    """Faults in random order, each of which begins and ends while a controller works on a growing survey."""

    def __init__(self, desk, running, seed):
        self.desk, self.running, self.random = desk, running, random.Random(seed)
        self.count = 0

    def grow(self):
        self.count += self.random.randint(1, 3)
        tiles = [str(one) for one in range(self.count)]
        self.desk.write({"name": "tile-${n}", "cmd": "true", "matrix": {"n": tiles}})

    def server_is_away(self, controller):
        self.desk.sandbox.faults(rate_503=1)
        self.grow()
        controller.more_rounds(self.random.randint(0, 2))
        self.desk.sandbox.faults()

    def answers_are_lost(self, controller):
        self.desk.sandbox.faults(rate_drop_after=0.5)
        self.grow()
        controller.more_rounds(self.random.randint(0, 2))
        self.desk.sandbox.faults()

    def manifest_is_broken(self, controller):
        manifest = self.desk.folder / "m.yaml"
        manifest.write_text(self.random.choice(["", "version: 1\nproject: [", "\x00"]))
        controller.more_rounds(self.random.randint(0, 2))
        self.grow()

    def state_is_locked(self, controller):
        self.grow()
        lock = self.desk.state_path.with_name("survey.state.lock")
        with lock.open("r+") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            controller.more_rounds(self.random.randint(0, 2))

    def is_stopped(self, controller):
        controller.more_rounds(self.random.randint(0, 2))
        controller.stop(self.random.choice([signal.SIGTERM, signal.SIGINT]))

    def is_killed(self, controller):
        controller.more_rounds(self.random.randint(0, 2))
        controller.process.kill()
        controller.process.wait()


def survive(weather, faults):
    """Let that many faults come over the controller, until all work is done; each work must have run once."""
    kinds = [
        weather.server_is_away, weather.answers_are_lost, weather.manifest_is_broken,
        weather.state_is_locked, weather.is_stopped, weather.is_killed,
    ]  # fmt: skip
    weather.grow()
    with weather.running("--lock-timeout", "0.2s") as controller:
        controller.until_event("pass")
    left = faults
    while left:
        with weather.running("--lock-timeout", "0.2s") as controller:
            while left and controller.process.poll() is None:
                left -= 1
                weather.random.choice(kinds)(controller)
    with weather.running("--lock-timeout", "0.2s") as controller:
        controller.until(
            lambda: weather.desk("status", "-o", "json").json["entries"][0]["counts"] == {"done": weather.count}
        )
        controller.until(lambda: replicas_of(controller.get("/metrics")) == {("tile-${n}", "done"): weather.count})
        controller.stop()
    started = [one["name"] for one in weather.desk.sandbox.sessions()]
    assert sorted(started) == sorted(f"tile-{one}" for one in range(weather.count))


def test_a_controller_survives_random_faults(desk, running):
    survive(Weather(desk, running, seed=7), faults=6)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_a_controller_survives_a_hundred_random_faults(desk, running, seed):
    survive(Weather(desk, running, seed), faults=25)
