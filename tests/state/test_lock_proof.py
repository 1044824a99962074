"""A lock owner that slept or was stopped proves its lock and state before it continues, and stops if they are lost."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from skaha_apply.model.errors import ExitCode, StateError, StateLocked
from skaha_apply.state.clocks import TRUSTED, Clocks
from skaha_apply.state.git.address import GitRemote
from skaha_apply.state.git.store import GitStore
from skaha_apply.state.http.config import backend
from skaha_apply.state.http.store import HttpStore
from skaha_apply.state.lease import LEASE, SLACK
from skaha_apply.state.local.store import LocalStore
from skaha_apply.state.remote.rescue import rescue_path

OVER = LEASE + 2 * SLACK


@dataclass
class Place:
    """Where a state is kept, for several processes on several machines; all of them sleep by `pass_time` but one."""

    folder: Path
    server: object = None
    is_git: bool = False

    def open(self, machine, notes=None):
        observe = None if notes is None else lambda note: notes.append(note.text)
        if self.is_git:
            remote = GitRemote(str(self.folder / "remote.git"), "skaha-state/survey")
            rescue = rescue_path(self.folder / f"{id(machine)}.json")
            return GitStore(remote, rescue, observe=observe, clocks=machine.clocks)
        if self.server is None:
            return LocalStore(self.folder / "survey.state.json", clocks=machine.clocks, observe=observe)
        account = {"TF_HTTP_USERNAME": self.server.user, "TF_HTTP_PASSWORD": self.server.password}
        given = backend(self.server.address, account | {"TF_HTTP_RETRY_WAIT_MIN": "0", "TF_HTTP_RETRY_MAX": "1"})
        rescue = rescue_path(self.folder / f"{id(machine)}.json")
        return HttpStore(given, rescue, observe=observe, clocks=machine.clocks)

    def pass_time(self, seconds):
        """Time passes at the store. A lock file gets old, as that of another machine whose lock is not forwarded.

        A lock in git never expires, so a user breaks it.
        """
        if self.is_git:
            if seconds:
                self._git("update-ref", "-d", "refs/heads/skaha-lock/skaha-state/survey")
            return
        if self.server is not None:
            self.server.ahead += seconds
            return
        lock = self.folder / "survey.state.lock"
        changed = lock.stat().st_mtime - seconds
        lock.write_text(json.dumps(json.loads(lock.read_text()) | {"Who": "anna@far-away", "Boot": "far-away"}))
        os.utime(lock, (changed, changed))
        for descriptor in Path("/proc/self/fd").iterdir():
            if os.path.realpath(descriptor) == str(lock):
                fcntl.flock(int(descriptor.name), fcntl.LOCK_UN)

    def _git(self, *words):
        words = ["git", "--git-dir", str(self.folder / "remote.git"), *words]
        return subprocess.run(words, check=True, capture_output=True, text=True).stdout

    def locked_by(self):
        if self.is_git:
            return self._git("for-each-ref", "--format=%(objectname)", "refs/heads/skaha-lock") or None
        if self.server is not None:
            return self.server.lock and self.server.lock["ID"]
        text = (self.folder / "survey.state.lock").read_text()
        return text or None


@pytest.fixture(params=["plain", "naive", "gitlab", "file", "git"])
def run(request, plain, gitlab, tmp_path):
    """Runs `main(place)` with a place of each kind; `naive` frees any lock whatever the ID."""

    def start(main):
        async def served():
            if request.param == "file":
                return await main(Place(tmp_path))
            if request.param == "git":
                request.getfixturevalue("repository")
                return await main(Place(tmp_path, is_git=True))
            kind = gitlab if request.param == "gitlab" else plain
            async with kind(naive=True) if request.param == "naive" else kind() as server:
                return await main(Place(tmp_path, server))

        return asyncio.run(served())

    return start


def test_a_fresh_proof_asks_nothing_and_an_old_one_is_made_again(run, make_document, make_machine):
    async def main(place):
        machine = make_machine()
        store = place.open(machine)
        await store.acquire("apply", 0)
        await store.read()
        await store.write(make_document(1))
        count = len(place.server.requests) if place.server else 0
        machine.sleep(TRUSTED / 2)
        await store.check_lock()
        assert not place.server or len(place.server.requests) == count
        machine.sleep(TRUSTED)
        place.server or place.pass_time(0)
        await store.check_lock()
        assert not place.server or len(place.server.requests) == count + 2
        await store.check_lock()
        assert not place.server or len(place.server.requests) == count + 2
        await store.write(make_document(2))
        await store.release()
        assert place.locked_by() is None

    run(main)


@pytest.mark.parametrize("clock", ["wall", "running"])
def test_either_clock_shows_that_time_has_passed(run, make_document, make_machine, clock):
    """CLOCK_MONOTONIC stands still in a suspended machine, and a wall clock may be set back meanwhile."""

    async def main(place):
        passed = [0.0]
        clocks = {"wall": time.time, "running": time.monotonic}
        clocks[clock] = lambda right=clocks[clock]: right() + passed[0]

        class Half:
            def __init__(self):
                self.clocks = Clocks(**clocks)

        store = place.open(Half())
        await store.acquire("apply", 0)
        await store.read()
        passed[0] += OVER
        place.pass_time(OVER)
        other = place.open(make_machine())
        await other.acquire("apply", 0)
        with pytest.raises(StateLocked):
            await store.check_lock()
        await other.release()

    run(main)


@pytest.mark.parametrize("done", ["nothing", "wrote", "released", "wrote and released"])
def test_a_sleeper_whose_lock_was_taken_over_stops(run, make_document, make_machine, done):
    async def main(place):
        sleeper, notes = make_machine(), []
        store = place.open(sleeper)
        await store.acquire("apply", 0)
        await store.read()
        await store.write(make_document(1, writer="sleeper"))
        sleeper.sleep(OVER)
        place.pass_time(OVER)
        other = place.open(make_machine(), notes)
        await other.acquire("apply", 0)
        await other.read()
        if "wrote" in done:
            await other.write(make_document(2, writer="other"))
        if "released" in done:
            await other.release()
        stored, theirs = await other.read(), place.locked_by()
        if done == "released" and place.server:
            await store.check_lock()  # nobody wrote, so it takes the freed lock again
            await store.release()
            return
        for _ in range(2):
            with pytest.raises(StateLocked, match="is lost: ") as caught:
                await store.check_lock()
            assert caught.value.exit_code is ExitCode.LOCKED
            with pytest.raises(StateLocked, match="is lost: "):
                await store.write(make_document(3, writer="sleeper"))
        await store.release()
        assert await other.read() == stored
        assert place.locked_by() == theirs
        await other.release()

    run(main)


def test_a_write_after_a_sleep_is_not_made_over_that_of_the_next_owner(run, make_document, make_machine):
    """The first thing that happens after a sleep may be a write."""

    async def main(place):
        sleeper = make_machine()
        store = place.open(sleeper)
        await store.acquire("apply", 0)
        await store.read()
        sleeper.sleep(OVER)
        place.pass_time(OVER)
        other = place.open(make_machine())
        await other.acquire("apply", 0)
        theirs = place.locked_by()
        with pytest.raises(StateLocked):
            await store.write(make_document(1))
        await store.release()
        assert place.locked_by() == theirs
        assert await other.read() is None
        await other.release()

    run(main)


def test_a_release_after_a_sleep_leaves_the_next_owners_lock_alone(run, make_machine):
    async def main(place):
        sleeper = make_machine()
        store = place.open(sleeper)
        await store.acquire("apply", 0)
        sleeper.sleep(OVER)
        place.pass_time(OVER)
        other = place.open(make_machine())
        await other.acquire("apply", 0)
        theirs = place.locked_by()
        await store.release()
        assert place.locked_by() == theirs
        await other.release()

    run(main)


def test_a_proof_without_a_response_allows_no_request(plain, tmp_path, make_machine):
    async def main():
        async with plain() as server:
            machine = make_machine()
            store = Place(tmp_path, server).open(machine)
            await store.acquire("apply", 0)
            machine.sleep(2 * TRUSTED)
            server.fail("LOCK", "drop", "drop", 503, 503)
            for _ in range(2):
                with pytest.raises(StateError) as caught:
                    await store.check_lock()
                assert not isinstance(caught.value, StateLocked)
            await store.check_lock()
            await store.release()
            assert server.lock is None

    asyncio.run(main())


def test_many_who_ask_at_once_are_one_proof(plain, tmp_path, make_machine):
    async def main():
        async with plain() as server:
            machine = make_machine()
            store = Place(tmp_path, server).open(machine)
            await store.acquire("apply", 0)
            machine.sleep(2 * TRUSTED)
            await asyncio.gather(*(store.check_lock() for _ in range(32)))
            assert len(server.seen("LOCK")) == 2
            await store.release()

    asyncio.run(main())


@pytest.mark.parametrize("hours", [-5, -2, 2, 5])
@pytest.mark.parametrize("wrong", ["owner", "next"])
def test_a_wrong_clock_does_not_decide_when_a_lock_expires(dialect, tmp_path, make_machine, wrong, hours):
    async def main():
        async with dialect() as server:
            place, ahead = Place(tmp_path, server), {wrong: hours * 3600}
            of_owner, of_next = [], []
            owner = place.open(make_machine(ahead=ahead.get("owner", 0)), of_owner)
            await owner.acquire("apply", 0)
            way = f"{abs(hours)} h {'ahead of' if hours > 0 else 'behind'} that of the state store"
            assert [way in note for note in of_owner] == ([True] if wrong == "owner" else [])
            taker = place.open(make_machine(ahead=ahead.get("next", 0)), of_next)
            with pytest.raises(StateLocked, match="expires in 60 min"):
                await taker.acquire("apply", 0)
            server.ahead += OVER
            await taker.acquire("apply", 0)
            assert [note for note in of_next if "taking over" in note]
            await taker.release()

    asyncio.run(main())


@pytest.mark.parametrize("hours", [-2, 0, 2])
def test_a_store_without_a_date_gives_no_proof_of_expiry(dialect, tmp_path, make_machine, hours):
    async def main():
        async with dialect(dated=False) as server:
            place = Place(tmp_path, server)
            machine = make_machine()
            owner = place.open(machine)
            await owner.acquire("apply", 0)
            assert server.lock_id.split(".", 2)[1:] == ["-", server.lock_id.split(".", 2)[2]]
            assert "@" in server.lock_id
            machine.sleep(10 * OVER)
            later = make_machine(ahead=hours * 3600)
            later.sleep(10 * OVER)
            with pytest.raises(StateLocked):
                await place.open(later).acquire("apply", 0)
            # Another owner's expiry is of no use either.
            server.lock["ID"] = "0d7f6f2e-4a0b-4f5e-9a44-0c5d3b1f9a10.1000000000.bob@ci"
            with pytest.raises(StateLocked):
                await place.open(later).acquire("apply", 0)

    asyncio.run(main())


def test_a_store_without_a_response_to_head_gets_its_expiry_by_an_extension(dialect, tmp_path, make_machine):
    async def main():
        async with dialect() as server:
            server.fail("HEAD", "drop")
            store = Place(tmp_path, server).open(make_machine())
            await store.acquire("apply", 0)
            assert abs(float(server.lock_id.split(".")[1]) - time.time() - LEASE) < 60
            await store.release()
            assert server.lock is None

    asyncio.run(main())


def test_an_owner_that_was_stopped_while_it_took_the_lock_has_a_whole_lease(plain, tmp_path, make_machine):
    """The time that its ID was made from was old when the store got it; so it is extended at once."""

    async def main():
        async with plain() as server:
            store = Place(tmp_path, server).open(make_machine())
            asked = server.on_lock
            server.on_lock = lambda request: setattr(server, "ahead", max(server.ahead, 7200.0)) or asked(request)
            await store.acquire("apply", 0)
            assert float(server.lock_id.split(".")[1]) > time.time() + 7200 + LEASE - 60
            await store.release()
            assert server.lock is None

    asyncio.run(main())
