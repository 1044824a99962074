"""The logs of failed replicas in the branch of a state: which are kept, how much of them, and in the same push."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from skaha_apply.lazy_dataclass import replace
from skaha_apply.model.session import Kind, Phase
from skaha_apply.model.state import Attempt
from skaha_apply.state.git.address import GitRemote
from skaha_apply.state.git.logs import FILE_LIMIT, TOTAL_LIMIT
from skaha_apply.state.git.store import GitStore
from skaha_apply.state.remote.rescue import rescue_path
from tests.counted_calls import calls_for_each_further

STATE = "refs/heads/skaha-state/survey"


@pytest.fixture
def branch(repository):
    """A function that gives the output of git in the repository."""

    def run(*words):
        done = subprocess.run(["git", "--git-dir", str(repository), *words], check=True, capture_output=True)
        return done.stdout.decode()

    return run


@pytest.fixture
def opened(tmp_path, repository):
    """A function that opens another store of the branch, as another process."""
    remote = GitRemote(str(repository), "skaha-state/survey")
    return lambda: GitStore(remote, rescue_path(tmp_path / "survey.state.json"))


def failed(document, *numbers, phase=Phase.FAILED, **changes):
    """The document, in which the replicas with these numbers have another phase."""
    changed = [
        replace(one, phase=phase, ended=float(one.replica), **changes) if one.replica in numbers else one
        for one in document.replicas
    ]
    return replace(document, replicas=tuple(changed))


def label(document, number):
    record = next(one for one in document.replicas if one.replica == number)
    return record.name, f"{record.attempt}-{record.id}"


async def write(store, document, *, last=False):
    if document.serial == 1:
        assert await store.read() is None
    await store.write(document, last=last)


def names(branch):
    listed = branch("ls-tree", "-r", "--name-only", STATE).split()
    assert listed.count("state.json") == 1
    return sorted(one for one in listed if one != "state.json")


def test_the_log_of_a_failed_replica_is_a_file_of_the_one_commit_until_it_is_done(opened, branch, make_document):
    async def main():
        first, store = failed(make_document(1, replicas=3), 1, 2), opened()
        await store.acquire("apply", 0)
        for number in (1, 2, 3):
            store.shared_logs.add(*label(first, number), f"line of {number}\n", "<none>")
        await write(store, first)
        paths = [f"logs/{'/'.join(label(first, number))}.log" for number in (1, 2)]
        assert names(branch) == sorted(paths)
        assert branch("show", f"{STATE}:{paths[1]}") == "line of 2\n"
        assert branch("rev-list", "--count", STATE).strip() == "1"
        store.shared_logs.add(*label(first, 2), "line of 2\n", "an event\n")
        await write(store, failed(make_document(2, replicas=3), 1, 2))
        assert names(branch) == sorted([*paths, paths[1].replace(".log", ".events")])
        await store.release()

        other = opened()  # one that adds none keeps them
        document = await other.read()
        assert await other.shared_logs.read(*label(first, 2)) == ("line of 2\n", "an event\n")
        assert await other.shared_logs.read(*label(first, 3)) is None
        await other.acquire("mark", 0)
        await other.read()
        again = failed(document, 1, phase=Phase.DONE)
        await other.write(replace(again, serial=3))
        assert names(branch) == sorted([paths[1], paths[1].replace(".log", ".events")])
        other.shared_logs.leave({document.replicas[1].key})
        await other.write(replace(again, serial=4), last=True)
        assert names(branch) == []

    asyncio.run(main())


def test_an_empty_log_does_not_replace_a_stored_one_nor_one_that_is_not_stored_yet(opened, branch, make_document):
    """The server returns an empty log for a session that the tool has deleted, such as one that timed out."""

    async def main():
        active, store = make_document(1, replicas=2), opened()
        paths = [f"logs/{'/'.join(label(active, 1))}.{suffix}" for suffix in ("events", "log")]
        await store.acquire("apply", 0)
        store.shared_logs.add(*label(active, 1), "before the delete\n", None)
        await write(store, active)
        assert names(branch) == []
        store.shared_logs.add(*label(active, 1), "", "an event\n")
        await write(store, failed(make_document(2, replicas=2), 1), last=True)
        assert names(branch) == paths

        other = opened()
        await other.acquire("apply", 0)
        document = await other.read()
        other.shared_logs.add(*label(active, 1), "", "<none>")
        await other.write(replace(document, serial=3))
        other.shared_logs.add(*label(active, 1), "", "a later event\n")
        await other.write(replace(document, serial=4), last=True)
        assert names(branch) == paths
        assert await other.shared_logs.read(*label(active, 1)) == ("before the delete\n", "a later event\n")

    asyncio.run(main())


def test_a_log_that_is_added_during_a_push_is_in_the_next_one(opened, branch, repository, make_document):
    async def main():
        document, store = failed(make_document(1), 1), opened()
        await store.acquire("apply", 0)
        store.shared_logs.add(*label(document, 1), "first\n", None)
        hook = repository / "hooks" / "pre-receive"
        hook.write_text("#!/bin/sh\necho >> pushed\nwhile [ ! -e added ]; do sleep 0.02; done\n")
        hook.chmod(0o755)
        writing = asyncio.ensure_future(write(store, document))
        while not (repository / "pushed").exists():  # noqa: ASYNC110 - the state of another process
            await asyncio.sleep(0.01)
        store.shared_logs.add(*label(document, 1), "second\n", None)
        (repository / "added").touch()
        await writing
        await store.write(failed(make_document(2), 1), last=True)
        assert (await store.shared_logs.read(*label(document, 1)))[0] == "second\n"

    asyncio.run(main())


def test_logs_of_done_replicas_leave_room_for_those_of_active_ones(opened, branch, make_document):
    """The logs that are not stored yet have a limit, too: those of active replicas stay, those of done ones go."""
    numbers = range(1, 21)
    text = "x" * (FILE_LIMIT - 1) + "\n"

    async def main():
        active, store = make_document(1, replicas=60), opened()
        await store.acquire("apply", 0)
        for number in numbers:  # they run, and the tool is about to delete them
            store.shared_logs.add(*label(active, number), text, None)
        for number in range(21, 33):
            store.shared_logs.add(*label(active, number), text, None)
        done = failed(active, *range(21, 33), phase=Phase.DONE)
        await write(store, done)
        for number in range(41, 53):
            store.shared_logs.add(*label(active, number), text, None)
        await store.write(replace(failed(done, *numbers, *range(41, 53)), serial=2), last=True)
        assert names(branch) == sorted(
            f"logs/{'/'.join(label(active, number))}.log" for number in (*numbers, *range(41, 53))
        )

    asyncio.run(main())


def test_the_cost_of_a_log_does_not_grow_with_the_logs_that_wait(opened):
    def work(size):
        logs = opened().shared_logs
        for number in range(size):
            logs.add(f"tile-{number}", f"1-id{number}", "short\n", None)

    assert calls_for_each_further(work, few=200, many=400)["state"] < 20


def test_files_have_a_limit_and_the_newest_are_kept(opened, branch, make_document):
    numbers = range(1, 41)

    async def main():
        document, store = failed(make_document(1, replicas=40), *numbers), opened()
        await store.acquire("apply", 0)
        for number in numbers:
            store.shared_logs.add(
                *label(document, number), f"first {number}\n" + "é" * 40_000 + f"\nlast {number}\n", None
            )
            store.shared_logs.add(
                *label(document, number), f"first {number}\n" + "é\n" * 40_000 + f"last {number}\n", None
            )
        await write(store, document, last=True)
        kept = names(branch)
        assert len(kept) == TOTAL_LIMIT // FILE_LIMIT == 32
        assert kept == sorted(f"logs/{'/'.join(label(document, number))}.log" for number in range(9, 41))
        for path in kept:
            text = branch("show", f"{STATE}:{path}")
            heading, _, rest = text.partition("\n")
            assert FILE_LIMIT - 100 < len(text.encode()) <= FILE_LIMIT
            assert heading.startswith("(the first ")
            assert rest.startswith("é\n")
            assert "\nlast " in rest

    asyncio.run(main())


def test_a_retry_keeps_the_log_of_the_attempt_before(opened, branch, make_document):
    async def main():
        first, store = failed(make_document(1), 1), opened()
        await store.acquire("apply", 0)
        store.shared_logs.add(*label(first, 1), "it failed\n", None)
        await write(store, first)
        record = first.replicas[0]
        before = Attempt(attempt=record.attempt, phase=Phase.FAILED, id=record.id, ended=1.0)
        update = {"attempt": 2, "id": "zzz", "phase": Phase.RUNNING, "earlier": (before,)}
        retried = replace(first, serial=2, replicas=(replace(record, **update), *first.replicas[1:]))
        await store.write(retried)
        assert len(names(branch)) == 1
        done = failed(retried, 1, phase=Phase.DONE)
        await store.write(replace(done, serial=3), last=True)
        assert names(branch) == []

    asyncio.run(main())


def test_no_log_of_an_interactive_session_is_stored(opened, branch, make_document):
    async def main():
        document, store = failed(make_document(1), 1), opened()
        specs = {key: spec.__class__(**{**vars(spec), "kind": Kind.NOTEBOOK}) for key, spec in document.specs.items()}
        document = replace(document, specs=specs)
        await store.acquire("apply", 0)
        store.shared_logs.add(*label(document, 1), "token=abc\n", None)
        await write(store, document, last=True)
        assert names(branch) == []

    asyncio.run(main())


def add_by_hand(repository, tree, name, mark):
    """Put files into the branch that the tool did not write: a link in place of a log, and others."""

    def git(*words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True)

    git("clone", "-q", "-b", "skaha-state/survey", repository, tree)
    folder = tree / "logs" / name
    folder.mkdir(parents=True)
    (folder / f"{mark}.log").symlink_to("/etc/passwd")
    (folder / "99-other.log").write_text("x")
    (tree / "logs" / "other.log").write_text("x")
    for words in (["add", "-A"], ["commit", "-qm", "x"], ["push", "-q"]):
        git("-C", tree, *words)


def test_files_that_nobody_wrote_as_logs_are_dropped_and_not_read(opened, branch, repository, make_document, tmp_path):
    async def main():
        document, store = failed(make_document(1), 1), opened()
        await store.acquire("apply", 0)
        await write(store, document, last=True)
        name, mark = label(document, 1)
        add_by_hand(repository, tmp_path / "tree", name, mark)
        other = opened()
        await other.acquire("apply", 0)
        await other.read()
        assert await other.shared_logs.read(name, mark) is None
        await other.write(replace(document, serial=2), last=True)
        assert names(branch) == []

    asyncio.run(main())
