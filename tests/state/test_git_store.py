"""The state in git against real repositories: locked, never over another's state, nothing lost, nothing of the user."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import shutil
import subprocess
import tempfile
import time
from contextlib import asynccontextmanager

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.errors import ExitCode, StateError, StateLocked
from skaha_apply.model.session import Kind
from skaha_apply.state.clocks import Clocks
from skaha_apply.state.codec import decode, encode
from skaha_apply.state.git.address import GitRemote
from skaha_apply.state.git.remote import Patience
from skaha_apply.state.git.store import GitStore
from skaha_apply.state.remote.left_locks import LEFT_LOCKS, MOST, LeftLocks
from skaha_apply.state.remote.rescue import rescue_path

STATE, LOCK = "refs/heads/skaha-state/survey", "refs/heads/skaha-lock/skaha-state/survey"
# What a remote does with the next pushes, one word a push: it dies before or after it has moved the branches.
FAULT = """#!/bin/sh
cd "$GIT_DIR" || exit 1
word=$(head -n 1 faults)
case "$word" in "") exit 0 ;; {passed}) exit 0 ;; esac
sed -i 1d faults
case "$word" in slow|late) sleep 0.5 ;; hang) sleep 30 ;; refuse) echo "GH006: protected branch" >&2; exit 1 ;;
*) kill -9 $PPID ;; esac
"""


class Repository:
    """A bare repository; `fail` orders faults of the next pushes."""

    def __init__(self, path):
        self.path = path

    def git(self, *words, data=None):
        words = ["git", "--git-dir", str(self.path), "-c", "user.name=a", "-c", "user.email=a@b", *words]
        return subprocess.run(words, check=True, capture_output=True, input=data).stdout.decode()

    @property
    def refs(self):
        lines = self.git("for-each-ref", "--format=%(refname) %(objectname)").split("\n")
        return dict(line.split() for line in lines if line)

    @property
    def stored(self):
        return decode(self.git("show", f"{STATE}:state.json").encode(), "git")

    def fail(self, *words):
        (self.path / "faults").write_text("".join(f"{word}\n" for word in words))
        for name, passed in (("pre-receive", "lose|late"), ("post-receive", "drop|slow|hang|refuse")):
            hook = self.path / "hooks" / name
            hook.write_text(FAULT.format(passed=passed))
            hook.chmod(0o755)

    def put(self, data, name="state.json", ref=STATE):
        """Store it without the lock, as somebody who edits the branch by hand does."""
        blob = self.git("hash-object", "-w", "--stdin", data=data).strip()
        tree = self.git("mktree", data=f"100644 blob {blob}\t{name}\n".encode()).strip()
        self.git("update-ref", ref, self.git("commit-tree", tree, "-m", "by hand").strip())


@pytest.fixture
def remote(repository):
    return Repository(repository)


@pytest.fixture
def opened(tmp_path, remote, notes):
    """A function that returns a store; each further invocation returns another one, as another process."""
    rescue = rescue_path(tmp_path / ".skaha-apply" / "a.org" / "survey.state.json")

    def make(url=remote.path, clocks=None, limit=30.0, **given):
        patience = Patience(limit, (0.0, 0.05, 0.1))
        address = GitRemote(str(url), "skaha-state/survey", **given)
        return GitStore(address, rescue, observe=notes, clocks=clocks, patience=patience)

    make.rescue = rescue
    return make


@asynccontextmanager
async def locked(store, operation="apply"):
    await store.acquire(operation, 0)
    try:
        yield store
    finally:
        await store.release()


def test_a_state_is_locked_written_read_and_unlocked(opened, remote, make_document, notes):
    async def main():
        store = opened()
        assert await store.read() is None
        assert await store.check_free()
        async with locked(store):
            assert await store.read() is None
            await store.write(first := make_document(1, writer="w"))
            assert await store.read() is first
            await store.write(make_document(2, writer="w", replicas=400))
            assert sorted(remote.refs) == [LOCK, STATE]
        assert sorted(remote.refs) == [STATE]
        other = opened()
        assert await other.read() == make_document(2, writer="w", replicas=400)
        assert decode(await other.read_bytes(), "git").serial == 2
        async with locked(other):
            await other.remove()
        assert remote.refs == {}
        assert await store.read() is None

    asyncio.run(main())
    assert notes == []
    assert not opened.rescue.parent.exists()


def test_the_branch_has_one_readable_file_in_one_commit_without_parent(opened, remote, make_document):
    async def main():
        async with locked(opened()) as store:
            for serial in (1, 2, 3):
                await store.write(make_document(serial))

    asyncio.run(main())
    assert remote.git("log", "--format=%an %s %P|", STATE).strip() == "skaha-apply survey: serial 3 |"
    assert remote.git("ls-tree", "-r", "--name-only", STATE).split() == ["state.json"]
    assert json.loads(remote.git("show", f"{STATE}:state.json"))["serial"] == 3


def test_a_history_keeps_the_last_commits(opened, remote, make_document):
    async def write(*serials):
        async with locked(opened(history=3)) as store:
            await store.read()
            for serial in serials:
                await store.write(make_document(serial))

    asyncio.run(write(1, 2))
    assert remote.git("log", "--format=%s", STATE).split("\n")[:-1] == ["survey: serial 2", "survey: serial 1"]
    asyncio.run(write(3, 4, 5))
    asyncio.run(write(6))
    shown = remote.git("log", "--format=%s", STATE).split("\n")[:-1]
    assert shown == ["survey: serial 6", "survey: serial 5", "survey: serial 4"]
    assert json.loads(remote.git("show", f"{STATE}~2:state.json"))["serial"] == 4


def test_the_last_write_frees_the_lock_in_the_same_push(opened, remote, make_document, tmp_path):
    """The remote counts the pushes: the lock, the intents, and the last state with the unlock."""
    hook = remote.path / "hooks" / "pre-receive"
    hook.write_text('#!/bin/sh\ncat >> "$GIT_DIR/pushes"; echo end >> "$GIT_DIR/pushes"\n')
    hook.chmod(0o755)

    async def main():
        store = opened()
        async with locked(store):
            await store.read()
            await store.write(make_document(1))
            await store.write(make_document(2), last=True)
            assert sorted(remote.refs) == [STATE]
            assert await opened().check_free()

    asyncio.run(main())
    pushes = (remote.path / "pushes").read_text().split("end\n")[:-1]
    assert [len(push.splitlines()) for push in pushes] == [1, 2, 2]


def test_a_locked_state_names_the_owner_the_age_and_the_command_that_breaks_the_lock(opened, remote, make_document):
    async def main():
        first, second = opened(), opened()
        await first.acquire("apply", 0)
        await first.write(make_document(1))
        for attempt in (second.acquire("mark", 0), second.check_free()):
            with pytest.raises(StateLocked) as caught:
                await attempt
            assert caught.value.exit_code is ExitCode.LOCKED
            assert re.search(r"locked by .*@.* \(process \d+\), operation apply, since 2.* ago\)", caught.value.message)
            assert "A lock in git never expires" in caught.value.hint
        lock_id = re.search(r"state unlock (\S+)`", caught.value.hint)[1]
        with pytest.raises(StateError, match=f"another ID than x: {lock_id}, owned by .* ago"):
            await second.unlock("x")
        waiting = asyncio.ensure_future(second.acquire("apply", 30))
        await asyncio.sleep(0.2)
        assert not waiting.done()
        await first.release()
        await waiting
        await second.release()
        assert sorted(remote.refs) == [STATE]
        with pytest.raises(StateError, match="is not locked"):
            await second.unlock("x")

    asyncio.run(main())


def test_a_lock_is_never_taken_over_by_itself_and_its_age_is_shown(opened, remote, make_document, make_machine):
    async def main():
        await opened().acquire("apply", 0)  # and its process dies
        later = make_machine()
        later.sleep(3 * 86400)
        with pytest.raises(StateLocked, match=r"\(3 d ago\)") as caught:
            await opened(clocks=later.clocks).acquire("apply", 0)
        await opened().unlock(re.search(r"state unlock (\S+)`", caught.value.hint)[1])
        assert remote.refs == {}

    asyncio.run(main())


def test_a_broken_lock_stops_the_writes_and_keeps_the_state(opened, remote, make_document):
    async def main():
        store, other = opened(), opened()
        await store.acquire("apply", 0)
        await store.read()
        await other.unlock(store._lock.id)
        await other.acquire("apply", 0)
        theirs = remote.refs[LOCK]
        with pytest.raises(StateLocked, match=r"is lost: its owner is now .*saved in") as caught:
            await store.write(make_document(1))
        assert "push" not in caught.value.hint, "the new owner works from the stored state"
        await store.release()
        assert remote.refs == {LOCK: theirs}
        await other.release()

    asyncio.run(main())


def test_an_owner_that_writes_while_its_lock_is_broken_keeps_it(opened, remote, make_document):
    """The lock moves with each write, and `unlock` requires the commit that it has read."""

    def wall():
        """The owner writes in the moment between the reading of the lock and the push that deletes it."""
        moved = remote.git("commit-tree", f"{LOCK}^{{tree}}", "-m", "a write of the owner").strip()
        remote.git("update-ref", LOCK, moved)
        return time.time()

    async def main():
        store = opened()
        await store.acquire("apply", 0)
        with pytest.raises(StateError, match="was not freed, because its owner wrote meanwhile and still runs"):
            await opened(clocks=Clocks(wall=wall)).unlock(store._lock.id)
        assert list(remote.refs) == [LOCK]

    asyncio.run(main())


@pytest.mark.parametrize("faults", [["lose"], ["drop"], ["drop", "lose"], ["lose", "drop"]])
def test_an_unconfirmed_push_is_read_back_and_repeated_only_if_it_did_not_arrive(
    opened, remote, make_document, faults, notes
):
    async def main():
        store = opened()
        async with locked(store):
            await store.write(make_document(1, writer="w"))
            remote.fail(*faults)
            await store.write(make_document(2, writer="w"))
            assert remote.stored.serial == 2
            await store.write(make_document(3, writer="w"))
        assert remote.stored == make_document(3, writer="w")
        assert sorted(remote.refs) == [STATE]

    asyncio.run(main())
    assert notes == []


@pytest.mark.parametrize("fault", ["lose", "drop"])
def test_an_unconfirmed_lock_or_unlock_is_read_back(opened, remote, make_document, fault, notes):
    async def main():
        remote.fail(fault)
        store = opened()
        await store.acquire("apply", 0)
        await store.write(make_document(1))
        remote.fail(fault)
        await store.release()
        assert sorted(remote.refs) == [STATE]
        await store.acquire("apply", 0)
        remote.fail(fault)
        await store.write(make_document(2), last=True)
        await store.release()
        assert sorted(remote.refs) == [STATE]

    asyncio.run(main())
    assert notes == []


def test_a_remote_that_does_not_respond_ends_at_the_limit_and_the_state_is_rescued(opened, remote, make_document):
    async def main():
        store = opened(limit=1.0)
        await store.acquire("apply", 0)
        await store.write(make_document(1, writer="w"))
        remote.fail(*["hang"] * 3)
        with pytest.raises(StateError, match=r"no response within 1 s") as caught:
            await store.write(make_document(2, writer="w"))
        assert f"state push {opened.rescue} --state '{store.address}'" in caught.value.hint
        assert decode(opened.rescue.read_bytes(), "rescue").serial == 2

    asyncio.run(main())
    assert remote.stored.serial == 1


@pytest.mark.parametrize("fault", ["slow", "late"], ids=["before it arrives", "after it arrived"])
def test_a_canceled_write_may_arrive_and_the_next_one_follows(opened, remote, make_document, notes, fault):
    async def main():
        async with locked(opened()) as store:
            await store.write(make_document(1, writer="w"))
            remote.fail(fault)
            writing = asyncio.ensure_future(store.write(make_document(2, writer="w")))
            while (remote.path / "faults").read_text():  # noqa: ASYNC110 - the state of another process
                await asyncio.sleep(0.01)
            writing.cancel()
            with pytest.raises(asyncio.CancelledError):
                await writing
            assert decode(opened.rescue.read_bytes(), "rescue").serial == 2
            assert remote.stored.serial == (1 if fault == "slow" else 2)
            await store.write(make_document(3, writer="w"))
        assert remote.stored.serial == 3
        assert sorted(remote.refs) == [STATE]
        assert len(notes) == 1
        assert "interrupted; the new state is saved in" in notes[0]
        assert not opened.rescue.exists()

    asyncio.run(main())


def test_a_canceled_lock_leaves_no_lock(opened, remote):
    async def main():
        remote.fail("slow")
        asking = asyncio.ensure_future(opened().acquire("apply", 0))
        while (remote.path / "faults").read_text():  # noqa: ASYNC110 - the state of another process
            await asyncio.sleep(0.01)
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        assert remote.refs == {}

    asyncio.run(main())


OUTAGE = """#!/bin/sh
case " $* " in *" push "*|*" ls-remote "*|*" fetch "*) ;; *) exec {git} "$@" ;; esac
cd {folder} || exit 1
if [ -s down ]; then sed -i 1d down; echo "fatal: unable to access the remote" >&2; exit 128; fi
if [ ! -e breaks ]; then exec {git} "$@"; fi
mv breaks down; {git} "$@" >/dev/null 2>&1; echo "fatal: the remote end hung up" >&2; exit 128
"""


@pytest.fixture
def outage(tmp_path, monkeypatch):
    """A function that lets the next commands of git find no remote; `lost` first loses the response to a push."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(OUTAGE.format(git=shutil.which("git"), folder=folder))
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def begin(commands, *, lost=False):
        (folder / ("breaks" if lost else "down")).write_text("x\n" * commands)

    return begin


