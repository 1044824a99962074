"""The logs of failed replicas in the branch of a state: which are kept, how much of them, and in the same push."""

from __future__ import annotations

import asyncio
import subprocess

import pytest

from skaha_apply.model.session import Kind, Phase
from skaha_apply.model.state import Attempt
from skaha_apply.state.git.address import GitRemote
from skaha_apply.state.git.logs import FILE_LIMIT, TOTAL_LIMIT
from skaha_apply.state.git.store import GitStore
from skaha_apply.state.remote.rescue import rescue_path

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
        one.model_copy(update={"phase": phase, "ended": float(one.replica), **changes})
        if one.replica in numbers
        else one
        for one in document.replicas
    ]
    return document.model_copy(update={"replicas": tuple(changed)})


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
        await other.write(again.model_copy(update={"serial": 3}))
        assert names(branch) == sorted([paths[1], paths[1].replace(".log", ".events")])
        other.shared_logs.leave({document.replicas[1].key})
        await other.write(again.model_copy(update={"serial": 4}), last=True)
        assert names(branch) == []

    asyncio.run(main())


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
        retried = first.model_copy(
            update={"serial": 2, "replicas": (record.model_copy(update=update), *first.replicas[1:])}
        )
        await store.write(retried)
        assert len(names(branch)) == 1
        done = failed(retried, 1, phase=Phase.DONE)
        await store.write(done.model_copy(update={"serial": 3}), last=True)
        assert names(branch) == []

    asyncio.run(main())


def test_no_log_of_an_interactive_session_is_stored(opened, branch, make_document):
    async def main():
        document, store = failed(make_document(1), 1), opened()
        specs = {key: spec.__class__(**{**vars(spec), "kind": Kind.NOTEBOOK}) for key, spec in document.specs.items()}
        document = document.model_copy(update={"specs": specs})
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
        await other.write(document.model_copy(update={"serial": 2}), last=True)
        assert names(branch) == []

    asyncio.run(main())
