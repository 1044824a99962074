"""Real processes that are stopped while they have a remote lock, and machines whose clock is wrong by hours."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
import uuid

import pytest

from skaha_apply.state.clocks import TRUSTED
from skaha_apply.state.lease import LEASE, SLACK

OVER = LEASE + 2 * SLACK
COUNT = 40
MANY = {"name": "reduce", "replicas": COUNT, "cmd": "sleep", "args": ["600"]}
NAMES = tuple(f"reduce-{replica}" for replica in range(1, COUNT + 1))
# The time that a proof is trusted is a minute; here it is a second, so that the test need not wait for a minute.
SOON = "import sys, skaha_apply.state.clocks as c, skaha_apply.cli as m\nc.TRUSTED = {}\nsys.exit(m.main(sys.argv[1:]))"
APPLY = ("apply", "--yes", "--settle", "2s", "--concurrency", "8")


def _stopped_in_the_middle(desk, sandbox, after, trusted=1.0):
    """An apply that is stopped once the server has seen `after` creates."""
    desk.write(MANY)
    sandbox.faults(latency_ms=[50, 250], only=["POST /session"])
    process = subprocess.Popen(
        [sys.executable, "-c", SOON.format(trusted), *APPLY],
        cwd=desk.folder, env=desk.environment, text=True,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= after)
    process.send_signal(signal.SIGSTOP)
    return process


@pytest.mark.parametrize("after", [1, 20])
def test_an_owner_that_was_stopped_sends_nothing_after_its_lock_was_taken_over(remote_desk, sandbox, after):
    desk, store = remote_desk, remote_desk.store
    process = _stopped_in_the_middle(desk, sandbox, after)
    store.ahead += OVER
    ended = desk.apply("--concurrency", "8")
    assert "taking over the expired lock" in ended.err
    desk.once_each(*NAMES)
    time.sleep(1.1)  # with the next apply this is longer than a proof is trusted
    posts, stored = desk.writes()["POST"], store.stored
    process.send_signal(signal.SIGCONT)
    ended = desk.finish(process, code=6)
    assert re.search(r"the lock of the state .* is lost", ended.err)
    assert "repeat the command" in " ".join(ended.err.split())
    assert desk.writes()["POST"] == posts
    assert store.stored == stored
    assert store.lock is None
    desk.once_each(*NAMES)


def test_an_owner_that_was_stopped_leaves_the_lock_of_the_next_one_alone(plain_desk, sandbox):
    """The next owner is still at work, in a store that frees any lock whatever the ID."""
    desk, store = plain_desk, plain_desk.store
    store.naive = True
    process = _stopped_in_the_middle(desk, sandbox, 10)
    store.lock = {**store.lock, "ID": f"{uuid.uuid4()}.{int(time.time() + OVER)}.bob@ci", "Who": "bob@ci"}
    theirs = store.lock_id
    time.sleep(1.1)
    sandbox.wait_until(lambda: len(sandbox.sessions()) == desk.writes()["POST"])
    posts, stored = desk.writes()["POST"], store.stored
    process.send_signal(signal.SIGCONT)
    ended = desk.finish(process, code=6)
    assert "bob@ci" in ended.err
    assert desk.writes()["POST"] == posts
    assert store.stored == stored
    assert store.lock_id == theirs
    store.lock = None
    desk.apply()
    desk.once_each(*NAMES)


def test_stopped_owner_that_still_has_the_lock_continues(remote_desk, sandbox):
    desk, store = remote_desk, remote_desk.store
    process = _stopped_in_the_middle(desk, sandbox, 10)
    time.sleep(1.5)
    process.send_signal(signal.SIGCONT)
    desk.finish(process)
    assert store.lock is None
    desk.once_each(*NAMES)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_same_with_the_minute_that_users_have(plain_desk, sandbox):
    desk, store = plain_desk, plain_desk.store
    process = _stopped_in_the_middle(desk, sandbox, 20, TRUSTED)
    begun = time.monotonic()
    store.ahead += OVER
    desk.apply("--concurrency", "8")
    time.sleep(max(0.0, TRUSTED + 2 - (time.monotonic() - begun)))
    posts = desk.writes()["POST"]
    process.send_signal(signal.SIGCONT)
    desk.finish(process, code=6)
    assert desk.writes()["POST"] == posts
    desk.once_each(*NAMES)


def test_a_stopped_owner_of_a_local_state_keeps_its_lock(desk, sandbox):
    """However old its lock file is: the lock of the operating system is the truth on one machine."""
    process = _stopped_in_the_middle(desk, sandbox, 10)
    time.sleep(1.1)
    ended = desk("apply", "--yes", code=6)
    assert f"process {process.pid}" in ended.err
    process.send_signal(signal.SIGCONT)
    desk.finish(process)
    assert sorted(desk.live()) == sorted(NAMES)
    assert len(sandbox.sessions()) == COUNT


@pytest.mark.parametrize("fast", [2, -2], ids=["fast", "slow"])
def test_the_clock_of_this_machine_does_not_decide_whether_a_lock_has_expired(remote_desk, fast):
    """The clock of this machine is two hours off that of the store and of the owner."""
    desk, store = remote_desk, remote_desk.store
    desk.write({**MANY, "replicas": 2})
    store.ahead = -fast * 3600.0
    now = time.time() + store.ahead

    def lock(expires):
        store.lock = {"ID": f"{uuid.uuid4()}.{int(expires)}.bob@ci-7", "Who": "bob@ci-7"}

    lock(now + LEASE / 2)
    ended = desk("apply", "--yes", code=6)
    assert "bob@ci-7" in ended.err
    assert "expires in" in ended.err
    assert desk.writes() == {}
    lock(now - 2 * SLACK)
    ended = desk.apply()
    assert len(re.findall(r"the clock of this machine is 2 h", ended.err)) == 1
    desk.once_each("reduce-1", "reduce-2")


def test_without_a_date_of_the_store_no_lock_is_taken_over(remote_desk):
    desk, store = remote_desk, remote_desk.store
    desk.write({**MANY, "replicas": 2})
    store.dated = False
    store.lock = {"ID": f"{uuid.uuid4()}.{int(time.time()) - 90000}.bob@ci-7", "Who": "bob@ci-7"}
    ended = desk("apply", "--yes", code=6)
    assert f"state unlock {store.lock_id}" in " ".join(ended.err.split())
    desk("state", "unlock", store.lock_id)
    desk.apply()
    desk.once_each("reduce-1", "reduce-2")
    assert store.lock is None