@pytest.mark.parametrize("commands", [1, 2], ids=["until it is freed", "longer"])
def test_a_lock_whose_push_had_no_response_does_not_lock_its_own_process_out(opened, remote, outage, notes, commands):
    remains = commands > 1

    async def main():
        outage(commands, lost=True)
        with pytest.raises(StateError, match="unable to access") as caught:
            await opened().acquire("apply", 0)
        assert not isinstance(caught.value, StateLocked)
        assert list(remote.refs) == [LOCK] * remains
        if remains:
            owner = json.loads(remote.git("show", f"{LOCK}:lock.json"))
            assert f"might remain; if the next run reports it, run `skaha-apply state unlock {owner['ID']}`" in notes[0]
        async with locked(opened()):
            assert list(remote.refs) == [LOCK]

    asyncio.run(main())
    assert len(notes) == remains
    assert remote.refs == {}


def test_a_remote_without_a_connection_gets_no_note_about_a_lock(opened, notes):
    with pytest.raises(StateError, match="cannot lock the state"):
        asyncio.run(opened("http://127.0.0.1:1/remote.git").acquire("apply", 0))
    assert notes == []


def test_a_lock_that_could_not_be_freed_does_not_lock_its_own_process_out(opened, remote, make_document, outage, notes):
    async def main():
        for serial in (1, 2):
            async with locked(opened()) as store:
                await store.write(make_document(serial))
                outage(2)
            assert sorted(remote.refs) == [LOCK, STATE]
        await opened().unlock(store._lock.id)
        await opened().acquire("apply", 0)
        theirs = remote.refs[LOCK]
        with pytest.raises(StateLocked):
            await opened().acquire("apply", 0)
        assert remote.refs[LOCK] == theirs, "a lock that was not left behind stays"

    asyncio.run(main())
    assert len(notes) == 2


