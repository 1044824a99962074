"""The lock of a local state against real processes: one at a time, and the lock of a dead one is free."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from skaha_apply.model.errors import ExitCode, StateError, StateLocked
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.lease import LEASE, SLACK
from skaha_apply.state.local.store import LocalStore
from skaha_apply.state.lock_owner import LockOwner, from_json, to_json

HOLD = """
import asyncio, sys
from pathlib import Path
from skaha_apply.state.local.store import LocalStore

async def main():
    store = LocalStore(Path(sys.argv[1]))
    await store.acquire("apply", 30)
    print("held", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    await store.release()
    print("free", flush=True)

asyncio.run(main())
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "survey.state.json"


@pytest.fixture
def lock(tmp_path):
    return tmp_path / "survey.state.lock"


@pytest.fixture
def lock_owner(path):
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def take(path, timeout=0.0, **options):
    async def main():
        store = LocalStore(path, **options)
        await store.acquire("plan", timeout)
        await store.release()

    asyncio.run(main())


def force(path, lock_id):
    asyncio.run(LocalStore(path).unlock(lock_id))


def test_a_locked_state_names_the_owner_and_the_time(path, lock_owner):
    with pytest.raises(StateLocked) as caught:
        take(path)
    assert re.search(
        rf"the state {re.escape(str(path))} is locked by \S+@\S+ \(process {lock_owner.pid}\), operation apply, "
        r"since \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(\d+ s ago\)$",
        caught.value.message,
    )
    assert "--lock-timeout" in caught.value.hint
    assert caught.value.exit_code is ExitCode.LOCKED


def test_the_lock_file_has_the_keys_of_terraform(path, lock, lock_owner):
    body = json.loads(lock.read_text())
    assert {"ID", "Operation", "Info", "Who", "Version", "Created", "Path"} <= set(body)
    assert body["Path"] == str(path)
    assert body["Pid"] == lock_owner.pid
    assert body["Created"].endswith("Z")


def test_a_waiting_one_gets_the_lock_when_it_is_given_back(path, lock_owner):
    async def main():
        store = LocalStore(path)
        waiting = asyncio.ensure_future(store.acquire("apply", 30))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        lock_owner.stdin.write("\n")
        lock_owner.stdin.flush()
        await waiting
        await store.release()

    asyncio.run(main())
    assert lock_owner.stdout.readline() == "free\n"


def test_the_lock_of_a_killed_process_is_free(path, lock, lock_owner):
    lock_owner.send_signal(signal.SIGKILL)
    lock_owner.wait()
    assert lock.read_bytes() != b""
    take(path)
    assert lock.read_bytes() == b""


def test_the_lock_of_a_living_process_cannot_be_broken(path, lock, lock_owner):
    lock_id = json.loads(lock.read_text())["ID"]
    with pytest.raises(StateError, match=rf"a running process has the lock .*process {lock_owner.pid}") as caught:
        force(path, lock_id)
    assert "End that process" in caught.value.hint
    with pytest.raises(StateLocked):
        take(path)


def test_two_stores_in_one_process_exclude_each_other(path):
    async def main():
        one, other = LocalStore(path), LocalStore(path)
        await one.acquire("apply", 0)
        with pytest.raises(StateLocked, match=rf"process {os.getpid()}"):
            await other.acquire("apply", 0)
        with pytest.raises(StateLocked):
            await one.acquire("apply", 0)
        await one.release()
        await other.acquire("apply", 0)
        await other.release()
        await other.release()

    asyncio.run(main())


def test_of_many_at_once_one_has_it_at_a_time(path):
    held = []

    async def work(number):
        store = LocalStore(path)
        await store.acquire(str(number), 60)
        held.append(number)
        assert len(held) == 1
        await asyncio.sleep(0)
        held.clear()
        await store.release()

    async def main():
        await asyncio.gather(*(work(number) for number in range(6)))

    asyncio.run(main())


def test_canceled_wait_takes_no_lock(path):
    async def main():
        for pause in (0, 0.001, 0.003):
            store = LocalStore(path)
            waiting = asyncio.ensure_future(store.acquire("apply", 10))
            await asyncio.sleep(pause)
            waiting.cancel()
            await asyncio.wait([waiting])
            if not waiting.cancelled():
                await store.release()
            other = LocalStore(path)
            await other.acquire("apply", 0)
            await other.release()

    asyncio.run(main())


def test_a_lock_file_removed_while_it_is_locked_does_not_stop_the_next(path, lock):
    async def main():
        one, other = LocalStore(path), LocalStore(path)
        await one.acquire("apply", 0)
        lock.unlink()
        await other.acquire("apply", 0)
        await one.release()
        with pytest.raises(StateLocked):
            await LocalStore(path).acquire("apply", 0)
        await other.release()

    asyncio.run(main())


ELSEWHERE = LockOwner(
    id="1111-2222",
    operation="apply",
    who="anna@far-away",
    created=int(time.time()) - 600,
    expires=int(time.time()) + 3000,
    pid=7,
    boot="other",
)


def written(lock, ago, lock_owner=ELSEWHERE):
    """A lock file that its owner wrote some seconds ago, by the clock of the file system."""
    lock.write_bytes(to_json(lock_owner))
    os.utime(lock, (time.time() - ago, time.time() - ago))


def test_the_lock_of_another_machine_holds_until_its_lease_ends(path, lock):
    written(lock, 600)
    with pytest.raises(StateLocked, match=r"anna@far-away \(process 7\).* min ago\), expires in ") as caught:
        take(path)
    assert "state unlock 1111-2222" in caught.value.hint
    written(lock, LEASE + SLACK / 2)
    with pytest.raises(StateLocked, match="expired since 30 s"):
        take(path)
    written(lock, LEASE + SLACK + 5)
    take(path)


@pytest.mark.parametrize("hours", [-30, -2, 2, 30])
def test_neither_clock_of_two_machines_decides_about_a_lease(path, lock, hours):
    """The clock of the owner is wrong, and so is its text; or the clock of the process that takes the lock is wrong."""
    wrong = time.time() + hours * 3600
    for named, now in (
        (LockOwner(**{**_fields(ELSEWHERE), "expires": wrong}), time.time),
        (ELSEWHERE, lambda: wrong),
    ):
        written(lock, 600, named)
        with pytest.raises(StateLocked, match="expires in 50 min"):
            take(path, clocks=Clocks(wall=now))
        written(lock, LEASE + SLACK + 5, named)
        take(path, clocks=Clocks(wall=now))


def _fields(owner):
    return {name: getattr(owner, name) for name in LockOwner.__slots__}


@pytest.mark.parametrize(("hours", "way"), [(2, "2 h ahead of"), (-30, "30 h behind")])
def test_a_wrong_clock_is_one_warning(path, hours, way):
    notes = []
    take(path, clocks=Clocks(wall=lambda: time.time() + hours * 3600), observe=lambda note: notes.append(note.text))
    assert len(notes) == 1
    assert f"the clock of this machine is {way} that of the file system" in notes[0]
    take(path, observe=notes.append)
    assert len(notes) == 1


def test_the_lock_of_another_machine_is_broken_with_its_id_only(path, lock):
    lock.write_bytes(to_json(ELSEWHERE))
    with pytest.raises(StateError, match="another ID than 3333: 1111-2222, owned by anna@far-away"):
        force(path, "3333")
    assert from_json(lock.read_bytes()) == ELSEWHERE
    force(path, "1111-2222")
    take(path)


def test_where_nothing_is_locked_there_is_nothing_to_break(path, lock):
    with pytest.raises(StateError, match="not locked"):
        force(path, "1")
    assert not lock.exists()
    take(path)
    with pytest.raises(StateError, match="not locked"):
        force(path, "1")


@pytest.mark.skipif(sys.platform != "linux", reason="the boot id is Linux's")
def test_another_container_on_the_same_machine_is_judged_by_the_systems_lock(path, lock, lock_owner):
    body = json.loads(lock.read_text())
    lock_owner.kill()
    lock_owner.wait()
    lock.write_text(json.dumps(body | {"Who": "root@another-container"}))
    take(path)


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"nonsense \xff", b'{"ID": 3}', b'{"ID": ""}'])
def test_an_empty_or_foreign_lock_file_is_free(path, lock, text):
    lock.write_bytes(text)
    take(path)


@pytest.mark.parametrize("hours", [0, -5])
def test_a_write_extends_the_lease_that_other_machines_see(path, lock, make_document, make_machine, hours):
    """Also when somebody sets the clock back meanwhile."""

    async def main():
        machine = make_machine()
        store = LocalStore(path, clocks=machine.clocks)
        await store.acquire("apply", 0)
        os.utime(lock, (time.time() - 2000, time.time() - 2000))
        machine.sleep(2000)
        machine.ahead = hours * 3600
        await store.write(make_document(1))
        assert lock.stat().st_mtime > time.time() - 60
        await store.release()

    asyncio.run(main())


def test_text_of_others_cannot_play_with_the_terminal():
    lock_owner = from_json(json.dumps({"ID": "x", "Who": "a\x1b[2J@b\n", "Created": "soon"}).encode())
    assert lock_owner.describe(0) == "a[2J@b"
