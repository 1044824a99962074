"""Apply and plan with the state in a store over http: locked, never over another's state, nothing lost or twice."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
import uuid
from urllib.parse import quote

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.state.codec import encode

SLEEP = {"name": "reduce", "replicas": 3, "cmd": "sleep", "args": ["600"]}
NAMES = ("reduce-1", "reduce-2", "reduce-3")


def test_the_state_lives_in_the_store_by_option_and_by_variables(remote_desk, sandbox):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    desk.use(store, address=False)
    desk.apply("--state", store.address)
    assert [record.name for record in store.stored.replicas] == list(NAMES)
    assert store.lock is None
    assert not list(desk.folder.rglob("*.state.json"))
    desk.use(store)
    assert desk.plan()["has_changes"] is False
    desk.apply()
    desk.once_each(*NAMES)
    assert store.lock is None
    assert not desk.rescue.exists()


def test_an_apply_that_changes_nothing_sends_no_state(remote_desk, sandbox):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    desk.apply()
    sandbox.wait_until(lambda: {one["status"] for one in desk.live().values()} == {"Running"})
    desk.apply()
    serial, sent = store.stored.serial, sum(map(store.is_write, store.requests))
    desk.apply()
    desk("refresh")
    assert (store.stored.serial, sum(map(store.is_write, store.requests))) == (serial, sent)


def test_the_second_of_two_applies_names_the_owner_of_the_lock(remote_desk, sandbox, one_line):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    sandbox.faults(latency_ms=1500, only=["POST /session"])
    first = desk.start("apply", "--yes", "--settle", "0.5s")
    sandbox.wait_until(lambda: store.lock is not None)
    lock = store.lock_id  # the first apply may have ended when its messages are read
    ended = desk("apply", "--yes", code=6)
    owner = lock.split(".", 2)[2]
    one_line(ended, rf"locked by .*{re.escape(owner)}", r"since 2", rf"state unlock {re.escape(lock)}")
    waiting = desk.start("apply", "--yes", "--settle", "0.5s", "--lock-timeout", "60s")
    desk.finish(first)
    desk.finish(waiting)
    desk.once_each(*NAMES)


def test_the_lock_of_a_killed_process_is_shown_and_freed_by_its_id(remote_desk, sandbox, one_line):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    sandbox.faults(latency_ms=2000, only=["POST /session"])
    process = desk.start("apply", "--yes")
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 1)
    process.kill()
    desk.finish(process, check=False)
    sandbox.wait_until(lambda: len(sandbox.sessions()) == 1)  # the server acts on it all the same
    sandbox.faults()
    left = store.lock_id
    one_line(desk("apply", "--yes", code=6), r"locked by", r"since .* ago\)", re.escape(left))
    assert desk.plan()["has_changes"] in (True, False)  # a plan needs no lock
    one_line(desk("state", "unlock", "another", code=1), re.escape(left))
    assert store.lock_id == left
    desk("state", "unlock", left)
    desk.apply()
    desk.once_each(*NAMES)


def test_an_expired_lock_is_taken_over_with_a_warning(remote_desk):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    store.lock = {
        "ID": f"{uuid.uuid4()}.{int(time.time()) - 600}.bob@ci-7",
        "Who": "bob@ci-7",
        "Created": "2026-11-22T10:00:00Z",
    }
    ended = desk.apply()
    assert re.search(r"warning: taking over the expired lock of bob@ci-7.*expired since", ended.err)
    desk.once_each(*NAMES)
    assert store.lock is None


def test_state_that_the_store_refuses_at_the_end_is_rescued_and_can_be_pushed(remote_desk, one_line):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    store.rule = lambda request: 500 if store.is_write(request) and _is_last(request.body) else None
    ended = desk.apply(code=1)
    assert desk.rescue.exists()
    assert len(desk.live()) == 3
    push = re.search(r"`skaha-apply (state push [^`]+)`", " ".join(ended.err.split()))
    assert push, ended.err
    store.rule = None
    assert f"state push {desk.rescue}" in " ".join(desk("plan").err.split())
    pushed = desk(*push[1].split())
    assert "pushed to" in pushed.out
    assert "warning" not in pushed.err
    assert not desk.rescue.exists()
    plan = desk.plan()
    assert plan["has_changes"] is False
    assert plan["summary"]["unchanged"] == 3
    desk.apply()
    desk.once_each(*NAMES)


def test_hint_names_the_store_of_the_option(plain_desk):
    desk, store = plain_desk, plain_desk.store
    desk.use(store, address=False)
    desk.write(SLEEP)
    store.rule = lambda request: 500 if store.is_write(request) and _is_last(request.body) else None
    ended = desk.apply("--state", store.address, code=1)
    push = re.search(r"`skaha-apply (state push [^`]+)`", " ".join(ended.err.split()))
    store.rule = None
    desk(*push[1].split())
    assert not list(desk.folder.rglob("*.state.json"))
    assert desk.plan("--state", store.address)["summary"]["unchanged"] == 3


def test_run_continues_without_the_rescue_file(remote_desk):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    store.rule = lambda request: 500 if store.is_write(request) and _is_last(request.body) else None
    desk.apply(code=1)
    store.rule = None
    desk.apply()
    desk.once_each(*NAMES)
    assert desk.plan()["has_changes"] is False
    stored = store.stored
    refused = desk("state", "push", desk.rescue, code=1)
    assert "is not newer than the stored state" in refused.err
    assert store.stored == stored


def _is_last(body):
    """Whether it is the last write: the intents of all, and the id of the first, were stored before."""
    return sum("id" in record for record in json.loads(body).get("replicas", ())) > 1


@pytest.mark.parametrize("fault", [403, 413, 500])
def test_without_a_stored_intent_nothing_is_created(remote_desk, sandbox, one_line, fault):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    store.rule = lambda request: fault if store.is_write(request) else None
    sandbox.forget_requests()
    ended = desk.apply(code=1)
    assert str(fault) in ended.err
    assert desk.writes() == {}
    assert desk.live() == {}
    assert store.lock is None


def test_a_serial_that_moved_underneath_is_an_error_and_never_overwritten(remote_desk, sandbox):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    desk.apply()
    desk.write({**SLEEP, "replicas": 3, "args": ["601"]})
    sandbox.forget_requests()
    sandbox.faults(latency_ms=1500, only=["POST /session"])
    process = desk.start("apply", "--yes", "--settle", "0.5s")
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0) >= 1)
    theirs = replace(store.stored, serial=store.stored.serial + 1, writer="somebody")
    store.put(encode(theirs))
    ended = desk.finish(process, code=1)
    assert re.search(r"another process changed|422", ended.err)
    assert store.stored == theirs
    assert desk.rescue.exists()


@pytest.mark.parametrize("fault", ["lose", "drop", 502])
def test_an_unconfirmed_write_is_read_back(remote_desk, fault):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    seen = []

    def every_second(request):
        if not store.is_write(request):
            return None
        seen.append(request)
        return fault if len(seen) % 2 else None

    store.rule = every_second
    desk.apply()
    assert len(seen) >= 2
    desk.once_each(*NAMES)
    assert desk.plan()["has_changes"] is False
    assert not desk.rescue.exists()


ENDS_S = 7.5  # what is promised of an interrupt, with a little for the process itself


_LATER = [pytest.param(moment, marks=pytest.mark.slow) for moment in ("lock", "read", "end")]


@pytest.mark.parametrize("moment", ["intents", "creates", *_LATER])
def test_an_interrupt_ends_in_time_however_slow_the_store(remote_desk, sandbox, moment):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    writes = []

    def slow_from(request):
        writes.extend([request] if store.is_write(request) else [])
        reached = {"lock": True, "read": request.method == "GET", "intents": len(writes) > 0, "end": len(writes) > 1}
        return reached.get(moment, False)

    def met():
        return sandbox.requests(0)["counts"].get("POST /session", 0) if moment == "creates" else store.delay

    if moment == "creates":
        sandbox.faults(latency_ms=3000, only=["POST /session"])
    store.slow_from = slow_from
    process = desk.start("apply", "--yes", "--settle", "0.5s")
    sandbox.wait_until(met)
    store.delay = store.slow
    process.send_signal(signal.SIGINT)
    begun = time.monotonic()
    process.wait(60)
    took = time.monotonic() - begun
    ended = desk.finish(process, code=130)
    assert took < ENDS_S, f"{took:.1f} s\n{ended.err}"
    sandbox.faults()
    sandbox.wait_until(lambda: len(store.requests) == store.answered)
    store.slow_from, store.delay = None, 0.0
    if store.lock is not None:  # reported, with the command that frees it
        assert f"state unlock {store.lock_id}" in " ".join(ended.err.split())
        desk("state", "unlock", store.lock_id)
    desk.apply()
    desk.once_each(*NAMES)
    assert desk.plan()["has_changes"] is False


def _hears_hangups():
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # these tests themselves might run under nohup


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM], ids=lambda number: number.name)
def test_a_signal_among_the_creates_gives_the_lock_back(plain_desk, sandbox, number):
    desk, store = plain_desk, plain_desk.store
    desk.write(SLEEP)
    sandbox.faults(latency_ms=500, only=["POST /session"])
    process = desk.start("apply", "--yes", "--concurrency", "1", preexec_fn=_hears_hangups)
    sandbox.wait_until(lambda: sandbox.requests(0)["counts"].get("POST /session", 0))
    process.send_signal(number)
    desk.finish(process, code=130)
    assert store.lock is None
    sandbox.faults()
    desk.apply()
    desk.once_each(*NAMES)


def test_planning_needs_no_more_than_the_rights_to_read(gitlab_desk, sandbox, one_line):
    desk, store = gitlab_desk, gitlab_desk.store
    desk.write(SLEEP)
    desk.apply()
    desk.write({**SLEEP, "args": ["601"]})
    before = store.stored
    store.rule = lambda request: 403 if request.method != "GET" else None
    count = len(store.requests)
    assert desk.plan("--out", "p.json")["summary"]["replace"] == 3
    desk("status")
    assert {request.method for request in store.requests[count:]} == {"GET"}
    sandbox.forget_requests()
    ended = desk.apply(code=1)
    one_line(ended, r"cannot lock", r"Maintainer")
    assert desk.writes() == {}
    assert store.stored == before


@pytest.mark.parametrize("how", ["variables", "address"])
def test_the_password_is_in_no_output(remote_desk, how):
    desk, store = remote_desk, remote_desk.store
    desk.write(SLEEP)
    options = []
    if how == "address":
        desk.use(store, address=False)
        desk.environment.pop("TF_HTTP_USERNAME")
        desk.environment.pop("TF_HTTP_PASSWORD")
        options = ["--state", store.address.replace("//", f"//{quote(store.user)}:{quote(store.password)}@")]
    texts = []

    def checked(*words, code=0, **more):
        ended = desk(*words, *options, "-v", "-v", code=code, **more)
        texts.append(ended.out + ended.err)

    checked("apply", "--yes", "--settle", "0.5s")
    checked("plan", "--out", "p.json")
    checked("state", "pull", "--project", "survey")
    store.rule = lambda request: (500, store.password.encode())
    checked("plan", code=1)
    checked("apply", "--yes", code=1)
    store.rule = None
    checked("state", "unlock", "x", code=1)
    broken = "import skaha_apply.state.http.store as h, sys, skaha_apply.cli as c\n"
    broken += "def decode(*_): raise RuntimeError('broken')\nh.decode = decode\nsys.exit(c.main(sys.argv[1:]))"
    words = [sys.executable, "-c", broken, "refresh", *options, "-v", "-v"]
    done = subprocess.run(words, cwd=desk.folder, env=desk.environment, capture_output=True, text=True, check=False)
    assert "Traceback" in done.stderr
    texts += [done.stdout + done.stderr, (desk.folder / "p.json").read_text()]
    for text in texts:
        assert store.password not in text
        assert "s3cr3t" not in text


def test_several_projects_have_their_states_under_one_address(desk, serve, gitlab_states, one_line):
    store = serve(gitlab_states)
    desk.environment |= {"TF_HTTP_USERNAME": store.user, "TF_HTTP_PASSWORD": store.password}
    desk.environment |= {"TF_HTTP_RETRY_WAIT_MIN": "0", "TF_HTTP_ADDRESS": store.address}
    desk.write(SLEEP)
    desk.write(SLEEP | {"name": "other"}, project="second", name="second.yaml", state=store.address)
    desk.apply()
    assert {name: len(one.stored.replicas) for name, one in store.states.items()} == {"survey": 3, "second": 3}
    assert [one.lock for one in store.states.values()] == [None, None]
    desk("plan", "--detailed-exitcode")
    assert json.loads(desk("state", "pull", "--project", "second").out)["project"] == "second"
    one = store.address.replace("{project}", "one")
    one_line(desk("plan", "--state", one, code=4), r"one state", r"2 projects", r"write \{project\}")
    one_line(desk("plan", "--project", "second", "--state", one, code=1), r"declare the state", r"/second")