def test_a_lock_that_was_freed_is_not_among_those_that_might_be_left(opened, remote, make_document, notes):
    hook = remote.path / "hooks" / "pre-receive"

    async def main():
        store = opened()
        await store.acquire("apply", 0)
        taken = remote.refs[LOCK]
        hook.write_text('#!/bin/sh\ncat >> "$GIT_DIR/pushes"\nkill -9 $PPID\n')
        hook.chmod(0o755)
        with pytest.raises(StateError, match="saved in"):
            await store.write(make_document(1))
        hook.unlink()
        await store.release()
        return taken

    taken = asyncio.run(main())
    assert remote.refs == {}
    pushes = [line.split() for line in (remote.path / "pushes").read_text().splitlines()]
    locks = {new for _, new, ref in pushes if ref == LOCK}
    assert len(pushes) == 6
    assert not any(one in LEFT_LOCKS for one in {taken, *locks})
    assert notes == []


def test_the_locks_that_might_be_left_are_at_most_the_newest_ones():
    left = LeftLocks()
    left.add(*map(str, range(MOST)))
    left.add(str(MOST))
    assert "0" not in left
    assert all(str(number) in left for number in range(1, MOST + 1))


def test_the_last_write_is_confirmed_although_another_process_already_has_the_lock(
    opened, remote, make_document, notes
):
    """The response to the push that stores and unlocks is lost, and another process locks before it is read back."""
    remote.put(b"{}", name="lock.json", ref="refs/heads/theirs")
    theirs = remote.refs["refs/heads/theirs"]

    async def main():
        store = opened()
        await store.acquire("apply", 0)
        await store.write(make_document(1, writer="w"))
        hook = remote.path / "hooks" / "post-receive"
        hook.write_text(f"#!/bin/sh\ngit update-ref {LOCK} {theirs}\nkill -9 $PPID\n")
        hook.chmod(0o755)
        await store.write(make_document(2, writer="w"), last=True)
        await store.release()

    asyncio.run(main())
    assert remote.stored == make_document(2, writer="w")
    assert remote.refs[LOCK] == theirs
    assert notes == []
    assert not opened.rescue.exists()


def test_a_branch_that_moved_without_the_lock_is_never_overwritten(opened, remote, make_document):
    async def main():
        async with locked(opened()) as store:
            await store.write(make_document(1, writer="w"))
            remote.put(encode(make_document(2, writer="other")))
            with pytest.raises(StateError, match=r"it was serial 1 .* and is now serial 2 .*saved in"):
                await store.write(make_document(2, writer="w"))
            assert remote.stored.writer == "other"
            remote.put(encode(make_document(1, writer="w", replicas=2)))
            with pytest.raises(StateError, match="its branch was changed"):
                await store.write(make_document(2, writer="w"))
        assert remote.stored.serial == 1
        assert sorted(remote.refs) == [STATE]

    asyncio.run(main())


def test_another_lineage_or_an_older_serial_is_not_written(opened, remote, make_document):
    async def main():
        async with locked(opened()) as store:
            await store.write(make_document(5))
        for document, message in (
            (make_document(6, lineage="other"), "another lineage"),
            (make_document(5), "which is not newer"),
        ):
            async with locked(opened()) as store:
                with pytest.raises(StateError, match=message):
                    await store.write(document)
        with pytest.raises(StateError, match="not locked by this process"):
            await opened().write(make_document(7))

    asyncio.run(main())
    assert remote.stored.serial == 5


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (lambda text: text.replace(b'"running"', b'"done"'), "was changed after it was written: in replicas"),
        (lambda text: text[:-40], "is incomplete"),
        (lambda text: b"<<<<<<< HEAD\n" + text, "is not JSON"),
        (lambda text: b"", "is empty"),
    ],
)
def test_a_state_that_was_edited_by_hand_is_one_clear_message(opened, remote, make_document, edit, message):
    remote.put(edit(encode(make_document(4))))
    before = remote.refs

    async def main():
        async with locked(opened()) as store:
            with pytest.raises(StateError, match=message) as caught:
                await store.read()
            assert "backup" in caught.value.hint

    asyncio.run(main())
    assert remote.refs == before


def test_an_edit_without_the_digest_and_with_the_next_serial_is_read(opened, remote, make_document):
    body = json.loads(encode(make_document(4)))
    del body["digest"]
    remote.put(json.dumps(body | {"serial": 5}).encode())

    async def main():
        async with locked(opened()) as store:
            assert (await store.read()).serial == 5
            await store.write(make_document(6))

    asyncio.run(main())
    assert remote.stored.serial == 6


def test_a_branch_of_something_else_is_left_alone(opened, remote, make_document):
    remote.put(b"print()", name="main.py")
    before = remote.refs

    async def main():
        async with locked(opened()) as store:
            with pytest.raises(StateError, match=r"it contains main.py, not only state.json"):
                await store.write(make_document(1))

    asyncio.run(main())
    assert remote.refs == before


@pytest.mark.parametrize("writes", [22, pytest.param(500, marks=pytest.mark.slow)])
def test_after_many_writes_branch_and_lock_are_smaller_than_twice_the_state(opened, remote, make_document, writes):
    """Nothing of the writes but the last remains, so few of them show the same as many."""
    size = len(encode(make_document(writes, replicas=300)))

    async def main():
        async with locked(opened()) as store:
            for serial in range(1, writes + 1):
                await store.write(make_document(serial, replicas=300))
            objects = sum(len(files) for _, _, files in os.walk(f"{store._objects.folder}/objects"))
            assert objects < 60, "the private repository keeps no objects of earlier writes"

    asyncio.run(main())
    remote.git("gc", "--quiet", "--prune=now")
    used = sum(path.stat().st_size for path in (remote.path / "objects").rglob("*") if path.is_file())
    assert used < 2 * size


def test_an_intent_that_is_refused_by_a_protected_branch_is_a_named_error(opened, remote, make_document):
    async def main():
        async with locked(opened()) as store:
            remote.fail("refuse")
            with pytest.raises(StateError, match=r"protected branch.*saved in") as caught:
                await store.write(make_document(1))
            assert "skaha-lock/*" in caught.value.hint

    asyncio.run(main())
    assert remote.refs == {}


def test_ids_of_interactive_sessions_do_not_reach_the_repository(opened, remote, make_document):
    document = make_document(1)
    spec = document.specs["s1"].model_copy(update={"kind": Kind.NOTEBOOK})
    records = tuple(replace(one, past=("oldid001",)) for one in document.replicas)
    document = replace(document, specs={"s1": spec}, replicas=records)

    async def main():
        store = opened()
        async with locked(store):
            await store.write(document)
            assert await store.read() is document, "the process that wrote the IDs still knows them"
        found = await opened().read()
        assert all(
            re.fullmatch("id-[0-9a-f]{4}", one) for record in found.replicas for one in (record.id, *record.past)
        )

    asyncio.run(main())
    text = remote.git("show", f"{STATE}:state.json")
    assert "id000001" not in text
    assert "oldid001" not in text


@pytest.fixture
def commands(tmp_path, monkeypatch):
    """The command lines of git that the tool runs, from a program in front of it."""
    log, folder = tmp_path / "commands", tmp_path / "bin"
    folder.mkdir()
    (folder / "git").write_text(f'#!/bin/sh\necho "$@" >> {log}\nexec {shutil.which("git")} "$@"\n')
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    return lambda: [line for line in log.read_text().splitlines() if "-c core.hooksPath=/dev/null" in line]


def test_no_push_is_forced_and_each_names_what_it_replaces(opened, remote, make_document, commands):
    async def main():
        async with locked(opened()) as store:
            await store.read()
            await store.write(make_document(1))
            remote.fail("lose")
            await store.write(make_document(2))
            await store.remove()
        await store.acquire("apply", 0)
        await opened().unlock(store._lock.id)

    asyncio.run(main())
    pushes = [shlex.split(line.partition(" push ")[2]) for line in commands() if " push " in line]
    assert len(pushes) >= 7
    for push in pushes:
        leases, (_, *specs) = [word for word in push if "lease" in word], push[push.index("--") + 1 :]
        assert "--atomic" in push
        assert not {"--force", "-f", "--mirror", "--force-if-includes"} & set(push)
        assert not [spec for spec in specs if spec.startswith("+")]
        leased = [lease.removeprefix("--force-with-lease=").rpartition(":")[0] for lease in leases]
        assert leased == [spec.rpartition(":")[2] for spec in specs]
    assert not [line for line in commands() if re.search(r" fetch .*\+", line)]


def test_a_fresh_proof_runs_no_command_and_many_who_ask_at_once_are_one(opened, commands, make_machine):
    async def main():
        machine = make_machine()
        store = opened(clocks=machine.clocks)
        await store.acquire("apply", 0)
        before = len(commands())
        await store.check_lock()
        assert len(commands()) == before
        machine.sleep(120)
        await asyncio.gather(*(store.check_lock() for _ in range(32)))
        assert ["ls-remote" in line for line in commands()[before:]] == [True]
        await store.release()

    asyncio.run(main())


def test_two_writers_wait_for_each_other(opened, remote, make_document):
    """Each adds one to the serial, four times; none is lost."""

    async def writer():
        for _ in range(4):
            store = opened()
            while True:
                try:
                    await store.acquire("apply", 0)
                    break
                except StateLocked:
                    await asyncio.sleep(0.02)
            found = await store.read()
            await store.write(make_document(1 if found is None else found.serial + 1), last=True)

    async def main():
        await asyncio.gather(writer(), writer())

    begun = time.monotonic()
    asyncio.run(main())
    assert remote.stored.serial == 8, time.monotonic() - begun
    assert sorted(remote.refs) == [STATE]


def test_without_a_folder_for_temporary_files_the_error_names_it(opened, monkeypatch):
    def refuse(**_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(StateError, match="No space left on device") as caught:
        asyncio.run(opened().read())
    assert "TMPDIR" in caught.value.hint
